"""
Mailtrap: what goes on the wire, and what its answers mean.
"""

from __future__ import annotations

import json
from base64 import b64decode
from dataclasses import replace
from email.header import decode_header, make_header
from typing import Any

import pytest

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
from mailfailover.providers.mailtrap import Mailtrap
from mailfailover.testing import PLAIN, SAMPLES, ProviderContract
from mailfailover.testing._marked import fitting
from tests.providers.bodies import read_json
from tests.providers.round_trip import RoundTrip
from tests.providers.specs import load_spec
from tests.samples import each

PROVIDER = Mailtrap(api_token="secret-token", webhook_secret="secret-hook")


def _answer(status: int, body: dict[str, Any]) -> Response:
    return Response(status, {}, json.dumps(body).encode())


def _refusal(status: int, *errors: str) -> Response:
    return _answer(status, {"success": False, "errors": errors})


def _batch(*responses: Any) -> Response:
    return _answer(200, {"success": True, "responses": responses})


def _sent(*ids: str) -> dict[str, Any]:
    return {"success": True, "message_ids": ids}


def _failed(*errors: str) -> dict[str, Any]:
    return {"success": False, "errors": errors}


SENT = _answer(200, _sent("m1"))
INVALID_TO = "'to' address is invalid"

ERRORS: list[tuple[Response, type[SendError]]] = [
    (_refusal(400, INVALID_TO), RecipientRejected),
    (_refusal(400, "'subject' is required", "'cc' address is invalid"), RecipientRejected),
    (_refusal(400, "'from' address is invalid"), SenderRefused),
    (_refusal(400, "'to', 'cc' or 'bcc' address is required"), RequestRefused),
    (_refusal(400, "'custom_variables' is too long"), UnsupportedFeature),
    (_refusal(400, "'template_uuid' is unknown"), UnsupportedFeature),
    (_refusal(401, "Unauthorized"), AuthenticationFailed),
    (_refusal(402, "Payment Required"), AccountSuspended),
    (_refusal(403, "Forbidden"), AuthenticationFailed),
    (_refusal(403, "Sending from domain example.com is not allowed"), SenderRefused),
    (_refusal(403, "Demo domains can only be used to send to yourself"), SenderRefused),
    (_refusal(413, "Payload too large"), UnsupportedFeature),
    (_refusal(429, "Too many requests"), RateLimited),
    (_refusal(429, "The email limit is reached. Please upgrade your plan"), QuotaExceeded),
    (_refusal(400, "Too many emails per second"), RateLimited),
    (_refusal(500, "Internal server error"), ProviderUnavailable),
    (_answer(500, {"errors": "Internal server error"}), OutcomeUnknown),
    (_refusal(502, "Bad gateway"), OutcomeUnknown),
    (_refusal(200, INVALID_TO), RecipientRejected),
    (_refusal(200, "never documented"), RequestRefused),
    (_answer(200, {"success": True, "message_ids": []}), OutcomeUnknown),
    (_answer(200, {"message_ids": ["m1"]}), OutcomeUnknown),
]


class TestContract(ProviderContract):
    provider = PROVIDER
    accepted = SENT
    accepted_id = "m1"
    errors = ERRORS
    partial = ((SENT, Accepted("m1", message_ids={"ann@example.org": "m1"})),)
    batch = (
        (
            _batch(_sent("m1"), _failed(INVALID_TO), _failed("never documented")),
            (Accepted("m1"), RecipientRejected, RequestRefused),
        ),
        (
            _batch(_sent(), {"message_ids": ["m2"]}, None),
            (OutcomeUnknown, OutcomeUnknown, OutcomeUnknown),
        ),
    )


def _decoded(fields: dict[str, Any]) -> dict[str, Any]:
    """
    The fields of a :class:`Message` that a mail of the vendor's stands for.
    """
    metadata = dict(fields.get("custom_variables", {}))
    del metadata["mailfailover-id"]
    return {
        "from_email": Address(**fields["from"]),
        **{kind: [Address(**one) for one in fields.get(kind, ())] for kind in ("to", "cc", "bcc")},
        "reply_to": [Address(**fields["reply_to"])] if "reply_to" in fields else (),
        **{name: fields.get(name, "") for name in ("subject", "text", "html")},
        "headers": {
            name: str(make_header(decode_header(value)))
            for name, value in fields.get("headers", {}).items()
        },
        "attachments": [
            Attachment(
                one["filename"], b64decode(one["content"]), one["type"], one.get("content_id", "")
            )
            for one in fields.get("attachments", ())
        ],
        "tags": fields.get("category", ()),
        "metadata": metadata,
        "template_id": fields.get("template_uuid", ""),
        "template_data": fields.get("template_variables", {}),
    }


class TestRoundTrip(RoundTrip):
    provider = PROVIDER

    def expected(self, message: Message) -> Message:
        """
        Mailtrap gives each mail a Message-ID of its own.
        """
        headers = {name: v for name, v in message.headers.items() if name.lower() != "message-id"}
        return message.bound(headers=headers)

    def decode(self, request: HTTPRequest) -> dict[str, Any]:
        return _decoded(read_json(request))

    def decode_batch(self, request: HTTPRequest) -> list[dict[str, Any]]:
        body = read_json(request)
        return [_decoded(body["base"] | one) for one in body["requests"]]


PLAIN_BODY: dict[str, Any] = {
    "from": {"email": "shop@example.com", "name": "The Shop"},
    "to": [{"email": "ann@example.org", "name": "Ann"}],
    "subject": "Your order",
    "text": "It is on its way.\n",
    "custom_variables": {"mailfailover-id": "plain"},
}


