"""
MailPace: what goes on the wire, and what its answers mean.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Any

import pytest

from mailfailover import ProviderChain
from mailfailover._chain.ping import ping
from mailfailover.errors import (
    AccountSuspended,
    AuthenticationFailed,
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
from mailfailover.plugin import Attachment, HTTPRequest, Message, Response
from mailfailover.providers.mailpace import MailPace
from mailfailover.testing import PLAIN, RICH, SAMPLES, FakeTransport, ProviderContract
from tests.providers.bodies import read_json
from tests.providers.round_trip import RoundTrip
from tests.samples import each

if TYPE_CHECKING:
    from collections.abc import Mapping

MAILPACE = MailPace(server_token="secret-token")
URL = "https://app.mailpace.com/api/v1/send"
THREAD = {"In-Reply-To": "<zqfirstqz@example.org>", "References": "<zqsecondqz@example.org>"}


def _answer(status: int, body: object) -> Response:
    return Response(status, {}, json.dumps(body).encode())


def _refusal(status: int, text: str) -> Response:
    return _answer(status, {"error": text})


def _invalid(field: str, text: str) -> Response:
    return _answer(400, {"errors": {field: [text]}})


NO_DKIM = "Domain DKIM DNS not verified, please complete DKIM Verification"
NO_PLAN = "The organization that owns this domain does not have an active plan"
DISABLED = "This organization is unable to send emails. Please contact support"
OTHER_DOMAIN = "Verified domain does not match domain in From address of email"
BLOCKED_TYPE = "Extension file type blocked, see Docs for full list of allowed file types"
TOO_MANY = "number of email addresses exceeds maximum volume"

ERRORS: list[tuple[Response, type[SendError]]] = [
    (_refusal(400, "Invalid API Token"), AuthenticationFailed),
    (_refusal(400, "Email from address not parseable"), SenderRefused),
    (_refusal(400, "Something else"), RequestRefused),
    (_invalid("to", "undefined field"), RequestRefused),
    (_invalid("to", "is invalid"), RecipientRejected),
    (_invalid("bcc", "is invalid"), RecipientRejected),
    (_invalid("to", "contains a blocked address"), RecipientSuppressed),
    (_invalid("to", TOO_MANY), UnsupportedFeature),
    (_invalid("attachments.name", BLOCKED_TYPE), UnsupportedFeature),
    (_invalid("tomorrow", "is invalid"), RequestRefused),
    (_answer(400, {"errors": {"to": "is invalid"}}), RequestRefused),
    (_refusal(401, "Missing API Token"), AuthenticationFailed),
    (_refusal(403, NO_DKIM), SenderRefused),
    (_refusal(403, NO_PLAN), AccountSuspended),
    (_refusal(403, DISABLED), AccountSuspended),
    (_refusal(403, OTHER_DOMAIN), SenderRefused),
    (_refusal(406, "Invalid request format or content type"), RequestRefused),
    (_refusal(429, "You are sending emails too quickly"), RateLimited),
    (_refusal(500, "Internal Server Error"), ProviderUnavailable),
    (Response(500), OutcomeUnknown),
    (_answer(200, {"id": True, "status": "pending"}), OutcomeUnknown),
]


class TestContract(ProviderContract):
    provider = MAILPACE
    accepted = _answer(200, {"id": 17, "status": "pending"})
    accepted_id = "17"
    errors = ERRORS

    def adapt(self, message: Message) -> Message:
        """
        It takes the headers of a thread and of a list only.
        """
        if not message.headers:
            return message
        return message.replace(headers=THREAD, unsubscribe="mailto:zqmailtoqz@example.com")


def _file(one: Mapping[str, str]) -> Attachment:
    content_id = one.get("cid", "").strip("<>")
    return Attachment(one["name"], b64decode(one["content"]), one["content_type"], content_id)


class TestRoundTrip(RoundTrip):
    provider = MAILPACE

    def expected(self, message: Message) -> Message:
        """
        MailPace gives each mail a Message-ID of its own.
        """
        headers = {name: v for name, v in message.headers.items() if name.lower() != "message-id"}
        return message.bound(headers=headers)

    def decode(self, request: HTTPRequest) -> dict[str, Any]:
        body = read_json(request)
        lists = {"to": "to", "cc": "cc", "bcc": "bcc", "reply_to": "replyto"}
        return {
            "from_email": body["from"],
            **{name: body.get(key, ()) for name, key in lists.items()},
            "subject": body.get("subject", ""),
            "text": body.get("textbody", ""),
            "html": body.get("htmlbody", ""),
            "attachments": [_file(one) for one in body.get("attachments", ())],
            "tags": body.get("tags", ()),
        }


def _body_of(message: Message) -> Any:
    return read_json(MAILPACE.build_request(message))


PLAIN_BODY = {
    "from": "The Shop <shop@example.com>",
    "to": "Ann <ann@example.org>",
    "subject": "Your order",
    "textbody": "It is on its way.\n",
}


def test_plain_mail() -> None:
    """
    A mail is a JSON document, the token a header; without an idempotency key there is none.
    """
    request = MAILPACE.build_request(PLAIN)

    assert ("POST", URL) == (request.method, request.url)
    assert request.headers == {
        "Accept": "application/json",
        "Content-Type": "application/json",
        "MailPace-Server-Token": "secret-token",
    }
    assert PLAIN_BODY == read_json(request)


def test_every_field() -> None:
    """
    Each field of a message has its place in the document.
    """
    message = RICH.replace(headers=THREAD, unsubscribe="mailto:u@example.com")

    assert _body_of(message) == {
        "from": "The Shop <shop@example.com>",
        "to": "Ann <ann@example.org>, Bob <bob@example.net>",
        "cc": "Cat <cat@example.edu>",
        "bcc": "dan@example.org",
        "replyto": "help@example.com",
        "subject": "Your order",
        "textbody": "It is on its way.\n",
        "htmlbody": RICH.html,
        "inreplyto": "<zqfirstqz@example.org>",
        "references": "<zqsecondqz@example.org>",
        "list_unsubscribe": "<mailto:u@example.com>",
        "attachments": [
            {
                "name": "report.pdf",
                "content": "JVBERi0xLjQKJSVFT0YK",
                "content_type": "application/pdf",
            },
            {
                "name": "logo.png",
                "content": b64encode(RICH.attachments[1].read()).decode(),
                "content_type": "image/png",
                "cid": "<logo>",
            },
        ],
        "tags": ["order"],
    }


def test_idempotency_key() -> None:
    """
    The key of a mail is a header.
    """
    request = MAILPACE.build_request(PLAIN.bound(idempotency_key="key-1"))

    assert "key-1" == request.headers["Idempotency-Key"]


@pytest.mark.parametrize("name", ["header", "unsubscribe"])
def test_other_headers_are_refused(name: str) -> None:
    """
    A header that it cannot set is refused by name before the call.
    """
    with pytest.raises(UnsupportedFeature, match="mailpace does not take the header") as caught:
        MAILPACE.build_request(SAMPLES[name])
    assert ("HEADERS",) == caught.value.features


def test_options_are_laid_over() -> None:
    """
    Options extend what is there.
    """
    message = PLAIN.replace(provider_options={"mailpace": {"tags": "welcome"}})

    assert _body_of(message) == {**PLAIN_BODY, "tags": "welcome"}


@each("name", ["from", "to", "cc", "bcc"])
def test_options_change_nobody(name: str) -> None:
    """
    Options cannot change who gets the mail or who sends it.
    """
    message = PLAIN.replace(provider_options={"mailpace": {name: ""}})

    with pytest.raises(InvalidMessage, match=f"cannot set {name}: use the message's own field"):
        MAILPACE.build_request(message)


def test_fault_is_told() -> None:
    """
    The field that decides stands in the error's text.
    """
    answer = _answer(400, {"errors": {"to": ["is invalid"], "attachments.name": ["No", 3]}})

    error = MAILPACE.classify_error(answer, PLAIN)

    assert "HTTP 400: to: is invalid" == str(error)


@each(
    ("response", "kind"),
    [
        (_invalid("to", "undefined field"), type(None)),
        (_refusal(400, "Invalid API Token"), AuthenticationFailed),
        (_refusal(403, NO_PLAN), AccountSuspended),
        (Response(200, {}, b"<html></html>"), OutcomeUnknown),
    ],
)
def test_ping(response: Response, kind: type) -> None:
    """
    Who is told that nobody is named has a token that is known; any other answer proves nothing.
    """
    transport = FakeTransport(response)
    chain = ProviderChain(MAILPACE, transport=transport)

    answer = ping(chain.links[0], chain.transport, 1.0)

    assert (kind is type(None), kind) == (answer.ok, type(answer.error))
    (request,) = transport.requests
    assert isinstance(request, HTTPRequest)
    assert (URL, {}) == (request.url, read_json(request))
