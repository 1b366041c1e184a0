"""
Azure Communication Services: what goes on the wire, how it is signed, what its answers mean.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from dataclasses import replace
from datetime import UTC, datetime
from email.header import decode_header, make_header
from typing import Any

import pytest

from mailfailover import ProviderChain
from mailfailover._chain.ping import ping
from mailfailover.errors import (
    AuthenticationFailed,
    ConfigurationError,
    InvalidMessage,
    OutcomeUnknown,
    ProviderUnavailable,
    RateLimited,
    RecipientRejected,
    RecipientSuppressed,
    RequestRefused,
    SenderRefused,
    SendError,
    UnsupportedFeature,
)
from mailfailover.plugin import (
    Accepted,
    Address,
    Attachment,
    HTTPRequest,
    Message,
    RecipientStatus,
    Response,
)
from mailfailover.providers.azure import Azure
from mailfailover.testing import PLAIN, RICH, FakeTransport, ProviderContract
from tests.providers.bodies import read_json
from tests.providers.round_trip import RoundTrip
from tests.samples import each

ENDPOINT = "https://shop.communication.azure.com"
KEY = "c2VjcmV0LWtleSE="
AZURE = Azure(access_key=KEY, base_url=ENDPOINT, sender_name="The Shop")
URL = f"{ENDPOINT}/emails:send?api-version=2025-09-01"
OPERATION = f"{ENDPOINT}/emails/operations/00000000-0000-0000-0000-000000000000"
QUEUED = {"ann@example.org": RecipientStatus.QUEUED}


def _answer(code: int, /, **body: Any) -> Response:
    return Response(code, {}, json.dumps(body).encode())


def _refusal(status: int, code: str, text: str = "It says why.") -> Response:
    details = {"target": None, "details": None, "innererror": None}
    return _answer(status, error={"code": code, "message": text, **details})


def _invalid(place: str) -> Response:
    text = f"Request body validation error. See property '{place}'"
    return _refusal(400, "BadRequest", text)


def _failed(status: str, code: str) -> Response:
    return _answer(202, id="op-1", status=status, error={"code": code, "message": "No."})


SUPPRESSED = "EmailDroppedAllRecipientsSuppressed"

ERRORS: list[tuple[Response, type[SendError]]] = [
    (_invalid("senderAddress"), SenderRefused),
    (_invalid("recipients.to[0].address"), RecipientRejected),
    (_invalid("recipients.to[0].displayName"), RequestRefused),
    (_invalid("attachments[0].contentType"), UnsupportedFeature),
    (_invalid("content.subject"), RequestRefused),
    (_refusal(400, "BadRequest", "Request body validation error."), RequestRefused),
    (_refusal(400, "InvalidSenderUserName"), SenderRefused),
    (_refusal(401, "Denied", "Denied by the resource provider."), AuthenticationFailed),
    (_refusal(403, "Forbidden"), AuthenticationFailed),
    (_refusal(404, "DomainNotLinked"), SenderRefused),
    (_refusal(404, "NotFound"), RequestRefused),
    (_refusal(409, "Conflict"), OutcomeUnknown),
    (_refusal(413, "RequestEntityTooLarge"), UnsupportedFeature),
    (_refusal(429, "TooManyRequests"), RateLimited),
    (_refusal(500, "InternalServerError"), ProviderUnavailable),
    (_refusal(503, "ServiceUnavailable"), ProviderUnavailable),
    (_answer(503, error="down"), OutcomeUnknown),
    (_failed("Failed", SUPPRESSED), RecipientSuppressed),
    (_failed("Canceled", "EmailDropped"), RequestRefused),
    (_answer(202, id="", status="Running"), OutcomeUnknown),
]


class TestContract(ProviderContract):
    provider = AZURE
    accepted = _answer(202, id="op-1", status="Running", error=None)
    accepted_id = "op-1"
    errors = ERRORS
    partial = (
        (_answer(202, id="op-1", status="NotStarted"), Accepted("op-1", QUEUED)),
        (_answer(202, id="op-1", status="Paused"), Accepted("op-1", QUEUED)),
        (
            _answer(202, id="op-1", status="Succeeded"),
            Accepted("op-1", {"ann@example.org": RecipientStatus.ACCEPTED}),
        ),
    )

    def adapt(self, message: Message) -> Message:
        """
        The sender's name is the account's.
        """
        return message.replace(from_email=message.sender.email)


class TestTokenContract(TestContract):
    provider = Azure(token="secret-token", base_url=ENDPOINT, sender_name="The Shop")


def _address(one: dict[str, str]) -> Address:
    return Address(one["address"], one.get("displayName", ""))


class TestRoundTrip(RoundTrip):
    provider = AZURE

    def decode(self, request: HTTPRequest) -> dict[str, Any]:
        body = read_json(request)
        headers = {
            name: str(make_header(decode_header(value))) for name, value in body["headers"].items()
        }
        if headers["Message-ID"] != "<own@example.com>":
            del headers["Message-ID"]
        return {
            "from_email": Address(body["senderAddress"], AZURE.sender_name),
            **{
                kind: [_address(one) for one in body["recipients"].get(kind, ())]
                for kind in ("to", "cc", "bcc")
            },
            "reply_to": [_address(one) for one in body.get("replyTo", ())],
            "subject": body["content"]["subject"],
            "text": body["content"].get("plainText", ""),
            "html": body["content"].get("html", ""),
            "headers": headers,
            "attachments": [
                Attachment(
                    one["name"],
                    b64decode(one["contentInBase64"]),
                    one["contentType"],
                    one.get("contentId", ""),
                )
                for one in body.get("attachments", ())
            ],
        }

    def expected(self, message: Message) -> Message:
        """
        Azure adds the name that its portal has for the sender.
        """
        return message.bound(from_email=Address(message.sender.email, AZURE.sender_name))


PLAIN_BODY: dict[str, Any] = {
    "senderAddress": "shop@example.com",
    "recipients": {"to": [{"address": "ann@example.org", "displayName": "Ann"}]},
    "content": {"subject": "Your order", "plainText": "It is on its way.\n"},
    "headers": {"Message-ID": "<plain@example.com>"},
}


def _body_of(message: Message) -> Any:
    return read_json(AZURE.build_request(message))


def test_plain_mail() -> None:
    """
    A mail is a JSON document.
    """
    request = AZURE.build_request(PLAIN)

    assert ("POST", URL, {"Content-Type": "application/json"}) == (
        request.method,
        request.url,
        request.headers,
    )
    assert PLAIN_BODY == read_json(request)


def test_every_field() -> None:
    """
    Each field of a message that it can express has its place in the document.
    """
    assert _body_of(RICH) == {
        "senderAddress": "shop@example.com",
        "recipients": {
            "to": [
                {"address": "ann@example.org", "displayName": "Ann"},
                {"address": "bob@example.net", "displayName": "Bob"},
            ],
            "cc": [{"address": "cat@example.edu", "displayName": "Cat"}],
            "bcc": [{"address": "dan@example.org"}],
        },
        "replyTo": [{"address": "help@example.com"}],
        "content": {"subject": "Your order", "plainText": RICH.text, "html": RICH.html},
        "headers": {"Message-ID": "<rich@example.com>", "X-Order": "1234"},
        "attachments": [
            {
                "name": "report.pdf",
                "contentType": "application/pdf",
                "contentInBase64": "JVBERi0xLjQKJSVFT0YK",
            },
            {
                "name": "logo.png",
                "contentType": "image/png",
                "contentInBase64": b64encode(RICH.attachments[1].read()).decode(),
                "contentId": "logo",
            },
        ],
    }


def test_operation_id() -> None:
    """
    The idempotency key is the id of the operation.
    """
    request = AZURE.build_request(PLAIN.bound(idempotency_key="key-1"))

    assert "key-1" == request.headers["Operation-Id"]


def test_the_name_of_the_sender() -> None:
    """
    A name that the portal does not show is refused before the call, no name is not.
    """
    message = PLAIN.replace(from_email="Other <shop@example.com>")

    with pytest.raises(UnsupportedFeature, match="set sender_name to that") as caught:
        AZURE.build_request(message)
    assert ("ADDRESS_NAME",) == caught.value.features
    assert PLAIN_BODY == _body_of(message.replace(from_email="shop@example.com"))


@pytest.mark.parametrize("fields", [{}, {"access_key": KEY, "token": "secret-token"}])
def test_one_of_key_and_token(fields: dict[str, str]) -> None:
    """
    Without a key and a token nothing can be sent, and with both it is not clear how.
    """
    with pytest.raises(ConfigurationError, match="either access_key or token"):
        Azure(base_url=ENDPOINT, **fields)


def test_dsn_names_the_endpoint() -> None:
    """
    The host of a DSN is that of the resource.
    """
    (link,) = ProviderChain("azure://c2VjcmV0LWtleSE%3D@shop.communication.azure.com").links

    assert link.provider == replace(AZURE, sender_name="")


def test_options_are_laid_over() -> None:
    """
    Options extend what is there.
    """
    options = {"userEngagementTrackingDisabled": True}

    assert _body_of(PLAIN.replace(provider_options={"azure": options})) == {**PLAIN_BODY, **options}


@each("name", ["senderAddress", "recipients", "headers"])
def test_options_change_nobody(name: str) -> None:
    """
    Options cannot change who gets the mail or who sends it.
    """
    message = PLAIN.replace(provider_options={"azure": {name: {}}})

    with pytest.raises(InvalidMessage, match=f"cannot set {name}: use the message's own field"):
        AZURE.build_request(message)


def test_retry_after_is_in_seconds() -> None:
    """
    A throttled call tells when to ask again.
    """
    answer = Response(429, {"Retry-After": "90"}, _refusal(429, "TooManyRequests").body)

    assert 90.0 == AZURE.classify_error(answer, PLAIN).retry_after


@each(
    ("response", "kind"),
    [
        (_refusal(404, "NotFound"), type(None)),
        (_refusal(401, "Denied"), AuthenticationFailed),
        (_refusal(429, "TooManyRequests"), RateLimited),
        (Response(404, {}, b"<html></html>"), RequestRefused),
        (_answer(200, id="op-1"), OutcomeUnknown),
    ],
)
def test_ping(response: Response, kind: type) -> None:
    """
    Who does not find an operation that never was knows the key; anything else proves nothing.
    """
    transport = FakeTransport(response)
    chain = ProviderChain(AZURE, transport=transport)

    answer = ping(chain.links[0], chain.transport, 1.0)

    assert (kind is type(None), kind) == (answer.ok, type(answer.error))
    (request,) = transport.requests
    assert isinstance(request, HTTPRequest)
    assert ("GET", f"{OPERATION}?api-version=2025-09-01") == (request.method, request.url)


# Signatures, each as the vendor's own azure-communication-email 1.1.0 makes it.

NOW = datetime(2026, 11, 24, 5, 6, 7, tzinfo=UTC).timestamp()


def _sign(request: HTTPRequest) -> dict[str, str]:
    assert request.auth is not None
    return dict(request.auth(request, NOW))


def _signed(digest: str, signature: str) -> dict[str, str]:
    return {
        "x-ms-date": "Tue, 24 Nov 2026 05:06:07 GMT",
        "x-ms-content-sha256": digest,
        "Authorization": "HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256"
        f"&Signature={signature}",
    }


def test_signature_of_a_mail() -> None:
    """
    A mail is signed with its time, host and body.
    """
    assert _sign(AZURE.build_request(PLAIN)) == _signed(
        "+Qo1qi80qrtpIr0eEseG2Js4uHx4pOeBkMqEAMx3k5A=",
        "YAWB75oJmw4430xf674uRZ996xhDQ4i0OZLbPgzbZko=",
    )


def test_signature_of_a_ping() -> None:
    """
    A call without a body is signed as one with an empty body.
    """
    assert _sign(AZURE.build_ping()) == _signed(
        "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
        "iwAuHEmwAF65dHXGPtbovc9tmPd/Ou7Aci+V4CTjtVE=",
    )


@pytest.mark.parametrize(
    ("base_url", "signature"),
    [
        ("http://localhost:8026/prefix", "WwVC0Ihg+S/QbjOHGv9YhjKXovS89g6WmzX1cvxztu4="),
        (
            "https://SHOP.communication.azure.com:443",
            "iwAuHEmwAF65dHXGPtbovc9tmPd/Ou7Aci+V4CTjtVE=",
        ),
    ],
)
def test_signature_of_host_and_path(base_url: str, signature: str) -> None:
    """
    Host and path are signed as they are called, the scheme's own port left out.
    """
    signed = _sign(replace(AZURE, base_url=base_url).build_ping())

    assert signed["Authorization"].endswith(f"&Signature={signature}")


def test_key_is_asked_for_when_it_is_needed() -> None:
    """
    A key given as a callable signs alike.
    """
    provider = replace(AZURE, access_key=lambda: KEY)

    assert _sign(provider.build_ping()) == _sign(AZURE.build_ping())


def test_broken_key() -> None:
    """
    A key that is no base64 sends nothing, and the next provider is asked.
    """
    with pytest.raises(AuthenticationFailed, match="is no base64"):
        _sign(replace(AZURE, access_key="secret-key").build_ping())


def test_token() -> None:
    """
    A token is a header, asked for anew for each request, and nothing is signed.
    """
    tokens = iter(("one", "two"))
    provider = Azure(token=lambda: next(tokens), base_url=ENDPOINT)

    requests = (provider.build_ping(), provider.build_ping())

    assert [("Bearer one", None), ("Bearer two", None)] == [
        (request.headers["Authorization"], request.auth) for request in requests
    ]
