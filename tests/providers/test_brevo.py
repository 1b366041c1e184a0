"""
Brevo: what goes on the wire, and what its answers mean.
"""

from __future__ import annotations

import json
from base64 import b64decode
from datetime import datetime, timedelta, timezone
from email.header import decode_header, make_header
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest

from mailfailover._values.frozen import FrozenDict
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
from mailfailover.plugin import Accepted, Address, Attachment, HTTPRequest, Message, Response
from mailfailover.providers.brevo import Brevo
from mailfailover.testing import PLAIN, RICH, SAMPLES, ProviderContract
from tests.providers.bodies import read_json
from tests.providers.round_trip import RoundTrip
from tests.samples import each

if TYPE_CHECKING:
    from collections.abc import Mapping

BREVO = Brevo(api_key="secret-key", webhook_username="secret-user", webhook_password="secret-hook")
KEY = "5b0c9b6e-4b7c-5d8e-9f00-112233445566"


def _answer(status: int, body: object, headers: Mapping[str, str] | None = None) -> Response:
    return Response(status, headers or {}, json.dumps(body).encode())


def _refusal(status: int, code: str, text: str = "") -> Response:
    return _answer(status, {"code": code, "message": text})


NO_SENDER = "Sending has been rejected because the sender you used shop@example.com is not valid."
ERRORS: list[tuple[Response, type[SendError]]] = [
    (_refusal(401, "unauthorized", "Key not found"), AuthenticationFailed),
    (_refusal(403, "permission_denied", "Not allowed"), AuthenticationFailed),
    (
        _refusal(403, "permission_denied", "Your SMTP account is not yet activated"),
        AccountSuspended,
    ),
    (_refusal(400, "account_under_validation"), AccountSuspended),
    (_refusal(402, "not_enough_credits", "Not enough credits"), QuotaExceeded),
    (_refusal(400, "duplicate_parameter", "idempotencyKey"), OutcomeUnknown),
    (_refusal(400, "duplicate_request"), OutcomeUnknown),
    (_refusal(400, "invalid_parameter", "email is not valid in to"), RecipientRejected),
    (_refusal(400, "invalid_parameter", "email is not valid in bcc"), RecipientRejected),
    (_refusal(400, "invalid_parameter", "email is not valid in sender"), SenderRefused),
    (_refusal(400, "invalid_parameter", "email is not valid in replyTo"), RequestRefused),
    (_refusal(400, "invalid_parameter", NO_SENDER), SenderRefused),
    (_refusal(400, "invalid_parameter", "Unsupported file format"), UnsupportedFeature),
    (_refusal(400, "missing_parameter", "subject is missing"), RequestRefused),
    (_refusal(400, "out_of_range"), RequestRefused),
    (_refusal(404, "document_not_found", "Template ID does not exist"), UnsupportedFeature),
    (_refusal(404, "document_not_found"), RequestRefused),
    (_refusal(413, "too_large"), UnsupportedFeature),
    (_refusal(429, "too_many_requests"), RateLimited),
    (_refusal(500, "internal_error"), ProviderUnavailable),
    (_refusal(502, "bad_gateway"), OutcomeUnknown),
    (_answer(400, {"code": "unauthorized", "message": 1}), AuthenticationFailed),
    (_answer(503, {"code": 1}), OutcomeUnknown),
    (_answer(201, {"messageId": ""}), OutcomeUnknown),
]


def _retyped(message: Message) -> Message:
    """
    *message* with files whose types are those of their names.
    """
    files = [Attachment(one.filename, one.content) for one in message.attachments]
    return message.replace(attachments=files)


class TestContract(ProviderContract):
    provider = BREVO
    accepted = _answer(201, {"messageId": "<1@smtp-relay.mailin.fr>"})
    accepted_id = "<1@smtp-relay.mailin.fr>"
    errors = ERRORS
    batch = (
        (
            _answer(201, {"messageIds": ["<1@x>", "<2@x>", "<3@x>"]}),
            (Accepted("<1@x>"), Accepted("<2@x>"), Accepted("<3@x>")),
        ),
    )

    def adapt(self, message: Message) -> Message | None:
        """
        The types of files are in their names; a header that is not ASCII is refused.
        """
        if not all(value.isascii() for _, value in message.header_items()):
            return None  # see test_what_it_cannot_say
        return _retyped(message)


@each("body", [{"messageIds": ["<1@x>"]}, {"messageIds": [1, 2, 3]}, {"messageId": "<1@x>"}])
def test_a_merge_with_other_ids_is_unknown(body: object) -> None:
    """
    An answer that does not name each mail tells nothing of any.
    """
    with pytest.raises(OutcomeUnknown):
        BREVO.parse_batch(_answer(201, body), SAMPLES["merge"])


