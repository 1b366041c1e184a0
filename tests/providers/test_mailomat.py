"""
Mailomat: what goes on the wire, and what its answers mean.
"""

from __future__ import annotations

import json
from base64 import b64decode
from typing import Any

import pytest

from mailfailover.errors import (
    AuthenticationFailed,
    InvalidMessage,
    OutcomeUnknown,
    ProviderUnavailable,
    RateLimited,
    RecipientRejected,
    RequestRefused,
    SenderRefused,
    SendError,
    UnsupportedFeature,
)
from mailfailover.plugin import Address, Attachment, HTTPRequest, Message, Response
from mailfailover.providers.mailomat import Mailomat
from mailfailover.testing import PLAIN, RICH, ProviderContract
from tests.providers.bodies import read_json
from tests.providers.round_trip import RoundTrip
from tests.samples import each

MAILOMAT = Mailomat(api_key="secret-key", webhook_secret="secret-hook")


def _answer(status: int, body: object) -> Response:
    return Response(status, {}, json.dumps(body).encode())


def _invalid(*places: object, status: int = 422) -> Response:
    found = [
        {"propertyPath": place, "message": "Dieser Wert sollte nicht leer sein."}
        for place in places
    ]
    return _answer(status, {"status": status, "violations": found})


ERRORS: list[tuple[Response, type[SendError]]] = [
    (_answer(400, {"title": "An error occurred", "detail": "Syntax error"}), RequestRefused),
    (_answer(401, {"code": 401, "message": "JWT Token not found"}), AuthenticationFailed),
    (_answer(403, {"detail": "Access Denied."}), AuthenticationFailed),
    (_invalid("to[1].email"), RecipientRejected),
    (_invalid("subject", "bcc[0].email"), RecipientRejected),
    (_invalid("from"), SenderRefused),
    (_invalid("from.email"), SenderRefused),
    (_invalid("attachments[0].contentType"), UnsupportedFeature),
    (_invalid(""), RequestRefused),
    (_invalid("subject"), RequestRefused),
    (_invalid("to"), RequestRefused),
    (_invalid(3), RequestRefused),
    (_invalid("to[1].email", status=400), RequestRefused),
    (_answer(422, {"violations": ["no"]}), RequestRefused),
    (_answer(429, {"detail": "Too Many Requests"}), RateLimited),
    (_answer(500, {"detail": "Internal Server Error"}), ProviderUnavailable),
    (_answer(500, {"error": "down"}), OutcomeUnknown),
    (_answer(202, {"id": "m1"}), OutcomeUnknown),
    (_answer(202, {"messageUuid": ""}), OutcomeUnknown),
]


class TestContract(ProviderContract):
    provider = MAILOMAT
    accepted = _answer(202, {"messageUuid": "m1"})
    accepted_id = "m1"
    errors = ERRORS


def _address(one: dict[str, str]) -> Address:
    return Address(one["email"], one.get("name", ""))


class TestRoundTrip(RoundTrip):
    provider = MAILOMAT

    def expected(self, message: Message) -> Message:
        """
        Mailomat gives each mail a Message-ID of its own.
        """
        headers = {name: v for name, v in message.headers.items() if name.lower() != "message-id"}
        return message.bound(headers=headers)

    def decode(self, request: HTTPRequest) -> dict[str, Any]:
        body = read_json(request)
        kinds = {"to": "to", "cc": "cc", "bcc": "bcc", "replyTo": "reply_to"}
        return {
            "from_email": _address(body["from"]),
            **{kind: [_address(one) for one in body.get(name, ())] for name, kind in kinds.items()},
            **{name: body.get(name, "") for name in ("subject", "text", "html")},
            "attachments": [
                Attachment(one["filename"], b64decode(one["contentBase64"]), one["contentType"])
                for one in body.get("attachments", ())
            ],
        }


PLAIN_BODY: dict[str, Any] = {
    "from": {"email": "shop@example.com", "name": "The Shop"},
    "to": [{"email": "ann@example.org", "name": "Ann"}],
    "subject": "Your order",
    "text": "It is on its way.\n",
}


def _body_of(message: Message) -> Any:
    return read_json(MAILOMAT.build_request(message))


def test_plain_mail() -> None:
    """
    A mail is a JSON document.
    """
    request = MAILOMAT.build_request(PLAIN)

    assert ("POST", "https://api.mailomat.swiss/message") == (request.method, request.url)
    assert request.headers == {
        "Accept": "application/json",
        "Authorization": "Bearer secret-key",
        "Content-Type": "application/json",
    }
    assert PLAIN_BODY == read_json(request)


def test_every_field() -> None:
    """
    Each field of a message that it has has its place in the document.
    """
    assert _body_of(RICH.replace(attachments=RICH.attachments[:1])) == {
        "from": {"email": "shop@example.com", "name": "The Shop"},
        "to": [
            {"email": "ann@example.org", "name": "Ann"},
            {"email": "bob@example.net", "name": "Bob"},
        ],
        "cc": [{"email": "cat@example.edu", "name": "Cat"}],
        "bcc": [{"email": "dan@example.org"}],
        "replyTo": [{"email": "help@example.com"}],
        "subject": "Your order",
        "text": "It is on its way.\n",
        "html": RICH.html,
        "attachments": [
            {
                "filename": "report.pdf",
                "contentBase64": "JVBERi0xLjQKJSVFT0YK",
                "contentType": "application/pdf",
            }
        ],
    }


def test_who_is_rejected() -> None:
    """
    The place tells whose address it is, where there is one.
    """
    error = MAILOMAT.classify_error(_invalid("to[1].email", "subject", "cc[7].email"), RICH)

    assert ("bob@example.net",) == error.recipients


def test_options_are_laid_over() -> None:
    """
    Options extend what is there.
    """
    message = PLAIN.replace(provider_options={"mailomat": {"campaign": "spring"}})

    assert {**PLAIN_BODY, "campaign": "spring"} == _body_of(message)


@each("name", ["from", "to", "cc", "bcc"])
def test_options_change_nobody(name: str) -> None:
    """
    Options cannot change who gets the mail or who sends it.
    """
    message = PLAIN.replace(provider_options={"mailomat": {name: {}}})

    with pytest.raises(InvalidMessage, match=f"cannot set {name}: use the message's own field"):
        MAILOMAT.build_request(message)


def test_ping() -> None:
    """
    A ping reads one event at most.
    """
    request = MAILOMAT.build_ping()

    assert (
        "GET",
        "https://api.mailomat.swiss/events?itemsPerPage=1",
        {"Accept": "application/json", "Authorization": "Bearer secret-key"},
    ) == (request.method, request.url, request.headers)
