"""
SMTP2GO: what goes on the wire, and what its answers mean.
"""

from __future__ import annotations

import json
from base64 import b64decode
from dataclasses import replace
from datetime import datetime
from email.header import decode_header, make_header
from email.utils import getaddresses
from typing import TYPE_CHECKING, Any

import pytest

from mailfailover.errors import (
    AuthenticationFailed,
    ConfigurationError,
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
from mailfailover.plugin import Accepted, Address, Attachment, HTTPRequest, Message, Response
from mailfailover.providers.smtp2go import SMTP2GO
from mailfailover.testing import PLAIN, SAMPLES, ProviderContract
from tests.providers.bodies import read_json
from tests.providers.round_trip import RoundTrip
from tests.samples import each

if TYPE_CHECKING:
    from collections.abc import Iterable

PROVIDER = SMTP2GO(
    api_key="api-secret-key", webhook_username="secret-user", webhook_password="secret-hook"
)
CODES = "E_ApiResponseCodes."


def _answer(status: int, body: dict[str, Any]) -> Response:
    return Response(status, {}, json.dumps(body).encode())


def _refusal(status: int, code: str, **fields: Any) -> Response:
    data = {"error_code": CODES + code, "error": "it says why", **fields}
    return _answer(status, {"request_id": "r1", "data": data})


def _invalid(name: str, said: str) -> Response:
    details = {"fieldname": name, "message": f"The field '{name}' was expecting {said}"}
    return _refusal(400, "NON_VALIDATING_IN_PAYLOAD", field_validation_errors=details)


def _sent(**data: Any) -> Response:
    return _answer(200, {"request_id": "r1", "data": data})


EMAIL = "a valid RFC-822 formatted email field but found 'ann', Please correct your payload"
TOP_LEVEL = {"error": "no", "error_code": f"{CODES}API_EXCEPTION"}

ERRORS: list[tuple[Response, type[SendError]]] = [
    (_invalid("to", EMAIL), RecipientRejected),
    (_invalid("bcc", EMAIL), RecipientRejected),
    (_invalid("to", "at most 100 of them"), RequestRefused),
    (_invalid("sender", EMAIL), SenderRefused),
    (_invalid("custom_headers", "other headers"), UnsupportedFeature),
    (_invalid("template_id", "an id"), UnsupportedFeature),
    (_invalid("subject", "a text"), RequestRefused),
    (_refusal(400, "NON_VALIDATING_IN_PAYLOAD"), RequestRefused),
    (_refusal(400, "NON_VALIDATING_IN_PAYLOAD", field_validation_errors=[3]), RequestRefused),
    (_refusal(400, "ENDPOINT_PERMISSION_DENIED"), AuthenticationFailed),
    (_refusal(400, "API_EXCEPTION"), RequestRefused),
    (_refusal(400, "not a code"), RequestRefused),
    (_answer(400, TOP_LEVEL), RequestRefused),
    (_refusal(401, "API_KEY_INVALID"), AuthenticationFailed),
    (_refusal(402, "API_EXCEPTION"), RequestRefused),
    (_refusal(403, "SENDER_NOT_VERIFIED"), SenderRefused),
    (_refusal(429, "REQ_LIMIT_EXCEEDED"), RateLimited),
    (_refusal(500, "API_EXCEPTION"), ProviderUnavailable),
    (_answer(503, TOP_LEVEL), ProviderUnavailable),
    (_refusal(504, "API_EXCEPTION"), OutcomeUnknown),
    # A success that hides a failure.
    (
        _sent(succeeded=0, failed=1, failures=["550 unable to verify sender address"]),
        SenderRefused,
    ),
    (_sent(succeeded=0, failed=1, failures=["something else"], email_id="m1"), RequestRefused),
    (_sent(succeeded=1), OutcomeUnknown),
]


class TestContract(ProviderContract):
    provider = PROVIDER
    accepted = _sent(succeeded=1, failed=0, failures=[], email_id="1u0SwL-B9zBpi9ffUq-JAB2")
    accepted_id = "1u0SwL-B9zBpi9ffUq-JAB2"
    errors = ERRORS

    def adapt(self, message: Message) -> Message:
        """
        Its MIME names the recipients in the header, where a blind copy has no place.
        """
        return message.bound(bcc=()) if message.alternatives else message


def _text(value: str) -> str:
    return str(make_header(decode_header(value)))


class TestRoundTrip(RoundTrip):
    provider = PROVIDER

    def decode(self, request: HTTPRequest) -> dict[str, Any]:
        body = read_json(request)
        headers = {one["header"]: one["value"] for one in body["custom_headers"]}
        reply_to = getaddresses([headers.pop("Reply-To", "")])
        message_id = headers.pop("Message-ID")
        if not message_id.endswith("own@example.com>"):
            message_id = ""  # ours
        return {
            "from_email": Address.parse(body["sender"]),
            **{
                kind: [Address.parse(one) for one in body.get(kind, ())]
                for kind in ("to", "cc", "bcc")
            },
            "reply_to": [Address(email, _text(name)) for name, email in reply_to if email],
            "subject": body["subject"],
            "text": body.get("text_body", ""),
            "html": body.get("html_body", ""),
            "headers": {
                **{name: _text(value) for name, value in headers.items()},
                **({"Message-ID": message_id} if message_id else {}),
            },
            "attachments": [
                Attachment(one["filename"], b64decode(one["fileblob"]), one["mimetype"])
                for one in body.get("attachments", ())
            ]
            + [
                Attachment(
                    f"{one['filename']}.png",
                    b64decode(one["fileblob"]),
                    one["mimetype"],
                    one["filename"],
                )
                for one in body.get("inlines", ())
            ],
            "send_at": datetime.fromisoformat(body["schedule"]) if "schedule" in body else None,
            "template_id": body.get("template_id", ""),
            "template_data": body.get("template_data", {}),
        }


PLAIN_BODY: dict[str, Any] = {
    "sender": "The Shop <shop@example.com>",
    "to": ["Ann <ann@example.org>"],
    "subject": "Your order",
    "text_body": "It is on its way.\n",
    "custom_headers": [{"header": "Message-ID", "value": "<plain@example.com>"}],
}


def _body_of(message: Message) -> Any:
    return read_json(PROVIDER.build_request(message))


def test_plain_mail() -> None:
    """
    A mail is a JSON document, and the key no part of it.
    """
    request = PROVIDER.build_request(PLAIN)

    assert ("POST", "https://api.smtp2go.com/v3/email/send", "api-secret-key") == (
        request.method,
        request.url,
        request.headers["X-Smtp2go-Api-Key"],
    )
    assert PLAIN_BODY == read_json(request)


def test_every_header_is_ascii() -> None:
    """
    Headers, Reply-To among them, are encoded here.
    """
    message = PLAIN.replace(
        reply_to=("help@example.com", Address("cat@example.edu", "Cät")), headers={"X-Order": "für"}
    )

    assert _body_of(message)["custom_headers"][1:] == [
        {"header": "X-Order", "value": "=?utf-8?q?f=C3=BCr?="},
        {
            "header": "Reply-To",
            "value": "help@example.com, =?utf-8?q?C=C3=A4t?= <cat@example.edu>",
        },
    ]


def test_template() -> None:
    """
    A template needs a subject that says nothing.
    """
    body = _body_of(SAMPLES["template"])

    assert ("", "welcome", {"name": "Änne"}) == (
        body["subject"],
        body["template_id"],
        body["template_data"],
    )


@pytest.mark.parametrize(
    ("message", "features"),
    [
        (SAMPLES["template"].replace(subject="Hello"), ("TEMPLATE_OVERRIDE",)),
        (PLAIN.replace(template_data={"name": "Ann"}), ("TEMPLATES",)),
    ],
)
def test_what_it_cannot_say(message: Message, features: Iterable[str]) -> None:
    """
    What cannot go together is refused before the call, by name.
    """
    with pytest.raises(UnsupportedFeature) as caught:
        PROVIDER.build_request(message)

    assert features == caught.value.features


def test_time_to_send_at() -> None:
    """
    The time is in UTC, and the answer has another kind of id.
    """
    assert _body_of(SAMPLES["send_at"])["schedule"] == "2031-05-06 07:08:09 +0000"
    assert Accepted("s1") == PROVIDER.parse_response(_sent(schedule_id="s1"), PLAIN)


def test_seconds_that_are_left() -> None:
    """
    A rate limit tells in a header of its own when to ask again.
    """
    body = _refusal(429, "REQ_LIMIT_EXCEEDED").body
    error = PROVIDER.classify_error(Response(429, {"X-RateLimit-Reset": "42"}, body), PLAIN)

    assert (RateLimited, 42.0) == (type(error), error.retry_after)


def test_fault_is_told() -> None:
    """
    What is wrong with the field at fault stands in the error's text, without an address.
    """
    said = EMAIL.replace("'ann'", "'ann@example.org.'")

    assert "'sender' was expecting a valid RFC-822 formatted email field but found" in str(
        PROVIDER.classify_error(_invalid("sender", said), PLAIN)
    )


def test_options_are_laid_over() -> None:
    """
    Options extend what is there.
    """
    message = PLAIN.replace(provider_options={"smtp2go": {"fastaccept": True}})

    assert {**PLAIN_BODY, "fastaccept": True} == _body_of(message)


@each("name", ["api_key", "sender", "to", "cc", "bcc", "custom_headers"])
def test_options_change_nobody(name: str) -> None:
    """
    Options cannot change who gets the mail or who sends it.
    """
    message = PLAIN.replace(provider_options={"smtp2go": {name: ""}})

    with pytest.raises(InvalidMessage, match=f"cannot set {name}: use the message's own field"):
        PROVIDER.build_request(message)


def test_ping() -> None:
    """
    A ping asks, by a POST as all calls are, what the key may do.
    """
    request = replace(PROVIDER, region="eu", base_url="").build_ping()

    assert ("https://eu-api.smtp2go.com/v3/api_keys/permissions", b"{}", "api-secret-key") == (
        request.url,
        request.body,
        request.headers["X-Smtp2go-Api-Key"],
    )


def test_region_is_known() -> None:
    """
    A region that nobody knows is refused when it is given.
    """
    with pytest.raises(ConfigurationError, match="region of smtp2go is 'moon'"):
        SMTP2GO(api_key="api-secret-key", region="moon")
