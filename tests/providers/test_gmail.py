"""
Gmail: what goes on the wire, and what its answers mean.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
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
    SendError,
    UnsupportedFeature,
)
from mailfailover.plugin import HTTPRequest, Message, Response
from mailfailover.providers.gmail import Gmail
from mailfailover.testing import PLAIN, SAMPLES, FakeTransport, ProviderContract
from mailfailover.testing._wire_text import body_bytes
from tests.providers.bodies import as_mime, read_mime
from tests.providers.round_trip import RoundTrip
from tests.samples import each

GMAIL = Gmail(access_token="secret-token")
HOST = "https://gmail.googleapis.com"


def _answer(status: int, body: object) -> Response:
    return Response(status, {}, json.dumps(body).encode())


def _refusal(status: int, reason: str, text: str = "It says why.") -> Response:
    first = {"domain": "global", "reason": reason, "message": text}
    return _answer(status, {"error": {"code": status, "errors": [first], "message": text}})


LATER = "User-rate limit exceeded.  Retry after 2026-11-24T07:08:09.000Z (Mail sending)"

ERRORS: list[tuple[Response, type[SendError]]] = [
    (_refusal(400, "badRequest"), RequestRefused),
    (_refusal(400, "failedPrecondition", "Precondition check failed."), AccountSuspended),
    (_refusal(400, "failedPrecondition", "Mail service not enabled"), AccountSuspended),
    (_refusal(400, "invalidArgument", "Recipient address required"), RequestRefused),
    (_refusal(400, "invalidArgument", "Invalid to header"), RecipientRejected),
    (_refusal(400, "invalidArgument", "Invalid Cc header"), RecipientRejected),
    (_refusal(400, "badRequest", "Invalid to header"), RequestRefused),
    (_refusal(401, "authError", "Invalid Credentials"), AuthenticationFailed),
    (_refusal(403, "dailyLimitExceeded"), QuotaExceeded),
    (_refusal(403, "userRateLimitExceeded"), RateLimited),
    (_refusal(403, "rateLimitExceeded"), RateLimited),
    (_refusal(403, "insufficientPermissions"), AuthenticationFailed),
    (_refusal(403, "domainPolicy"), AuthenticationFailed),
    (_refusal(403, "forbidden", "Delegation denied"), AuthenticationFailed),
    (_refusal(404, "notFound"), RequestRefused),
    (_refusal(413, "uploadTooLarge"), UnsupportedFeature),
    (_refusal(429, "userRateLimitExceeded", "Too many concurrent requests"), RateLimited),
    (_refusal(429, "rateLimitExceeded", LATER), QuotaExceeded),
    (_refusal(429, "", "Retry after 2026-13-24T07:08:09Z"), RateLimited),
    (_refusal(500, "backendError"), ProviderUnavailable),
    (_answer(503, {"error": {"code": 503, "message": "unavailable"}}), ProviderUnavailable),
    (_answer(503, {"error": "unavailable"}), OutcomeUnknown),
    (_answer(200, {"threadId": "t-1"}), OutcomeUnknown),
]


class TestContract(ProviderContract):
    provider = GMAIL
    accepted = _answer(200, {"id": "m-1", "threadId": "t-1", "labelIds": ["SENT"]})
    accepted_id = "m-1"
    errors = ERRORS


def _read(request: HTTPRequest) -> tuple[Any, bytes]:
    """
    The JSON and the mail in the body.
    """
    kind, _, boundary = request.headers["Content-Type"].partition("; boundary=")
    assert "multipart/related" == kind
    start, options, mail, end = body_bytes(request.body).split(f"--{boundary}".encode())
    assert (b"", b"--\r\n") == (start, end)
    head, _, text = options.partition(b"\r\n\r\n")
    assert b"\r\nContent-Type: application/json; charset=UTF-8" == head
    head, _, mime = mail.partition(b"\r\n\r\n")
    assert b"\r\nContent-Type: message/rfc822" == head
    return json.loads(text), mime.removesuffix(b"\r\n")


class TestRoundTrip(RoundTrip):
    provider = GMAIL

    expected = staticmethod(as_mime)

    def decode(self, request: HTTPRequest) -> dict[str, Any]:
        options, mime = _read(request)
        assert {} == options
        return read_mime(mime) | {"bcc": Message.from_email_message(mime).bcc}


def test_plain_mail() -> None:
    """
    A mail is its MIME text after an empty JSON document.
    """
    request = GMAIL.build_request(PLAIN)
    options, mime = _read(request)

    assert ("POST", f"{HOST}/upload/gmail/v1/users/me/messages/send?uploadType=multipart") == (
        request.method,
        request.url,
    )
    assert "Bearer secret-token" == request.headers["Authorization"]
    assert {} == options
    assert mime.startswith(b"From: The Shop <shop@example.com>\r\nTo: Ann <ann@example.org>\r\n")


def test_blind_copies() -> None:
    """
    Who gets a blind copy stands in a header, which Gmail takes out.
    """
    _, mime = _read(GMAIL.build_request(SAMPLES["bcc"]))

    assert mime.startswith(b"Bcc: bob@example.net,\r\n cat@example.edu\r\nFrom: ")


def test_options_are_the_json() -> None:
    """
    Options say what else Gmail should do with the mail.
    """
    message = PLAIN.replace(provider_options={"gmail": {"threadId": "t-1"}})

    options, _ = _read(GMAIL.build_request(message))

    assert {"threadId": "t-1"} == options


@pytest.mark.parametrize("name", ["raw", "payload"])
def test_options_change_nobody(name: str) -> None:
    """
    Options cannot be another mail.
    """
    message = PLAIN.replace(provider_options={"gmail": {name: ""}})

    with pytest.raises(InvalidMessage, match=f"cannot set {name}: use the message's own field"):
        GMAIL.build_request(message)


def test_time_of_a_quota() -> None:
    """
    When a user may send again is told in words.
    """
    error = GMAIL.classify_error(_refusal(429, "userRateLimitExceeded", LATER), PLAIN)

    assert isinstance(error, QuotaExceeded)
    assert datetime(2026, 11, 24, 7, 8, 9, tzinfo=UTC) == error.until


def test_token_is_asked_for_anew() -> None:
    """
    Each request has a token of its own, for they last an hour.
    """
    tokens = iter(("one", "two"))
    provider = Gmail(access_token=lambda: next(tokens))

    requests = (provider.build_request(PLAIN), provider.build_ping())

    assert ["Bearer one", "Bearer two"] == [one.headers["Authorization"] for one in requests]


@each(
    ("response", "kind"),
    [
        (_answer(200, {"emailAddress": "shop@example.com"}), type(None)),
        (_refusal(403, "insufficientPermissions"), type(None)),
        (_refusal(401, "authError"), AuthenticationFailed),
        (_refusal(403, "domainPolicy"), AuthenticationFailed),
        (Response(200, {}, b"<html></html>"), OutcomeUnknown),
    ],
)
def test_ping(response: Response, kind: type) -> None:
    """
    A token that may do nothing but send is known too; anything else proves nothing.
    """
    transport = FakeTransport(response)
    chain = ProviderChain(GMAIL, transport=transport)

    answer = ping(chain.links[0], chain.transport, 1.0)

    assert (kind is type(None), kind) == (answer.ok, type(answer.error))
    (request,) = transport.requests
    assert isinstance(request, HTTPRequest)
    assert ("GET", f"{HOST}/gmail/v1/users/me/profile") == (request.method, request.url)