def _addresses(found: list[dict[str, str]]) -> list[Address]:
    return [
        Address(one["email"], str(make_header(decode_header(one.get("name", ""))))) for one in found
    ]


def _read(body: dict[str, Any], version: dict[str, Any]) -> dict[str, Any]:
    mail = body | version
    headers = dict(mail["headers"])
    headers.pop("idempotencyKey", None)
    metadata = headers.pop("X-Mailin-custom")
    metadata = json.loads(metadata if metadata.startswith("{") else unquote(metadata))
    del metadata["mailfailover-id"]
    return {
        "from_email": _addresses([mail["sender"]])[0],
        "to": _addresses(mail["to"]),
        "cc": _addresses(mail.get("cc", [])),
        "bcc": _addresses(mail.get("bcc", [])),
        "reply_to": _addresses([mail["replyTo"]] if "replyTo" in mail else []),
        "subject": mail.get("subject", ""),
        "text": mail.get("textContent", ""),
        "html": mail.get("htmlContent", ""),
        "headers": headers,
        "attachments": [
            Attachment(file["name"], b64decode(file["content"]))
            for file in mail.get("attachment", [])
        ],
        "tags": mail.get("tags", []),
        "metadata": metadata,
        "send_at": datetime.fromisoformat(mail["scheduledAt"]) if "scheduledAt" in mail else None,
        "template_id": str(mail.get("templateId", "")),
        "template_data": mail.get("params", {}),
    }


class TestRoundTrip(RoundTrip):
    provider = BREVO

    def decode(self, request: HTTPRequest) -> dict[str, Any]:
        return _read(read_json(request), {})

    def decode_batch(self, request: HTTPRequest) -> list[dict[str, Any]]:
        body = read_json(request)
        return [_read(body, version) for version in body["messageVersions"]]

    def expected(self, message: Message) -> Message:
        headers = {name: one for name, one in message.headers.items() if name != "Message-ID"}
        return message.bound(headers=FrozenDict(headers))


PLAIN_BODY: dict[str, Any] = {
    "sender": {"email": "shop@example.com", "name": "The Shop"},
    "to": [{"email": "ann@example.org", "name": "Ann"}],
    "subject": "Your order",
    "textContent": "It is on its way.\n",
    "headers": {"X-Mailin-custom": '{"mailfailover-id": "plain"}'},
}


def _body_of(message: Message) -> Any:
    return read_json(BREVO.build_request(message))


def test_plain_mail() -> None:
    """
    A mail is a JSON document, the key a header.
    """
    request = BREVO.build_request(PLAIN)

    assert ("POST", "https://api.brevo.com/v3/smtp/email", "secret-key") == (
        request.method,
        request.url,
        request.headers["api-key"],
    )
    assert PLAIN_BODY == read_json(request)


def test_every_field() -> None:
    """
    Each field of a message has its place in the document.
    """
    when = datetime(2031, 5, 6, 7, 8, 9, 500000, tzinfo=timezone(timedelta(hours=2)))
    message = RICH.replace(
        attachments=RICH.attachments[:1], track_opens=None, track_clicks=None, send_at=when
    )

    assert _body_of(message) == {
        "sender": {"email": "shop@example.com", "name": "The Shop"},
        "to": [
            {"email": "ann@example.org", "name": "Ann"},
            {"email": "bob@example.net", "name": "Bob"},
        ],
        "cc": [{"email": "cat@example.edu", "name": "Cat"}],
        "bcc": [{"email": "dan@example.org"}],
        "replyTo": {"email": "help@example.com"},
        "subject": "Your order",
        "textContent": "It is on its way.\n",
        "htmlContent": RICH.html,
        "attachment": [{"name": "report.pdf", "content": "JVBERi0xLjQKJSVFT0YK"}],
        "tags": ["order"],
        "scheduledAt": "2031-05-06T05:08:09.500Z",
        "headers": {
            "X-Order": "1234",
            "X-Mailin-custom": '{"order": "1234", "mailfailover-id": "rich"}',
        },
    }


def test_metadata_beyond_ascii() -> None:
    """
    Metadata go in a header, so they are percent-encoded where they must be.
    """
    metadata = _body_of(PLAIN.replace(metadata={"a": "ü"}))["headers"]["X-Mailin-custom"]

    assert metadata == (
        "%7B%22a%22%3A%20%22%C3%BC%22%2C%20%22mailfailover-id%22%3A%20%22plain%22%7D"
    )


def test_names_that_brevo_would_leave_off() -> None:
    """
    A name that is not ASCII and has a comma goes as encoded words.
    """
    to = Address("ann@example.org", "Müßig, Ann")

    assert _body_of(PLAIN.replace(to=to))["to"] == [
        {"email": "ann@example.org", "name": "=?utf-8?b?TcO8w59pZywgQW5u?="}
    ]


