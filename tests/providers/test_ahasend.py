"""
AhaSend: what goes on the wire, and what its answers mean.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from dataclasses import replace
from datetime import datetime
from email.header import decode_header, make_header
from email.utils import getaddresses
from typing import Any

import pytest

from mailfailover.errors import (
    AccountSuspended,
    AuthenticationFailed,
    ConfigurationError,
    InvalidMessage,
    OutcomeUnknown,
    ProviderUnavailable,
    RateLimited,
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
from mailfailover.providers.ahasend import AhaSend
from mailfailover.testing import PLAIN, RICH, SAMPLES, ProviderContract
from tests.providers.bodies import read_json
from tests.providers.round_trip import RoundTrip
from tests.samples import each

AHASEND = AhaSend(api_key="secret-key", account_id="acc-1", webhook_secret="secret-hook")
URL = "https://api.ahasend.com/v2/accounts/acc-1/messages"
ANN, BOB, CAT = "ann@example.org", "bob@example.net", "cat@example.edu"


def _answer(status: int, body: object) -> Response:
    return Response(status, {}, json.dumps(body).encode())


def _refusal(status: int, text: str) -> Response:
    return _answer(status, {"message": text})


def _said(email: str, number: int, **more: Any) -> dict[str, Any]:
    fields = {"object": "message", "id": f"<m{number}@example.com>", "status": "queued"}
    return {**fields, "recipient": {"email": email}, "error": None, **more}


def _sent(*entries: dict[str, Any]) -> Response:
    return _answer(202, {"object": "list", "data": list(entries)})


REFUSED = {"id": None, "status": "error", "error": "it says why"}
BUSY = "A request with this idempotency key is already in progress"
OTHER = "idempotency key was already used with a different request payload"
SENT = _sent(_said(ANN, 1))

ERRORS: list[tuple[Response, type[SendError]]] = [
    (_refusal(400, "invalid request body"), RequestRefused),
    (_refusal(401, "Invalid API key"), AuthenticationFailed),
    (_refusal(401, "Account is suspended"), AccountSuspended),
    (_refusal(403, "Insufficient permissions for the required scope"), AuthenticationFailed),
    (_refusal(403, "sender domain not found in api key scopes"), SenderRefused),
    (_refusal(403, "domain is banned to protect our network from abuse"), SenderRefused),
    (_refusal(404, "account not found"), RequestRefused),
    (_refusal(409, BUSY), OutcomeUnknown),
    (_refusal(422, OTHER), OutcomeUnknown),
    (_refusal(429, "Too many requests, rate limited."), RateLimited),
    (_refusal(500, "Internal server error"), ProviderUnavailable),
    (_answer(500, {"error": "down"}), OutcomeUnknown),
    (_sent(_said(ANN, 1, **REFUSED)), RequestRefused),
    (_sent(_said(ANN, 1, **REFUSED | {"error": 3})), RequestRefused),
    (_sent(_said(ANN, 1, id="")), OutcomeUnknown),
    (_sent(_said(ANN, 1, status="paused")), OutcomeUnknown),
    (_sent(_said(BOB, 1)), OutcomeUnknown),
]


class TestContract(ProviderContract):
    provider = AHASEND
    accepted = SENT
    accepted_id = "<m1@example.com>"
    errors = ERRORS
    batch = (
        (
            _sent(_said(CAT, 3), _said(ANN.upper(), 1, status="scheduled"), _said(BOB, 2)),
            (
                Accepted("<m1@example.com>"),
                Accepted("<m2@example.com>"),
                Accepted("<m3@example.com>"),
            ),
        ),
        (
            _sent(_said(ANN, 1), _said(BOB, 2, **REFUSED)),
            (Accepted("<m1@example.com>"), RequestRefused, OutcomeUnknown),
        ),
    )

    def adapt(self, message: Message) -> Message:
        """
        A template goes to one recipient.
        """
        return message.replace(cc=(), bcc=()) if message.template_id else message


def _address(one: dict[str, Any]) -> Address:
    return Address(one["email"], one.get("name", ""))


def _filled(template: str, values: dict[str, Any]) -> str:
    """
    *template* as MiniJinja fills it in; anything else that it would read as a tag is a mistake.
    """
    assert not re.search(r"\{[%#]", template)
    return re.sub(
        r"\{\{ (?:'(\{)'|(\w+)\|safe) \}\}",
        lambda found: found[1] or values[found[2]],
        template,
    )


def _file(one: dict[str, Any]) -> Attachment:
    assert one["base64"]
    content_id = one.get("content_id", "")
    return Attachment(one["file_name"], b64decode(one["data"]), one["content_type"], content_id)


def _common(body: dict[str, Any]) -> dict[str, Any]:
    headers = {
        name: str(make_header(decode_header(value)))
        for name, value in body.get("headers", {}).items()
    }
    several = getaddresses([headers.pop("Reply-To", "")])
    reply_to = [Address(email, name) for name, email in several if email]
    schedule = body.get("schedule")
    return {
        "from_email": _address(body["from"]),
        "reply_to": [_address(body["reply_to"])] if "reply_to" in body else reply_to,
        "headers": headers,
        "attachments": [_file(one) for one in body.get("attachments", ())],
        "tags": body.get("tags", ()),
        "track_opens": body.get("tracking", {}).get("open"),
        "track_clicks": body.get("tracking", {}).get("click"),
        "send_at": datetime.fromisoformat(schedule["first_attempt"]) if schedule else None,
    }


class TestRoundTrip(RoundTrip):
    provider = AHASEND

    def expected(self, message: Message) -> Message:
        """
        AhaSend gives each mail a Message-ID of its own.
        """
        headers = {name: v for name, v in message.headers.items() if name.lower() != "message-id"}
        return message.bound(headers=headers)

    def decode(self, request: HTTPRequest) -> dict[str, Any]:
        body = read_json(request)
        if request.url == f"{URL}/template":
            (to,) = body["recipients"]
            content = {"to": _address(to), "template_data": to["substitutions"]}
            return _common(body) | content | {"template_id": body["template_id"]}
        assert f"{URL}/conversation" == request.url
        return {
            **_common(body),
            **{kind: [_address(one) for one in body.get(kind, ())] for kind in ("to", "cc", "bcc")},
            "subject": body["subject"],
            "text": body.get("text_content", ""),
            "html": body.get("html_content", ""),
        }

    def decode_batch(self, request: HTTPRequest) -> list[dict[str, Any]]:
        body = read_json(request)
        assert URL == request.url
        return [
            {
                **_common(body),
                "to": _address(one),
                "subject": _filled(body["subject"], one["substitutions"]),
                "text": _filled(body.get("text_content", ""), one["substitutions"]),
                "html": _filled(body.get("html_content", ""), one["substitutions"]),
            }
            for one in body["recipients"]
        ]


PLAIN_BODY: dict[str, Any] = {
    "from": {"email": "shop@example.com", "name": "The Shop"},
    "to": [{"email": ANN, "name": "Ann"}],
    "subject": "Your order",
    "text_content": "It is on its way.\n",
}


def _body_of(message: Message) -> Any:
    return read_json(AHASEND.build_request(message))


def test_plain_mail() -> None:
    """
    A mail is a JSON document; without an idempotency key there is none.
    """
    request = AHASEND.build_request(PLAIN)

    assert ("POST", f"{URL}/conversation") == (request.method, request.url)
    assert request.headers == {
        "Authorization": "Bearer secret-key",
        "Content-Type": "application/json",
    }
    assert PLAIN_BODY == read_json(request)


def test_every_field() -> None:
    """
    Each field of a message has its place in the document.
    """
    message = RICH.replace(send_at=SAMPLES["send_at"].send_at, metadata={})

    assert _body_of(message) == {
        "from": {"email": "shop@example.com", "name": "The Shop"},
        "to": [{"email": ANN, "name": "Ann"}, {"email": BOB, "name": "Bob"}],
        "cc": [{"email": CAT, "name": "Cat"}],
        "bcc": [{"email": "dan@example.org"}],
        "reply_to": {"email": "help@example.com"},
        "subject": "Your order",
        "text_content": "It is on its way.\n",
        "html_content": RICH.html,
        "headers": {"X-Order": "1234"},
        "attachments": [
            {
                "base64": True,
                "data": "JVBERi0xLjQKJSVFT0YK",
                "content_type": "application/pdf",
                "file_name": "report.pdf",
            },
            {
                "base64": True,
                "data": b64encode(RICH.attachments[1].read()).decode(),
                "content_type": "image/png",
                "file_name": "logo.png",
                "content_id": "<logo>",
            },
        ],
        "tags": ["order"],
        "tracking": {"open": True, "click": False},
        "schedule": {"first_attempt": "2031-05-06T07:08:09+00:00"},
    }


def test_several_reply_to() -> None:
    """
    More than one Reply-To stand in a header, names encoded.
    """
    message = PLAIN.replace(reply_to=("help@example.com", Address(CAT, "Cät")))

    assert _body_of(message)["headers"] == {
        "Reply-To": "help@example.com, =?utf-8?q?C=C3=A4t?= <cat@example.edu>"
    }


def test_idempotency_key() -> None:
    """
    The key of a merge goes along as that of a mail does.
    """
    merge = SAMPLES["merge"].bound(idempotency_key="key-1")

    assert "key-1" == AHASEND.build_batch(merge).headers["Idempotency-Key"]


def test_merge() -> None:
    """
    A merge has variables, and the values of each recipient beside him.
    """
    body = read_json(AHASEND.build_batch(SAMPLES["merge_html"]))

    assert ("Order {{ order|safe }}", "<p>Dear {{ name__html|safe }}</p>") == (
        body["subject"],
        body["html_content"],
    )
    assert {
        "email": BOB,
        "name": "Bob",
        "substitutions": {"name": "Bob & Sons", "order": "2", "name__html": "Bob &amp; Sons"},
    } == body["recipients"][1]


@each(
    ("text", "written"),
    [
        ("{{name}}", "{{ name|safe }}"),
        ("{{{name}}}", "{{ '{' }}{{ name|safe }}}"),
        ("{% if x %} {# no #} {y}", "{{ '{' }}% if x %} {{ '{' }}# no #} {y}"),
        ("{{ first name }}", "{{ '{' }}{ first name }}"),
        ("p { color: red }", "p { color: red }"),
    ],
)
def test_nothing_else_is_a_template(text: str, written: str) -> None:
    """
    What its templates would read as a tag stays the text that it is.
    """
    message = SAMPLES["merge"].replace(text=text)

    assert written == read_json(AHASEND.build_batch(message))["text_content"]


def test_template() -> None:
    """
    A template has its data beside the recipient, and a subject of its own.
    """
    request = AHASEND.build_request(SAMPLES["template"])

    assert f"{URL}/template" == request.url
    assert read_json(request) == {
        "from": {"email": "shop@example.com", "name": "The Shop"},
        "recipients": [{"email": ANN, "name": "Ann", "substitutions": {"name": "Änne"}}],
        "template_id": "welcome",
    }


def test_merge_of_a_template() -> None:
    """
    Each recipient's own data go before those of all.
    """
    message = SAMPLES["template"].replace(
        to=(ANN, BOB), template_data={"name": "you", "shop": 1}, merge_data={ANN: {"name": "Ann"}}
    )
    request = AHASEND.build_batch(message)

    assert f"{URL}/template" == request.url
    assert [
        {"email": ANN, "substitutions": {"name": "Ann", "shop": 1}},
        {"email": BOB, "substitutions": {"name": "you", "shop": 1}},
    ] == read_json(request)["recipients"]


@pytest.mark.parametrize(
    ("message", "feature"),
    [
        (SAMPLES["template"].replace(cc=BOB), "max_recipients=1"),
        (PLAIN.replace(template_data={"name": "Ann"}), "TEMPLATES"),
    ],
)
def test_what_it_cannot_say(message: Message, feature: str) -> None:
    """
    What cannot go together is refused before the call, by name.
    """
    with pytest.raises(UnsupportedFeature) as caught:
        AHASEND.build_request(message)
    assert (feature,) == caught.value.features


def test_outcome_of_each_recipient() -> None:
    """
    Each recipient has a mail and an id of his own, or none.
    """
    answer = _sent(_said(ANN, 1, **REFUSED), _said(BOB, 2))

    accepted = AHASEND.parse_response(answer, PLAIN.replace(cc=(BOB, CAT)))

    assert accepted == Accepted(
        "<m2@example.com>",
        {
            ANN: RecipientStatus.REFUSED,
            BOB: RecipientStatus.ACCEPTED,
            CAT: RecipientStatus.UNKNOWN,
        },
        {BOB: "<m2@example.com>"},
    )


def test_a_mail_that_perhaps_one_got_is_unknown() -> None:
    """
    Where one recipient is refused and nothing is said of another, nobody knows.
    """
    answer = _sent(_said(ANN, 1, **REFUSED))

    with pytest.raises(OutcomeUnknown):
        AHASEND.parse_response(answer, PLAIN.replace(cc=BOB))


def test_options_are_laid_over() -> None:
    """
    Options extend what is there.
    """
    options = {"sandbox": True}

    assert _body_of(PLAIN.replace(provider_options={"ahasend": options})) == PLAIN_BODY | options


@each("name", ["from", "to", "cc", "bcc", "recipients"])
def test_options_change_nobody(name: str) -> None:
    """
    Options cannot change who gets the mail or who sends it.
    """
    message = PLAIN.replace(provider_options={"ahasend": {name: []}})

    with pytest.raises(InvalidMessage, match=f"cannot set {name}: use the message's own field"):
        AHASEND.build_request(message)


def test_ping() -> None:
    """
    There is a call for it.
    """
    request = AHASEND.build_ping()

    assert ("GET", "https://api.ahasend.com/v2/ping", {"Authorization": "Bearer secret-key"}) == (
        request.method,
        request.url,
        request.headers,
    )


def test_account_is_an_id() -> None:
    """
    An id that would change the path is refused when it is given.
    """
    with pytest.raises(ConfigurationError, match="account_id of ahasend is no id"):
        replace(AHASEND, account_id="a/b")
