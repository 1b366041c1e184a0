"""
SendGrid: what goes on the wire, and what its answers mean.
"""

from __future__ import annotations

import json
from base64 import b64decode
from dataclasses import replace
from datetime import UTC, datetime
from email.header import decode_header, make_header
from typing import Any

import pytest

from mailfailover.errors import (
    AccountSuspended,
    AuthenticationFailed,
    ConfigurationError,
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
from mailfailover.providers.sendgrid import SendGrid
from mailfailover.testing import PLAIN, SAMPLES, ProviderContract
from mailfailover.testing._marked import fitting
from tests.providers.bodies import read_json
from tests.providers.round_trip import RoundTrip
from tests.providers.specs import load_spec
from tests.samples import each

SENDGRID = SendGrid(api_key="secret-key")
ACCEPTED = Response(202, {"X-Message-Id": "sg-1"})


def _refusal(status: int, text: str, place: str | None = None) -> Response:
    body = {"errors": [{"message": text, "field": place, "help": None}]}
    return Response(status, {}, json.dumps(body).encode())


NO_ADDRESS = "Does not contain a valid address."
ERRORS: list[tuple[Response, type[SendError]]] = [
    (_refusal(400, NO_ADDRESS, "personalizations.0.to.0.email"), RecipientRejected),
    (_refusal(400, NO_ADDRESS, "personalizations.0.bcc.3.email"), RecipientRejected),
    (
        _refusal(400, "The from email does not contain a valid address.", "from.email"),
        SenderRefused,
    ),
    (
        _refusal(400, "The attachment type cannot contain ';'", "attachments.0.type"),
        UnsupportedFeature,
    ),
    (_refusal(400, "too many", "categories"), UnsupportedFeature),
    (_refusal(400, "too large", "personalizations.0.custom_args"), UnsupportedFeature),
    (_refusal(400, "too large", "personalizations.0.substitutions"), UnsupportedFeature),
    (_refusal(400, "Scheduled more than 72 hours in advance", "send_at"), UnsupportedFeature),
    (_refusal(400, "The subject is required.", "subject"), RequestRefused),
    (_refusal(400, "Bad Request"), RequestRefused),
    (
        _refusal(401, "The provided authorization grant is invalid, expired, or revoked"),
        AuthenticationFailed,
    ),
    (_refusal(401, "Maximum credits exceeded"), QuotaExceeded),
    (_refusal(402, "payment required"), AccountSuspended),
    (_refusal(403, "access forbidden"), AuthenticationFailed),
    (
        _refusal(403, "The from address does not match a verified Sender Identity.", "from"),
        SenderRefused,
    ),
    (_refusal(403, "You have sent too many bad requests"), AccountSuspended),
    (_refusal(404, "not found"), RequestRefused),
    (_refusal(406, "not acceptable"), RequestRefused),
    (_refusal(413, "payload too large"), UnsupportedFeature),
    (_refusal(429, "too many requests"), RateLimited),
    (_refusal(451, "unavailable for legal reasons"), AuthenticationFailed),
    (_refusal(500, "internal server error"), ProviderUnavailable),
    (_refusal(503, "service unavailable"), ProviderUnavailable),
    (Response(503, {}, b'{"errors": []}'), OutcomeUnknown),
    (Response(503, {}, b'{"errors": "down"}'), OutcomeUnknown),
    (_refusal(502, "bad gateway"), OutcomeUnknown),
]


class TestContract(ProviderContract):
    provider = SENDGRID
    accepted = ACCEPTED
    accepted_id = "sg-1"
    errors = ERRORS
    batch = ((ACCEPTED, (Accepted("sg-1"),) * 3),)


def _address(one: dict[str, str]) -> Address:
    return Address(one["email"], one.get("name", ""))


def _attachment(one: dict[str, str]) -> Attachment:
    assert (one["disposition"] == "inline") == ("content_id" in one)
    content = b64decode(one["content"])
    return Attachment(one["filename"], content, one["type"], one.get("content_id", ""))


def _read(body: dict[str, Any], envelope: dict[str, Any]) -> dict[str, Any]:
    headers = {
        name: str(make_header(decode_header(value))) for name, value in envelope["headers"].items()
    }
    if "own@" not in headers["Message-ID"]:
        del headers["Message-ID"]
    metadata = dict(envelope["custom_args"])
    del metadata["mailfailover-id"]
    texts = {one["type"]: one["value"] for one in body.get("content", ())}
    for tag, value in envelope.get("substitutions", {}).items():
        texts = {kind: text.replace(tag, value) for kind, text in texts.items()}
    single = [body["reply_to"]] if "reply_to" in body else []
    settings = body.get("tracking_settings", {})
    send_at = body.get("send_at")
    return {
        "from_email": _address(body["from"]),
        **{kind: [_address(one) for one in envelope.get(kind, ())] for kind in ("to", "cc", "bcc")},
        "reply_to": [_address(one) for one in body.get("reply_to_list", single)],
        "subject": envelope.get("subject", body.get("subject", "")),
        "text": texts.get("text/plain", ""),
        "html": texts.get("text/html", ""),
        "headers": headers,
        "attachments": [_attachment(one) for one in body.get("attachments", ())],
        "tags": body.get("categories", ()),
        "metadata": metadata,
        "track_opens": settings.get("open_tracking", {}).get("enable"),
        "track_clicks": settings.get("click_tracking", {}).get("enable"),
        "send_at": send_at and datetime.fromtimestamp(send_at, UTC),
        "template_id": body.get("template_id", ""),
        "template_data": envelope.get("dynamic_template_data", {}),
    }


class TestRoundTrip(RoundTrip):
    provider = SENDGRID

    def decode(self, request: HTTPRequest) -> dict[str, Any]:
        body = read_json(request)
        (envelope,) = body["personalizations"]
        return _read(body, envelope)

    def decode_batch(self, request: HTTPRequest) -> list[dict[str, Any]]:
        body = read_json(request)
        return [_read(body, envelope) for envelope in body["personalizations"]]


def _body_of(message: Message) -> Any:
    request = SENDGRID.build_batch(message) if message.is_merge else SENDGRID.build_request(message)
    return read_json(request)


PLAIN_ENVELOPE = {
    "to": [{"email": "ann@example.org", "name": "Ann"}],
    "headers": {"Message-ID": "<plain@example.com>"},
    "custom_args": {"mailfailover-id": "plain"},
}
PLAIN_BODY: dict[str, Any] = {
    "personalizations": [PLAIN_ENVELOPE],
    "from": {"email": "shop@example.com", "name": "The Shop"},
    "subject": "Your order",
    "content": [{"type": "text/plain", "value": "It is on its way.\n"}],
}


def test_plain_mail() -> None:
    """
    A mail is a JSON document with one personalization.
    """
    request = SENDGRID.build_request(PLAIN)

    assert ("POST", "https://api.sendgrid.com/v3/mail/send", "Bearer secret-key") == (
        request.method,
        request.url,
        request.headers["Authorization"],
    )
    assert PLAIN_BODY == read_json(request)


def test_every_field() -> None:
    """
    Each field of a message has its place in the document.
    """
    message = PLAIN.replace(
        cc="bob@example.net",
        bcc="cat@example.edu",
        reply_to="Help <help@example.com>",
        html="<p>It is</p>",
        headers={"X-Order": "1234"},
        attachments=(
            Attachment("r.txt", b"text", "text/plain; charset=utf-8"),
            Attachment("logo.png", b"PNG", "image/png", content_id="logo"),
        ),
        tags=("a", "b", "a"),
        metadata={"order": "1234"},
        track_opens=True,
        track_clicks=False,
        send_at=datetime(2031, 5, 6, 7, 8, 9, 500000, tzinfo=UTC),
        unsubscribe="https://example.com/u",
    )

    assert _body_of(message) == {
        **PLAIN_BODY,
        "personalizations": [
            {
                "to": [{"email": "ann@example.org", "name": "Ann"}],
                "cc": [{"email": "bob@example.net"}],
                "bcc": [{"email": "cat@example.edu"}],
                "headers": {
                    "Message-ID": "<plain@example.com>",
                    "X-Order": "1234",
                    "List-Unsubscribe": "<https://example.com/u>",
                    "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
                },
                "custom_args": {"order": "1234", "mailfailover-id": "plain"},
            }
        ],
        "reply_to": {"email": "help@example.com", "name": "Help"},
        "content": [
            {"type": "text/plain", "value": "It is on its way.\n"},
            {"type": "text/html", "value": "<p>It is</p>"},
        ],
        "attachments": [
            {
                "content": "dGV4dA==",
                "filename": "r.txt",
                "type": "text/plain",
                "disposition": "attachment",
            },
            {
                "content": "UE5H",
                "filename": "logo.png",
                "type": "image/png",
                "disposition": "inline",
                "content_id": "logo",
            },
        ],
        "categories": ["a", "b"],
        "send_at": 1935817689,
        "tracking_settings": {
            "open_tracking": {"enable": True},
            "click_tracking": {"enable": False},
        },
    }


def test_several_reply_to() -> None:
    """
    More than one Reply-To is a list of its own.
    """
    message = PLAIN.replace(reply_to=("one@example.com", "two@example.com"))

    assert _body_of(message) == {
        **PLAIN_BODY,
        "reply_to_list": [{"email": "one@example.com"}, {"email": "two@example.com"}],
    }


def test_each_address_once() -> None:
    """
    An address named twice, in whatever case, stays where it is named first.
    """
    message = PLAIN.replace(
        to=("ann@example.org", "Ann@example.org"),
        cc=("bob@example.net", "ann@example.org"),
        bcc=("BOB@example.net",),
    )

    assert _body_of(message)["personalizations"] == [
        {
            **PLAIN_ENVELOPE,
            "to": [{"email": "ann@example.org"}],
            "cc": [{"email": "bob@example.net"}],
        }
    ]


def test_template() -> None:
    """
    A dynamic template needs neither subject nor content.
    """
    assert _body_of(SAMPLES["template"]) == {
        "personalizations": [
            {
                "to": [{"email": "ann@example.org", "name": "Ann"}],
                "headers": {"Message-ID": "<template@example.com>"},
                "custom_args": {"mailfailover-id": "template"},
                "dynamic_template_data": {"name": "Änne"},
            }
        ],
        "from": {"email": "shop@example.com", "name": "The Shop"},
        "template_id": "welcome",
    }


def test_own_message_id_once() -> None:
    """
    The caller's Message-ID takes the place of ours.
    """
    assert _body_of(SAMPLES["own_message_id"])["personalizations"][0]["headers"] == {
        "Message-ID": "<own@example.com>"
    }


def test_non_ascii_header() -> None:
    """
    A header is encoded here, in one line, because the vendor leaves that to its callers.
    """
    value = "für Änne " * 20
    message = PLAIN.replace(headers={"X-Order": value})
    written = _body_of(message)["personalizations"][0]["headers"]["X-Order"]

    assert written.isascii()
    assert "\n" not in written
    assert str(make_header(decode_header(written))) == value


def test_eu() -> None:
    """
    The European region has a host of its own.
    """
    provider = SendGrid(api_key="secret-key", region="eu")

    assert provider.build_request(PLAIN).url == "https://api.eu.sendgrid.com/v3/mail/send"


def test_region_must_be_known() -> None:
    """
    An unknown region is refused when it is given.
    """
    with pytest.raises(ConfigurationError, match="region of sendgrid is 'us'"):
        SendGrid(api_key="secret-key", region="us")


def test_ping() -> None:
    """
    A ping asks what the key may do.
    """
    request = SENDGRID.build_ping()

    assert (
        "GET",
        "https://api.sendgrid.com/v3/scopes",
        {"Authorization": "Bearer secret-key"},
    ) == (
        request.method,
        request.url,
        request.headers,
    )


def test_key_is_asked_for() -> None:
    """
    A callable key is asked at each request.
    """
    keys = iter(["one", "two"])
    provider = replace(SENDGRID, api_key=lambda: next(keys))

    assert ["Bearer one", "Bearer two"] == [
        provider.build_request(PLAIN).headers["Authorization"] for _ in range(2)
    ]


def test_options_are_laid_over() -> None:
    """
    Options extend what is there, and replace what is no mapping.
    """
    options = {
        "ip_pool_name": "main",
        "asm": {"group_id": 7},
        "subject": "Other",
        "tracking_settings": {"open_tracking": {"substitution_tag": "%open%"}},
    }
    message = PLAIN.replace(track_opens=True, provider_options={"sendgrid": options})

    assert _body_of(message) == {
        **PLAIN_BODY,
        "subject": "Other",
        "ip_pool_name": "main",
        "asm": {"group_id": 7},
        "tracking_settings": {"open_tracking": {"enable": True, "substitution_tag": "%open%"}},
    }


@pytest.mark.parametrize("name", ["personalizations", "from"])
def test_options_change_nobody(name: str) -> None:
    """
    Options cannot change who gets the mail or who sends it.
    """
    message = PLAIN.replace(provider_options={"sendgrid": {name: {}}})

    with pytest.raises(InvalidMessage, match=f"cannot set {name}: use the message's own field"):
        SENDGRID.build_request(message)


def _merge(**fields: Any) -> Message:
    basics: dict[str, Any] = {
        "to": ("Ann <ann@example.org>", "bob@example.net"),
        "from_email": "shop@example.com",
        "subject": "Hi {{name}}",
        "text": "Dear {{name}}",
        "merge_data": {
            "ann@example.org": {"name": "Ann"},
            "bob@example.net": {"name": "Bob & Sons"},
        },
        "id": "merge",
    }
    return Message(**basics | fields)


def test_merge() -> None:
    """
    Each recipient of a merge has a personalization, with subject, headers and data of his own.
    """
    message = _merge(
        html="<b>{{name}}</b>",
        headers={"X-Name": "{{name}}"},
        metadata={"shop": "1"},
        merge_metadata={"ann@example.org": {"order": "7"}},
        merge_headers={"bob@example.net": {"X-Only": "{{name}}"}},
    )
    ids = [
        envelope["headers"].pop("Message-ID") for envelope in _body_of(message)["personalizations"]
    ]
    body = _body_of(message)
    for envelope in body["personalizations"]:
        del envelope["headers"]["Message-ID"]

    assert len(set(ids)) == 2
    assert body == {
        "personalizations": [
            {
                "to": [{"email": "ann@example.org", "name": "Ann"}],
                "subject": "Hi Ann",
                "headers": {"X-Name": "Ann"},
                "custom_args": {"shop": "1", "order": "7", "mailfailover-id": "merge"},
                "substitutions": {
                    "-mailfailover-id-merge-name-": "Ann",
                    "-mailfailover-id-merge-name__html-": "Ann",
                },
            },
            {
                "to": [{"email": "bob@example.net"}],
                "subject": "Hi Bob & Sons",
                "headers": {"X-Name": "Bob & Sons", "X-Only": "Bob & Sons"},
                "custom_args": {"shop": "1", "mailfailover-id": "merge"},
                "substitutions": {
                    "-mailfailover-id-merge-name-": "Bob & Sons",
                    "-mailfailover-id-merge-name__html-": "Bob &amp; Sons",
                },
            },
        ],
        "from": {"email": "shop@example.com"},
        "content": [
            {"type": "text/plain", "value": "Dear -mailfailover-id-merge-name-"},
            {"type": "text/html", "value": "<b>-mailfailover-id-merge-name__html-</b>"},
        ],
    }


def test_merge_template() -> None:
    """
    A dynamic template gets each recipient's data, and no substitutions.
    """
    message = _merge(text="", template_id="d-1", template_data={"shop": [1]})
    body = _body_of(message)

    assert "content" not in body
    assert [
        {
            "to": [{"email": "ann@example.org", "name": "Ann"}],
            "subject": "Hi Ann",
            "custom_args": {"mailfailover-id": "merge"},
            "dynamic_template_data": {"shop": [1], "name": "Ann"},
        },
        {
            "to": [{"email": "bob@example.net"}],
            "subject": "Hi Bob & Sons",
            "custom_args": {"mailfailover-id": "merge"},
            "dynamic_template_data": {"shop": [1], "name": "Bob & Sons"},
        },
    ] == [
        {key: value for key, value in envelope.items() if key != "headers"}
        for envelope in body["personalizations"]
    ]


@pytest.mark.parametrize("status", [200, 202])
def test_success_without_an_id_is_unknown(status: int) -> None:
    """
    An answer without SendGrid's own header is not from SendGrid.
    """
    with pytest.raises(OutcomeUnknown, match=f"HTTP {status}: unreadable answer"):
        SENDGRID.parse_response(Response(status), PLAIN)


@each(
    ("place", "message", "recipients"),
    [
        ("personalizations.0.to.0.email", PLAIN, ("ann@example.org",)),
        (
            "personalizations.0.cc.0.email",
            PLAIN.replace(cc="bob@example.net"),
            ("bob@example.net",),
        ),
        ("personalizations.1.to.0.email", _merge(), ("bob@example.net",)),
        ("personalizations.0.cc.0.email", PLAIN, ()),
        ("personalizations.0.cc.0.email", _merge(), ()),
        ("personalizations.9.to.0.email", PLAIN, ()),
    ],
)
def test_recipient_at_fault_is_named(
    place: str, message: Message, recipients: tuple[str, ...]
) -> None:
    """
    The place in the request tells whose address it is.
    """
    error = SENDGRID.classify_error(_refusal(400, NO_ADDRESS, place), message)

    assert (RecipientRejected, recipients) == (type(error), error.recipients)


def test_recipient_is_counted_without_duplicates() -> None:
    """
    The place counts what was sent, where each address stands once.
    """
    message = PLAIN.replace(to=("a@example.org", "a@example.org", "b@example.org"))
    answer = _refusal(400, NO_ADDRESS, "personalizations.0.to.1.email")

    assert SENDGRID.classify_error(answer, message).recipients == ("b@example.org",)


def test_most_telling_error_counts() -> None:
    """
    Of several errors the one that ERRORS names first decides.
    """
    body = {
        "errors": [
            {"message": "too many", "field": "categories"},
            {"message": NO_ADDRESS, "field": "personalizations.0.to.0.email"},
        ]
    }
    error = SENDGRID.classify_error(Response(400, {}, json.dumps(body).encode()), PLAIN)

    assert (RecipientRejected, "personalizations.0.to.0.email") == (type(error), error.code)


# Wrong about templates, which need no subject and content; right to refuse an empty file.
DESCRIBED = {
    name: message
    for name, message in fitting(SAMPLES, SendGrid.capabilities).items()
    if not message.template_id and name != "empty_attachment"
}


@each("name", DESCRIBED)
def test_vendor_description(name: str) -> None:
    """
    Each document is one that the vendor's description of the API allows.
    """
    spec = load_spec("sendgrid", "/paths/~1mail~1send/post/parameters/0/schema")
    body = _body_of(DESCRIBED[name])
    body.setdefault("subject", body["personalizations"][0].get("subject"))

    assert [] == spec.problems(body)


def test_address_without_a_name() -> None:
    """
    A mailbox without a name has none in the document either.
    """
    message = PLAIN.replace(to=Address("bob@example.net"))

    assert _body_of(message)["personalizations"][0]["to"] == [{"email": "bob@example.net"}]


@each(
    ("given", "sent"),
    [
        ('text/calendar; charset="utf-8"; method=REQUEST', "text/calendar; method=REQUEST"),
        ("text/calendar; charset=utf-8", "text/calendar"),
        ("text/plain; charset=utf-8; method=x", "text/plain"),
    ],
)
def test_a_calendar_keeps_its_method(given: str, sent: str) -> None:
    """
    Without its method an invitation is a file like any other; other parameters are refused.
    """
    message = PLAIN.replace(attachments=(Attachment("invite.ics", b"BEGIN:VCALENDAR", given),))

    assert sent == _body_of(message)["attachments"][0]["type"]
