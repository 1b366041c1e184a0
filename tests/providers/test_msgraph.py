"""
Microsoft Graph: what goes on the wire, and what its answers mean.
"""

from __future__ import annotations

import json
from base64 import b64decode
from dataclasses import replace
from typing import Any

import pytest

from mailfailover import ProviderChain
from mailfailover._chain.ping import ping
from mailfailover.errors import (
    AccountSuspended,
    AuthenticationFailed,
    InvalidMessage,
    OutcomeUnknown,
    ProviderUnavailable,
    QuotaExceeded,
    RateLimited,
    RecipientRejected,
    RequestRefused,
    SenderRefused,
    SendError,
    UnsupportedFeature,
)
from mailfailover.plugin import HTTPRequest, Message, Response
from mailfailover.providers.msgraph import MSGraph
from mailfailover.testing import PLAIN, SAMPLES, FakeTransport, ProviderContract
from mailfailover.testing._wire_text import body_bytes
from tests.providers.bodies import as_mime, read_mime
from tests.providers.round_trip import RoundTrip
from tests.samples import each

GRAPH = MSGraph(access_token="secret-token")
HOST = "https://graph.microsoft.com/v1.0"


def _answer(status: int, body: object) -> Response:
    return Response(status, {}, json.dumps(body).encode())


def _refusal(status: int, code: str, text: str = "It says why.") -> Response:
    inner = {"date": "2026-11-24T05:06:07", "request-id": "r-1"}
    return _answer(status, {"error": {"code": code, "message": text, "innerError": inner}})


NO_USER = "/me request is only valid with delegated authentication flow."

ERRORS: list[tuple[Response, type[SendError]]] = [
    (_refusal(400, "ErrorInvalidRecipients"), RecipientRejected),
    (_refusal(400, "ErrorMimeContentInvalidBase64String"), RequestRefused),
    (_refusal(400, "ErrorExceededMessageLimit"), QuotaExceeded),
    (_refusal(401, "InvalidAuthenticationToken"), AuthenticationFailed),
    (_refusal(403, "ErrorAccessDenied"), SenderRefused),
    (_refusal(403, "ErrorAccountSuspend"), AccountSuspended),
    (_refusal(403, "ErrorSendAsDenied"), SenderRefused),
    (_refusal(403, "Authorization_RequestDenied"), AuthenticationFailed),
    (_refusal(404, "ErrorInvalidUser"), SenderRefused),
    (_refusal(404, "MailboxNotEnabledForRESTAPI"), SenderRefused),
    (_refusal(404, "Request_ResourceNotFound"), SenderRefused),
    (_refusal(404, "ResourceNotFound"), SenderRefused),
    (_refusal(404, "NeverDocumented"), RequestRefused),
    (_refusal(413, "RequestEntityTooLarge"), UnsupportedFeature),
    (_refusal(413, "ErrorMessageSizeExceeded"), UnsupportedFeature),
    (_refusal(429, "ApplicationThrottled"), RateLimited),
    (_refusal(429, "ErrorSubmissionQuotaExceeded"), QuotaExceeded),
    (_refusal(507, "ErrorQuotaExceeded"), QuotaExceeded),
    (_refusal(500, "ErrorInternalServerError"), ProviderUnavailable),
    (_refusal(503, "ErrorServerBusy"), ProviderUnavailable),
    (_refusal(504, "UnknownError"), OutcomeUnknown),
    (_answer(503, {"error": "down"}), OutcomeUnknown),
    (Response(200), OutcomeUnknown),
    (_answer(202, {"id": "1"}), OutcomeUnknown),
]


class TestContract(ProviderContract):
    provider = GRAPH
    accepted = Response(202)
    errors = ERRORS
    empty_success = True

    def adapt(self, message: Message) -> Message | None:
        """
        Without the header that Exchange would leave off, and we refuse.
        """
        if not message.mime:
            return message
        lines = message.mime.split(b"\r\n")
        kept = b"\r\n".join(line for line in lines if not line.startswith(b"X-"))
        return Message.from_mime(kept, to=message.to, id=message.id)


def _mime_of(request: HTTPRequest) -> bytes:
    assert "text/plain" == request.headers["Content-Type"]
    return b64decode(body_bytes(request.body), validate=True)