def _body_of(message: Message) -> Any:
    request = PROVIDER.build_batch(message) if message.is_merge else PROVIDER.build_request(message)
    return read_json(request)


def test_plain_mail() -> None:
    """
    A mail is a JSON document.
    """
    request = PROVIDER.build_request(PLAIN)

    assert ("POST", "https://send.api.mailtrap.io/api/send", "Bearer secret-token") == (
        request.method,
        request.url,
        request.headers["Authorization"],
    )
    assert PLAIN_BODY == read_json(request)


def test_inline_image() -> None:
    """
    An inline image is an attachment that the HTML can name.
    """
    file = _body_of(SAMPLES["inline_image"])["attachments"][0]
    del file["content"]

    assert file == {
        "filename": "logo.png",
        "type": "image/png",
        "disposition": "inline",
        "content_id": "logo",
    }


def test_template_has_its_own_subject() -> None:
    """
    Mailtrap refuses a subject together with a template.
    """
    body = _body_of(SAMPLES["template"].replace(subject="Hello"))

    assert body == {
        "from": {"email": "shop@example.com", "name": "The Shop"},
        "to": [{"email": "ann@example.org", "name": "Ann"}],
        "custom_variables": {"mailfailover-id": "template"},
        "template_uuid": "welcome",
        "template_variables": {"name": "Änne"},
    }


def test_template_has_its_own_category() -> None:
    """
    A tag together with a template is refused by the feature's name.
    """
    with pytest.raises(UnsupportedFeature, match="leave the tag off") as caught:
        PROVIDER.build_request(SAMPLES["template"].replace(tags="order"))

    assert ("TAGS",) == caught.value.features


def test_merge() -> None:
    """
    A merge is a batch: what all have in common, and a filled-in mail for each.
    """
    message = SAMPLES["merge"].replace(
        tags="order",
        attachments=Attachment("r.txt", b"text"),
        provider_options={"mailtrap": {"custom_variables": {"shop": "1"}}},
    )
    request = PROVIDER.build_batch(message)
    body = read_json(request)

    assert request.url == "https://send.api.mailtrap.io/api/batch"
    assert body["base"] == {
        "from": {"email": "shop@example.com", "name": "The Shop"},
        "category": "order",
        "attachments": [
            {
                "content": "dGV4dA==",
                "filename": "r.txt",
                "type": "text/plain",
                "disposition": "attachment",
            }
        ],
    }
    assert body["requests"][1] == {
        "to": [{"email": "bob@example.net", "name": "Bob"}],
        "subject": "Order 2",
        "text": "Dear Bob & Sons, order 2 is on its way.\n",
        "custom_variables": {"mailfailover-id": "merge", "shop": "1"},
    }


@each("name", ["from", "to", "cc", "bcc", "base", "requests"])
def test_options_change_nobody(name: str) -> None:
    """
    Options cannot change who gets the mail or who sends it.
    """
    message = PLAIN.replace(provider_options={"mailtrap": {name: {}}})

    with pytest.raises(InvalidMessage, match=f"cannot set {name}: use the message's own field"):
        PROVIDER.build_request(message)


@each(
    ("base_url", "url"),
    [
        ("https://send.api.mailtrap.io", "https://mailtrap.io/api/accounts"),
        ("https://bulk.api.mailtrap.io", "https://mailtrap.io/api/accounts"),
        ("http://localhost:8025", "http://localhost:8025/api/accounts"),
    ],
)
def test_ping(base_url: str, url: str) -> None:
    """
    A ping asks the vendor's host for accounts, because those for sending can only send.
    """
    request = replace(PROVIDER, base_url=base_url).build_ping()

    assert ("GET", url) == (request.method, request.url)


def test_each_recipient_has_a_message_id() -> None:
    """
    The ids are those of to, cc and bcc, in this order.
    """
    message = PLAIN.replace(cc="bob@example.net")
    answer = _answer(200, _sent("m1", "m2"))

    assert PROVIDER.parse_response(answer, message) == Accepted(
        "m1", message_ids={"ann@example.org": "m1", "bob@example.net": "m2"}
    )


def test_fewer_ids_than_recipients_name_nobody() -> None:
    """
    Where the ids cannot be told apart, only the first is kept.
    """
    message = PLAIN.replace(cc="bob@example.net")

    assert PROVIDER.parse_response(SENT, message) == Accepted("m1")


def test_batch_refused_as_a_whole() -> None:
    """
    A batch of which nothing was looked at is refused as one.
    """
    with pytest.raises(SenderRefused):
        PROVIDER.parse_batch(_refusal(200, "'from' address is invalid"), SAMPLES["merge"])


def test_batch_of_another_length_is_unknown() -> None:
    """
    Outcomes that fit no recipient tell nothing.
    """
    with pytest.raises(OutcomeUnknown):
        PROVIDER.parse_batch(_batch(_sent("m1")), SAMPLES["merge"])


# Its templates are UUIDs; ours in the sample is none.
DESCRIBED = {
    name: message
    for name, message in fitting(SAMPLES, Mailtrap.capabilities).items()
    if not message.template_id
}


@each("name", DESCRIBED)
def test_vendor_description(name: str) -> None:
    """
    Each document is one that the vendor's description of the API allows.
    """
    message = DESCRIBED[name]
    kind = "WithTextAndHtml" if message.text and message.html else "WithText"
    kind = "WithHtml" if message.html and not message.text else kind
    schema = "BatchEmail" if message.is_merge else f"Email{kind}"
    spec = load_spec("mailtrap", f"/components/schemas/{schema}")

    assert [] == spec.problems(_body_of(message))