def test_template() -> None:
    """
    A template is named by its number and has parameters.
    """
    body = _body_of(SAMPLES["template"].replace(template_id="42"))

    assert body == {
        "sender": {"email": "shop@example.com", "name": "The Shop"},
        "to": [{"email": "ann@example.org", "name": "Ann"}],
        "templateId": 42,
        "params": {"name": "Änne"},
        "headers": {"X-Mailin-custom": '{"mailfailover-id": "template"}'},
    }


def test_idempotency_key() -> None:
    """
    The key of a mail stands among the headers of the document.
    """
    assert _body_of(PLAIN.bound(idempotency_key=KEY))["headers"] == {
        "X-Mailin-custom": '{"mailfailover-id": "plain"}',
        "idempotencyKey": KEY,
    }


def test_merge() -> None:
    """
    A merge has a version for each recipient, filled in, and one key for all.
    """
    merge = SAMPLES["merge_html"].replace(
        to=("Ann <ann@example.org>", "bob@example.net"),
        merge_data={
            "ann@example.org": {"name": "Ann", "order": 1},
            "bob@example.net": {"name": "Bob & Sons", "order": 2},
        },
        merge_metadata={"bob@example.net": {"order": "2"}},
    )

    assert read_json(BREVO.build_batch(merge.bound(idempotency_key=KEY))) == {
        "sender": {"email": "shop@example.com", "name": "The Shop"},
        "subject": "Order {{order}}",
        "textContent": "Dear {{name}}, order {{order}} is on its way.\n",
        "htmlContent": "<p>Dear {{name}}</p>",
        "headers": {"idempotencyKey": KEY},
        "messageVersions": [
            {
                "to": [{"email": "ann@example.org", "name": "Ann"}],
                "subject": "Order 1",
                "textContent": "Dear Ann, order 1 is on its way.\n",
                "htmlContent": "<p>Dear Ann</p>",
                "headers": {"X-Mailin-custom": '{"mailfailover-id": "merge_html"}'},
            },
            {
                "to": [{"email": "bob@example.net"}],
                "subject": "Order 2",
                "textContent": "Dear Bob & Sons, order 2 is on its way.\n",
                "htmlContent": "<p>Dear Bob &amp; Sons</p>",
                "headers": {"X-Mailin-custom": '{"order": "2", "mailfailover-id": "merge_html"}'},
            },
        ],
    }


@pytest.mark.parametrize(
    ("fields", "feature"),
    [
        ({"headers": {"X-Order": "für Änne"}}, "HEADERS"),
        ({"attachments": Attachment("data.txt", b"", "text/csv")}, "ATTACHMENTS"),
    ],
)
def test_what_it_cannot_say(fields: dict[str, Any], feature: str) -> None:
    """
    What the vendor would change is refused before the call, by name.
    """
    with pytest.raises(UnsupportedFeature) as caught:
        BREVO.build_request(PLAIN.replace(**fields))

    assert caught.value.features == (feature,)


@each(
    ("headers", "seconds"),
    [
        ({"x-sib-ratelimit-reset": "41"}, 41.0),
        ({"x-sib-ratelimit-reset": "41", "Retry-After": "7"}, 7.0),
        ({}, None),
    ],
)
def test_rate_limit(headers: dict[str, str], seconds: float | None) -> None:
    """
    The vendor's own header has the seconds that are left.
    """
    error = BREVO.classify_error(_answer(429, {"code": "too_many_requests"}, headers), PLAIN)

    assert error.retry_after == seconds


def test_ping() -> None:
    """
    A ping reads the account.
    """
    request = BREVO.build_ping()

    assert ("GET", "https://api.brevo.com/v3/account", "secret-key") == (
        request.method,
        request.url,
        request.headers["api-key"],
    )


def test_options_are_laid_over() -> None:
    """
    Options extend what is there.
    """
    options = {"batchId": "b1", "headers": {"sender.ip": "192.0.2.1"}}
    message = PLAIN.replace(provider_options={"brevo": options})

    assert _body_of(message) == {
        **PLAIN_BODY,
        "batchId": "b1",
        "headers": {**PLAIN_BODY["headers"], "sender.ip": "192.0.2.1"},
    }


@each(
    ("options", "problem"),
    [
        ({"to": []}, "cannot set to: use"),
        ({"sender": {"id": 7}}, "cannot set sender: use"),
        ({"messageVersions": []}, "cannot set messageVersions: use"),
        ({"headers": {"X": "a\r\nBcc: b"}}, "control character at"),
    ],
)
def test_options_stay_in_their_bounds(options: dict[str, Any], problem: str) -> None:
    """
    Options cannot change who gets the mail, nor break a line.
    """
    message = PLAIN.replace(provider_options={"brevo": options})

    with pytest.raises(InvalidMessage, match=problem):
        BREVO.build_request(message)