class TestRoundTrip(RoundTrip):
    provider = GRAPH

    expected = staticmethod(as_mime)

    def decode(self, request: HTTPRequest) -> dict[str, Any]:
        mime = _mime_of(request)
        return read_mime(mime) | {"bcc": Message.from_email_message(mime).bcc}


def test_plain_mail() -> None:
    """
    A mail is its MIME text in base64, sent from the sender's mailbox.
    """
    request = GRAPH.build_request(PLAIN)

    assert ("POST", f"{HOST}/users/shop@example.com/sendMail") == (request.method, request.url)
    assert request.headers == {
        "Authorization": "Bearer secret-token",
        "Content-Type": "text/plain",
    }
    assert _mime_of(request).startswith(b"From: The Shop <shop@example.com>\r\nTo: Ann <ann@")


@each(
    ("mailbox", "place"),
    [
        ("me", "me"),
        ("all@example.com", "users/all@example.com"),
        ("a/b?c", "users/a%2Fb%3Fc"),
    ],
)
def test_mailbox(mailbox: str, place: str) -> None:
    """
    Another mailbox than the sender's can send.
    """
    request = replace(GRAPH, mailbox=mailbox).build_request(PLAIN)

    assert f"{HOST}/{place}/sendMail" == request.url


def test_blind_copies() -> None:
    """
    Who gets a blind copy stands in a header, which Exchange takes out.
    """
    mime = _mime_of(GRAPH.build_request(SAMPLES["bcc"]))

    assert mime.startswith(b"Bcc: bob@example.net,\r\n cat@example.edu\r\nFrom: ")


def test_mime_with_headers_that_exchange_leaves_off_is_refused() -> None:
    """
    The next provider sends it whole.
    """
    mime = b"From: shop@example.com\r\nTo: ann@example.org\r\nX-Order: 1\r\n\r\nHello\r\n"

    with pytest.raises(UnsupportedFeature, match="'x-order'") as caught:
        GRAPH.build_request(Message.from_mime(mime, to="ann@example.org"))

    assert ("HEADERS",) == caught.value.features


def test_there_are_no_options() -> None:
    """
    Options have no place beside MIME, so they are refused before the call.
    """
    message = PLAIN.replace(provider_options={"msgraph": {"saveToSentItems": False}})

    with pytest.raises(InvalidMessage, match="cannot go with a mail as MIME"):
        GRAPH.build_request(message)


def test_retry_after_is_in_seconds() -> None:
    """
    A throttled call tells when to ask again.
    """
    answer = Response(429, {"Retry-After": "150"}, _refusal(429, "ApplicationThrottled").body)

    assert 150.0 == GRAPH.classify_error(answer, PLAIN).retry_after


def test_token_is_asked_for_anew() -> None:
    """
    Each request has a token of its own, for they last an hour.
    """
    tokens = iter(("one", "two"))
    provider = MSGraph(access_token=lambda: next(tokens))

    requests = (provider.build_request(PLAIN), provider.build_ping())

    assert ["Bearer one", "Bearer two"] == [one.headers["Authorization"] for one in requests]


@each(
    ("response", "kind"),
    [
        (_answer(200, {"id": "u-1"}), type(None)),
        (_refusal(400, "BadRequest", NO_USER), type(None)),
        (_refusal(403, "Authorization_RequestDenied"), type(None)),
        (_refusal(400, "BadRequest"), RequestRefused),
        (_refusal(401, "InvalidAuthenticationToken"), AuthenticationFailed),
        (Response(200, {}, b"<html></html>"), OutcomeUnknown),
    ],
)
def test_ping(response: Response, kind: type) -> None:
    """
    A token that may not read its user, or has none, is known too; nothing else proves it.
    """
    transport = FakeTransport(response)
    chain = ProviderChain(GRAPH, transport=transport)

    answer = ping(chain.links[0], chain.transport, 1.0)

    assert (kind is type(None), kind) == (answer.ok, type(answer.error))
    (request,) = transport.requests
    assert isinstance(request, HTTPRequest)
    assert ("GET", f"{HOST}/me?$select=id") == (request.method, request.url)
