"""
MailChannels: what goes on the wire, and what its answers mean.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from dataclasses import replace
from email.header import decode_header, make_header
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailfailover.errors import (
    AuthenticationFailed,
    InvalidMessage,
    OutcomeUnknown,
    ProviderUnavailable,
    RateLimited,
    RequestRefused,
    SenderRefused,
    SendError,
    UnsupportedFeature,
)
from mailfailover.plugin import Accepted, Address, Attachment, HTTPRequest, Message, Response
from mailfailover.providers.mailchannels import MailChannels
from mailfailover.testing import PLAIN, SAMPLES, ProviderContract
from tests.providers.bodies import read_json
from tests.providers.round_trip import RoundTrip
from tests.samples import each

PROVIDER = MailChannels(api_key="secret-key", webhook_account="acc1")
SIGNING = replace(
    PROVIDER, dkim_domain="example.com", dkim_selector="mc1", dkim_private_key="c2VjcmV0LWtleQ=="
)


def _answer(status: int, body: dict[str, Any]) -> Response:
    return Response(status, {}, json.dumps(body).encode())


def _refusal(status: int, *errors: Any) -> Response:
    return _answer(status, {"errors": errors})


def _sent(*results: Any) -> Response:
    return _answer(202, {"request_id": "r1", "results": results})


def _result(index: int, **fields: Any) -> dict[str, Any]:
    return {"index": index, "message_id": f"<m{index}@mc.example>", "status": "sent", **fields}


NOT_OURS = "Failed to send email: 550 5.7.1 This sender is not authorized to send from example.com."

ERRORS: list[tuple[Response, type[SendError]]] = [
    (_refusal(400, "personalizations: invalid"), RequestRefused),
    (_refusal(400, 3), RequestRefused),
    (_refusal(403, "no access"), AuthenticationFailed),
    (_refusal(403, "See https://bit.ly/domain-lockdown"), SenderRefused),
    (_refusal(413, "too large"), UnsupportedFeature),
    (_refusal(429, "slow down"), RateLimited),
    (_refusal(500, "internal"), ProviderUnavailable),
    (_refusal(500, NOT_OURS), SenderRefused),
    (_refusal(502, "bad gateway"), OutcomeUnknown),
    (_answer(500, {"errors": []}), OutcomeUnknown),
    # A success that hides a failure.
    (_sent(_result(0, status="failed", reason=NOT_OURS)), SenderRefused),
    (_sent(_result(0, status="failed")), RequestRefused),
    (_sent(_result(0, status="odd")), OutcomeUnknown),
    (_sent(_result(1)), OutcomeUnknown),
    (_sent(), OutcomeUnknown),
]


class TestContract(ProviderContract):
    provider = PROVIDER
    accepted = _sent(_result(0))
    accepted_id = "<m0@mc.example>"
    errors = ERRORS
    batch = (
        (
            _sent(_result(2), _result(0), _result(1, status="failed", reason="blocked")),
            (Accepted("<m0@mc.example>"), RequestRefused, Accepted("<m2@mc.example>")),
        ),
        (
            _sent(_result(0), None, _result(2, message_id="")),
            (Accepted("<m0@mc.example>"), OutcomeUnknown, OutcomeUnknown),
        ),
    )


def _address(one: dict[str, str]) -> Address:
    return Address(one["email"], one.get("name", ""))


def _render(template: str, data: dict[str, str]) -> str:
    """
    Fill *template* in as Mustache does; of its syntax it may have raw variables only.
    """
    literals = re.split(r"\{\{\{[\w-]+\}\}\}", template)
    assert not any("{{" in one for one in literals)
    assert not any(one.endswith("{") for one in literals[:-1])

    return re.sub(r"\{\{\{([\w-]+)\}\}\}", lambda tag: data[tag[1]], template)


def _content(item: dict[str, str], data: dict[str, str]) -> str:
    if item.get("template_type") == "mustache":
        return _render(item["value"], data)
    return item["value"]


def _decoded(body: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """
    The fields of a :class:`Message` that one personalization stands for.
    """
    data = own.get("dynamic_template_data", {})
    texts = {one["type"]: _content(one, data) for one in body["content"]}
    tracking = body.get("tracking_settings", {})
    headers = body.get("headers", {}) | own.get("headers", {})
    return {
        "from_email": _address(body["from"]),
        **{kind: [_address(one) for one in own.get(kind, ())] for kind in ("to", "cc", "bcc")},
        "reply_to": [_address(body["reply_to"])] if "reply_to" in body else (),
        "subject": own.get("subject", body["subject"]),
        "text": texts.get("text/plain", ""),
        "html": texts.get("text/html", ""),
        "headers": {name: str(make_header(decode_header(v))) for name, v in headers.items()},
        "attachments": [
            Attachment(
                one["filename"], b64decode(one["content"]), one["type"], one.get("content_id", "")
            )
            for one in body.get("attachments", ())
        ],
        "tags": body.get("campaign_id", ()),
        "track_opens": tracking.get("open_tracking", {}).get("enable"),
        "track_clicks": tracking.get("click_tracking", {}).get("enable"),
        "envelope_from": body.get("envelope_from", {}).get("email", ""),
    }


class TestRoundTrip(RoundTrip):
    provider = PROVIDER

    def expected(self, message: Message) -> Message:
        """
        MailChannels gives each mail a Message-ID of its own.
        """
        headers = {name: v for name, v in message.headers.items() if name.lower() != "message-id"}
        return message.bound(headers=headers)

    def decode(self, request: HTTPRequest) -> dict[str, Any]:
        body = read_json(request)
        (own,) = body["personalizations"]
        return _decoded(body, own)

    def decode_batch(self, request: HTTPRequest) -> list[dict[str, Any]]:
        body = read_json(request)
        return [_decoded(body, own) for own in body["personalizations"]]


PLAIN_BODY: dict[str, Any] = {
    "personalizations": [{"to": [{"email": "ann@example.org", "name": "Ann"}]}],
    "from": {"email": "shop@example.com", "name": "The Shop"},
    "subject": "Your order",
    "content": [{"type": "text/plain", "value": "It is on its way.\n"}],
}


def test_plain_mail() -> None:
    """
    A mail is a JSON document.
    """
    request = PROVIDER.build_request(PLAIN)

    assert ("POST", "https://api.mailchannels.net/tx/v1/send", "secret-key") == (
        request.method,
        request.url,
        request.headers["X-Api-Key"],
    )
    assert PLAIN_BODY == read_json(request)


def test_signing() -> None:
    """
    The key to sign with goes along.
    """
    assert read_json(SIGNING.build_request(PLAIN)) == {
        **PLAIN_BODY,
        "dkim_domain": "example.com",
        "dkim_selector": "mc1",
        "dkim_private_key": "c2VjcmV0LWtleQ==",
    }


def test_signing_key_is_a_secret() -> None:
    """
    The private key is shown by nobody.
    """
    assert "c2VjcmV0" not in repr(SIGNING)


@pytest.mark.parametrize("tag", ["two words", "x" * 49])
def test_a_tag_that_is_no_campaign(tag: str) -> None:
    """
    A tag that MailChannels would not take is refused before the call.
    """
    with pytest.raises(UnsupportedFeature) as caught:
        PROVIDER.build_request(PLAIN.replace(tags=tag))

    assert ("TAGS",) == caught.value.features


def test_merge() -> None:
    """
    A merge is one template, with the data of each recipient.
    """
    body = read_json(PROVIDER.build_batch(SAMPLES["merge_html"]))

    assert body["content"] == [
        {
            "type": "text/plain",
            "value": "Dear {{{name}}}, order {{{order}}} is on its way.\n",
            "template_type": "mustache",
        },
        {
            "type": "text/html",
            "value": "<p>Dear {{{name__html}}}</p>",
            "template_type": "mustache",
        },
    ]
    assert body["personalizations"][1] == {
        "to": [{"email": "bob@example.net", "name": "Bob"}],
        "subject": "Order 2",
        "dynamic_template_data": {
            "name": "Bob & Sons",
            "name__html": "Bob &amp; Sons",
            "order": "2",
        },
    }


@given(text=st.text("{} \n1", max_size=12).map(lambda text: text + "{{name}}" + text))
def test_braces_of_a_text_stay_what_they_are(text: str) -> None:
    """
    Whatever braces a text has itself, the recipient reads them.
    """
    merge = SAMPLES["merge"].replace(subject="Hello", text=text)
    body = read_json(PROVIDER.build_batch(merge))

    assert _decoded(body, body["personalizations"][1])["text"] == text.replace(
        "{{name}}", "Bob & Sons"
    )


def test_options_are_laid_over() -> None:
    """
    Options extend what is there.
    """
    message = PLAIN.replace(provider_options={"mailchannels": {"transactional": False}})

    assert {**PLAIN_BODY, "transactional": False} == read_json(PROVIDER.build_request(message))


@each("name", ["from", "envelope_from", "personalizations"])
def test_options_change_nobody(name: str) -> None:
    """
    Options cannot change who gets the mail or who sends it.
    """
    message = PLAIN.replace(provider_options={"mailchannels": {name: {}}})

    with pytest.raises(InvalidMessage, match=f"cannot set {name}: use the message's own field"):
        PROVIDER.build_request(message)


def test_ping() -> None:
    """
    A ping reads how much was sent.
    """
    request = PROVIDER.build_ping()

    assert (
        "GET",
        "https://api.mailchannels.net/tx/v1/usage",
        {"X-Api-Key": "secret-key"},
    ) == (request.method, request.url, request.headers)


def test_a_campaign_is_measured_in_bytes() -> None:
    """
    48 bytes are fewer than 48 characters where these are not ASCII.
    """
    assert (
        "ä" * 24 == read_json(PROVIDER.build_request(PLAIN.replace(tags="ä" * 24)))["campaign_id"]
    )
    with pytest.raises(UnsupportedFeature):
        PROVIDER.build_request(PLAIN.replace(tags="ä" * 25))
