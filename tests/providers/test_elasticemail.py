"""
Elastic Email: what goes on the wire, and what its answers mean.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from email.header import decode_header, make_header
from typing import TYPE_CHECKING, Any

import pytest

from mailfailover.errors import (
    AccountSuspended,
    AuthenticationFailed,
    InvalidMessage,
    OutcomeUnknown,
    ProviderUnavailable,
    QuotaExceeded,
    RateLimited,
    RequestRefused,
    SenderRefused,
    SendError,
    UnsupportedFeature,
)
from mailfailover.plugin import Address, Attachment, HTTPRequest, Message, Response
from mailfailover.providers.elasticemail import ElasticEmail
from mailfailover.testing import PLAIN, SAMPLES, ProviderContract
from tests.providers.bodies import read_json
from tests.providers.round_trip import RoundTrip
from tests.samples import each

if TYPE_CHECKING:
    from collections.abc import Iterable

PROVIDER = ElasticEmail(api_key="secret-key", webhook_secret="secret-hook")


def _answer(status: int, body: Any) -> Response:
    return Response(status, {}, json.dumps(body).encode())


def _refusal(text: Any, status: int = 400) -> Response:
    return _answer(status, {"Error": text})


ERRORS: list[tuple[Response, type[SendError]]] = [
    (_refusal("APIKey Expired"), AuthenticationFailed),
    (_refusal("Incorrect API Key"), AuthenticationFailed),
    (_refusal("Access denied."), AuthenticationFailed),
    (_refusal("Your account is blocked"), AccountSuspended),
    (_refusal("Not enough credits"), QuotaExceeded),
    (_refusal("You have reached your daily limit"), QuotaExceeded),
    (_refusal("The domain example.com is not verified"), SenderRefused),
    (_refusal("No such template"), UnsupportedFeature),
    (_refusal("Something else"), RequestRefused),
    (_refusal(3), RequestRefused),
    (_refusal("no", 401), AuthenticationFailed),
    (_refusal("no", 403), AuthenticationFailed),
    (_refusal("APIKey", 404), RequestRefused),
    (_refusal("no", 409), RequestRefused),
    (_refusal("no", 429), RateLimited),
    (_refusal("no", 500), ProviderUnavailable),
    (_refusal("no", 504), OutcomeUnknown),
    (_answer(500, {}), OutcomeUnknown),
    (_answer(200, {"TransactionID": "", "MessageID": "m1"}), OutcomeUnknown),
]


class TestContract(ProviderContract):
    provider = PROVIDER
    accepted = _answer(200, {"TransactionID": "t1", "MessageID": "m1"})
    accepted_id = "t1"
    errors = ERRORS


def _filled(text: str, data: dict[str, str]) -> str:
    return re.sub(r"\{(\w+)\}", lambda found: data.get(found[1], ""), text)


class TestRoundTrip(RoundTrip):
    provider = PROVIDER

    def expected(self, message: Message) -> Message:
        """
        Elastic Email gives each mail a Message-ID of its own.
        """
        headers = {name: v for name, v in message.headers.items() if name.lower() != "message-id"}
        return message.bound(headers=headers)

    def decode(self, request: HTTPRequest) -> dict[str, Any]:
        body = read_json(request)
        content, options = body["Content"], body.get("Options", {})
        merge = content.get("Merge", {})
        texts = {one["ContentType"]: one["Content"] for one in content.get("Body", ())}
        metadata = json.loads(content["Postback"])
        del metadata["mailfailover-id"]
        return {
            "from_email": Address.parse(content["From"]),
            **{
                kind.lower(): [Address.parse(one) for one in body["Recipients"].get(kind, ())]
                for kind in ("To", "CC", "BCC")
            },
            "reply_to": [Address.parse(content["ReplyTo"])] if "ReplyTo" in content else [],
            "envelope_from": content.get("EnvelopeFrom", ""),
            "subject": _filled(content.get("Subject", ""), merge),
            "text": _filled(texts.get("PlainText", ""), merge),
            "html": _filled(texts.get("HTML", ""), merge),
            "headers": {
                name: str(make_header(decode_header(value)))
                for name, value in content.get("Headers", {}).items()
            },
            "attachments": [
                Attachment(one["Name"], b64decode(one["BinaryContent"]), one["ContentType"])
                for one in content.get("Attachments", ())
            ],
            "tags": options.get("ChannelName", ()),
            "metadata": metadata,
            "track_opens": options.get("TrackOpens"),
            "track_clicks": options.get("TrackClicks"),
            "template_id": content.get("TemplateName", ""),
            "template_data": merge if "TemplateName" in content else {},
        }


PLAIN_BODY: dict[str, Any] = {
    "Recipients": {"To": ["Ann <ann@example.org>"]},
    "Content": {
        "From": "The Shop <shop@example.com>",
        "Subject": "Your order",
        "Body": [
            {"ContentType": "PlainText", "Content": "It is on its way.\n", "Charset": "utf-8"}
        ],
        "Postback": '{"mailfailover-id": "plain"}',
    },
}


def _content(message: Message) -> Any:
    return read_json(PROVIDER.build_request(message))["Content"]


def test_plain_mail() -> None:
    """
    A mail is a JSON document.
    """
    request = PROVIDER.build_request(PLAIN)

    assert ("POST", "https://api.elasticemail.com/v4/emails/transactional", "secret-key") == (
        request.method,
        request.url,
        request.headers["X-ElasticEmail-ApiKey"],
    )
    assert PLAIN_BODY == read_json(request)


def test_template() -> None:
    """
    A template has its name and texts to fill in.
    """
    message = SAMPLES["template"].replace(template_data={"name": "Änne", "orders": [1]})

    assert {
        "From": "The Shop <shop@example.com>",
        "Postback": '{"mailfailover-id": "template"}',
        "TemplateName": "welcome",
        "Merge": {"name": "Änne", "orders": "[1]"},
    } == _content(message.bound(id="template"))


def test_braces_are_filled_in_with_themselves() -> None:
    """
    What looks like a field stays as it is; a style sheet is none.
    """
    message = PLAIN.replace(
        subject="{a}", text="{b} { c }", html="<style>p {color: red}</style>{d_1}"
    )

    assert {"a": "{a}", "b": "{b}", "d_1": "{d_1}"} == _content(message)["Merge"]


@pytest.mark.parametrize(
    ("message", "features"),
    [
        (PLAIN.replace(template_data={"name": "Ann"}), ("TEMPLATES",)),
        (PLAIN.replace(tags="x" * 192), ("TAGS",)),
    ],
    ids=["data_alone", "long_tag"],
)
def test_what_it_cannot_say(message: Message, features: Iterable[str]) -> None:
    """
    What it cannot say is refused before the call, by name.
    """
    with pytest.raises(UnsupportedFeature) as caught:
        PROVIDER.build_request(message)

    assert features == caught.value.features


def test_options_are_laid_over() -> None:
    """
    Options extend what is there.
    """
    options = {"Options": {"PoolName": "main"}, "Content": {"Utm": {"Source": "shop"}}}

    assert read_json(
        PROVIDER.build_request(PLAIN.replace(provider_options={"elasticemail": options}))
    ) == {
        **PLAIN_BODY,
        "Content": {**PLAIN_BODY["Content"], "Utm": {"Source": "shop"}},
        "Options": {"PoolName": "main"},
    }


@each(
    ("options", "name"),
    [
        ({"Recipients": {}}, "Recipients"),
        ({"Content": {"From": "x"}}, "Content.From"),
        ({"Content": {"EnvelopeFrom": "x"}}, "Content.EnvelopeFrom"),
        ({"Content": {"Headers": {}}}, "Content.Headers"),
    ],
)
def test_options_change_nobody(options: dict[str, Any], name: str) -> None:
    """
    Options cannot change who gets the mail or who sends it.
    """
    message = PLAIN.replace(provider_options={"elasticemail": options})

    with pytest.raises(InvalidMessage, match=f"cannot set {name}: use the message's own field"):
        PROVIDER.build_request(message)


def test_ping() -> None:
    """
    A ping lists a template.
    """
    request = PROVIDER.build_ping()

    assert ("GET", "https://api.elasticemail.com/v4/templates?scopeType=Personal&limit=1") == (
        request.method,
        request.url,
    )
