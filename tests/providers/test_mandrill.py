"""
Mandrill: what goes on the wire, and what its answers mean.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from mailfailover.errors import (
    AccountSuspended,
    AuthenticationFailed,
    InvalidMessage,
    MessageRejected,
    OutcomeUnknown,
    ProviderUnavailable,
    QuotaExceeded,
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
from mailfailover.providers.mandrill import Mandrill
from mailfailover.testing import PLAIN, SAMPLES, ProviderContract
from tests.providers.bodies import read_json
from tests.providers.round_trip import RoundTrip
from tests.samples import each

MANDRILL = Mandrill(api_key="secret-key", webhook_key="secret-hook")


def _answer(status: int, name: str, text: str = "") -> Response:
    body = {"status": "error", "code": -1, "name": name, "message": text}
    return Response(status, {}, json.dumps(body).encode())


def _said(*entries: tuple[Any, ...]) -> Response:
    keys = ("email", "status", "reject_reason", "_id")
    body = [dict(zip(keys, entry, strict=False)) for entry in entries]
    return Response(200, {}, json.dumps(body).encode())


def _rejected(reason: str | None) -> Response:
    return _said(("ann@example.org", "rejected", reason, "m1"))


INVALID_TO = (
    'Validation error: {"message":{"to":[{"email":"An email address must contain a single @"}]}}'
)
INVALID_FROM = (
    'Validation error: {"message":{"from_email":"An email address must contain a single @"}}'
)

ERRORS: list[tuple[Response, type[SendError]]] = [
    (_answer(401, "Invalid_Key", "Invalid API key"), AuthenticationFailed),
    (_answer(500, "Invalid_Key", "Invalid API key"), AuthenticationFailed),
    (_answer(402, "PaymentRequired"), AccountSuspended),
    (_answer(500, "PoorReputation"), AccountSuspended),
    (_answer(500, "ServiceUnavailable"), ProviderUnavailable),
    (_answer(500, "GeneralError", "An unexpected error occurred"), OutcomeUnknown),
    (_answer(500, "Unknown_Subaccount"), RequestRefused),
    (_answer(500, "Unknown_Template", 'No such template "welcome"'), UnsupportedFeature),
    (_answer(500, "ValidationError", INVALID_TO), RecipientRejected),
    (_answer(400, "ValidationError", INVALID_FROM), SenderRefused),
    (_answer(500, "ValidationError", "You must specify a key value"), RequestRefused),
    (_answer(400, "ValidationError", "You must specify a key value"), RequestRefused),
    (_answer(413, "ValidationError", "Message too large"), UnsupportedFeature),
    (_answer(429, "ValidationError", "Too many requests"), RateLimited),
    (_answer(500, "Unknown_Pool"), RequestRefused),
    (Response(503, {}, b'{"status": "error"}'), OutcomeUnknown),
    (
        Response(500, {}, b'{"status": "error", "name": "ValidationError", "message": 1}'),
        RequestRefused,
    ),
    (_rejected("unsub"), RecipientSuppressed),
    (_rejected("spam"), RecipientSuppressed),
    (_rejected("hard-bounce"), RecipientSuppressed),
    (_rejected("soft-bounce"), RecipientSuppressed),
    (_rejected("custom"), RecipientSuppressed),
    (_rejected("unsigned"), SenderRefused),
    (_rejected("invalid-sender"), SenderRefused),
    (_rejected("test-mode-limit"), QuotaExceeded),
    (_rejected("rule"), MessageRejected),
    (_rejected(None), RequestRefused),
    (_rejected("never documented"), RequestRefused),
    (_said(("ann@example.org", "invalid", None)), RecipientRejected),
    (_said(("ann@example.org", "never documented")), OutcomeUnknown),
    (_said(("bob@example.net", "sent")), OutcomeUnknown),
]

SENT = _said(("ann@example.org", "sent", None, "m1"))
SENT_ALL = Accepted("m1", {"ann@example.org": RecipientStatus.ACCEPTED}, {"ann@example.org": "m1"})


class TestContract(ProviderContract):
    provider = MANDRILL
    accepted = SENT
    accepted_id = "m1"
    errors = ERRORS
    partial = (
        (SENT, SENT_ALL),
        (
            _said(("ANN@example.org", "queued", None, "m1")),
            Accepted("m1", {"ann@example.org": RecipientStatus.QUEUED}, {"ann@example.org": "m1"}),
        ),
    )
    batch = (
        (
            _said(
                ("cat@example.edu", "rejected", "unsub", "m3"),
                ("bob@example.net", "invalid", None),
                ("ann@example.org", "scheduled", None, "m1"),
            ),
            (
                Accepted("m1", {"ann@example.org": RecipientStatus.QUEUED}),
                RecipientRejected,
                RecipientSuppressed,
            ),
        ),
        (
            _said(("bob@example.net", "sent", None, "m2"), ("cat@example.edu", "rejected", "rule")),
            (
                OutcomeUnknown,
                Accepted("m2", {"bob@example.net": RecipientStatus.ACCEPTED}),
                MessageRejected,
            ),
        ),
    )


def _file(one: dict[str, str], content_id: str = "") -> Attachment:
    name = "logo.png" if content_id else one["name"]  # how an image is called nobody sees
    return Attachment(name, b64decode(one["content"]), one["type"], content_id)


def _line(text: str) -> tuple[Address, ...]:
    return PLAIN.replace(to=text).to if text else ()


def _vars(entries: list[dict[str, Any]]) -> dict[str, Any]:
    return {one["name"]: one["content"] for one in entries}


def _read(body: dict[str, Any], rcpt: str = "") -> dict[str, Any]:
    """
    Read a mail; that to *rcpt* where it is a merge, in which each sees only himself.
    """
    mail = body["message"]
    assert mail["preserve_recipients"] is not bool(rcpt)
    data = _vars(mail.get("global_merge_vars", []))
    for one in mail.get("merge_vars", ()):
        data |= _vars(one["vars"]) if one["rcpt"] == rcpt else {}
    texts = data if mail.get("merge_language") == "handlebars" else {}

    def filled(text: str) -> str:
        return re.sub(r"{{{(\w+)}}}", lambda found: str(texts[found[1]]), text)

    metadata = dict(mail["metadata"])
    del metadata["mailfailover-id"]
    for one in mail.get("recipient_metadata", ()):
        metadata |= one["values"] if one["rcpt"] == rcpt else {}
    headers = dict(mail.get("headers", {}))
    reply_to = headers.pop("Reply-To", "")
    if "own@" not in headers.get("Message-Id", ""):
        headers.pop("Message-Id", None)
    people: dict[str, list[Address]] = {"to": [], "cc": [], "bcc": []}
    for one in mail["to"]:
        if rcpt in ("", one["email"]):
            people[one["type"]].append(Address(one["email"], one["name"]))
    when = body.get("send_at")
    return {
        **people,
        "from_email": Address(mail["from_email"], mail.get("from_name", "")),
        "reply_to": _line(reply_to),
        "subject": filled(mail.get("subject", "")),
        "text": filled(mail.get("text", "")),
        "html": filled(mail.get("html", "")),
        "headers": headers,
        "attachments": [
            *(_file(one) for one in mail.get("attachments", ())),
            *(_file(one, one["name"]) for one in mail.get("images", ())),
        ],
        "tags": mail.get("tags", ()),
        "metadata": metadata,
        "track_opens": mail.get("track_opens"),
        "track_clicks": mail.get("track_clicks"),
        "send_at": when and datetime.fromisoformat(when).replace(tzinfo=UTC),
        "template_id": body.get("template_name", ""),
        "template_data": data if "template_name" in body else {},
    }


class TestRoundTrip(RoundTrip):
    provider = MANDRILL

    def decode(self, request: HTTPRequest) -> dict[str, Any]:
        return _read(read_json(request))

    def decode_batch(self, request: HTTPRequest) -> list[dict[str, Any]]:
        body = read_json(request)
        return [_read(body, one["email"]) for one in body["message"]["to"]]


PLAIN_BODY = {
    "key": "secret-key",
    "message": {
        "from_email": "shop@example.com",
        "from_name": "The Shop",
        "to": [{"email": "ann@example.org", "name": "Ann", "type": "to"}],
        "subject": "Your order",
        "text": "It is on its way.\n",
        "headers": {"Message-Id": "<plain@example.com>"},
        "preserve_recipients": True,
        "merge": False,
        "metadata": {"mailfailover-id": "plain"},
    },
}


def test_plain_mail() -> None:
    """
    A mail is a JSON document with the key in it.
    """
    request = MANDRILL.build_request(PLAIN)

    assert ("POST", "https://mandrillapp.com/api/1.0/messages/send") == (
        request.method,
        request.url,
    )
    assert PLAIN_BODY == read_json(request)


def test_every_field() -> None:
    """
    Each field of a message has its place in the document.
    """
    message = PLAIN.replace(
        cc="bob@example.net",
        bcc="cat@example.edu",
        reply_to=("one@example.com", "Two <two@example.com>"),
        html="<p>It is</p>",
        headers={"X-Order": "1234"},
        attachments=(
            Attachment("r.pdf", b"%PDF", "application/pdf"),
            Attachment("logo.png", b"PNG", "image/png", content_id="logo"),
        ),
        tags=("a", "b"),
        metadata={"order": "1234"},
        track_opens=True,
        track_clicks=False,
        send_at=datetime(2031, 5, 6, 7, 8, 9, tzinfo=timezone(timedelta(hours=2))),
        unsubscribe="mailto:u@example.com",
    )
    body = read_json(MANDRILL.build_request(message))

    assert body == {
        "key": "secret-key",
        "send_at": "2031-05-06 05:08:09",
        "message": {
            **PLAIN_BODY["message"],  # type: ignore[dict-item]  # a dict, see above
            "to": [
                {"email": "ann@example.org", "name": "Ann", "type": "to"},
                {"email": "bob@example.net", "name": "", "type": "cc"},
                {"email": "cat@example.edu", "name": "", "type": "bcc"},
            ],
            "html": "<p>It is</p>",
            "headers": {
                "Message-Id": "<plain@example.com>",
                "X-Order": "1234",
                "List-Unsubscribe": "<mailto:u@example.com>",
                "Reply-To": "one@example.com, Two <two@example.com>",
            },
            "attachments": [{"type": "application/pdf", "name": "r.pdf", "content": "JVBERg=="}],
            "images": [{"type": "image/png", "name": "logo", "content": "UE5H"}],
            "tags": ["a", "b"],
            "metadata": {"order": "1234", "mailfailover-id": "plain"},
            "track_opens": True,
            "track_clicks": False,
        },
    }


def test_template() -> None:
    """
    A stored template has a call of its own, and its variables in the message.
    """
    request = MANDRILL.build_request(SAMPLES["template"])

    assert request.url == "https://mandrillapp.com/api/1.0/messages/send-template"
    assert {
        "key": "secret-key",
        "template_name": "welcome",
        "template_content": [],
        "message": {
            "from_email": "shop@example.com",
            "from_name": "The Shop",
            "to": [{"email": "ann@example.org", "name": "Ann", "type": "to"}],
            "headers": {"Message-Id": "<template@example.com>"},
            "preserve_recipients": True,
            "merge": True,
            "global_merge_vars": [{"name": "name", "content": "Änne"}],
            "metadata": {"mailfailover-id": "template"},
        },
    } == read_json(request)


def test_own_message_id_once() -> None:
    """
    The caller's Message-ID takes the place of ours.
    """
    message = read_json(MANDRILL.build_request(SAMPLES["own_message_id"]))["message"]

    assert message["headers"] == {"Message-Id": "<own@example.com>"}


def test_our_id_needs_room() -> None:
    """
    Metadata that fill the vendor's limit go without our id.
    """
    metadata = {"order": "x" * 220}
    message = PLAIN.replace(metadata=metadata)

    assert read_json(MANDRILL.build_request(message))["message"]["metadata"] == metadata


def test_ping() -> None:
    """
    A ping carries the key and nothing else.
    """
    request = MANDRILL.build_ping()

    assert request.url == "https://mandrillapp.com/api/1.0/users/ping2"
    assert read_json(request) == {"key": "secret-key"}


def test_options_are_laid_over() -> None:
    """
    Options extend what is there, and replace what is no mapping.
    """
    options = {
        "ip_pool": "main",
        "message": {"subaccount": "shop", "merge": True, "headers": {"X-A": "1"}},
    }
    message = PLAIN.replace(provider_options={"mandrill": options})
    body: Any = PLAIN_BODY

    assert read_json(MANDRILL.build_request(message)) == {
        "key": "secret-key",
        "ip_pool": "main",
        "message": {
            **body["message"],
            "subaccount": "shop",
            "merge": True,
            "headers": {"Message-Id": "<plain@example.com>", "X-A": "1"},
        },
    }


@each(
    ("options", "problem"),
    [
        ({"key": "x"}, "cannot set key: use"),
        ({"message": {"to": []}}, "cannot set message.to: use"),
        ({"message": {"bcc_address": "eve@example.com"}}, "cannot set message.bcc_address: use"),
        ({"message": {"preserve_recipients": True}}, "cannot set message.preserve_recipients"),
        (
            {"message": {"headers": {"X": "a\r\nBcc: b"}}},
            "control character at 'message.headers.X'",
        ),
        ({"message": {"X\r\n": "a"}}, "control character at"),
    ],
)
def test_options_stay_in_their_bounds(options: dict[str, Any], problem: str) -> None:
    """
    Options cannot change who gets the mail, nor break a line.
    """
    message = PLAIN.replace(provider_options={"mandrill": options})

    with pytest.raises(InvalidMessage, match=problem):
        MANDRILL.build_request(message)


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
    A merge is one document in Handlebars; each recipient sees only himself.
    """
    message = _merge(
        html="<b>{{name}}</b>",
        metadata={"shop": "1"},
        merge_metadata={"ann@example.org": {"order": "7"}},
    )

    assert read_json(MANDRILL.build_batch(message))["message"] == {
        "from_email": "shop@example.com",
        "to": [
            {"email": "ann@example.org", "name": "Ann", "type": "to"},
            {"email": "bob@example.net", "name": "", "type": "to"},
        ],
        "subject": "Hi {{{v0}}}",
        "text": "Dear {{{v0}}}",
        "html": "<b>{{{v1}}}</b>",
        "preserve_recipients": False,
        "merge": True,
        "merge_language": "handlebars",
        "global_merge_vars": [
            {"name": "literal_brace", "content": "{"},
            {"name": "literal_backslash", "content": "\\"},
        ],
        "merge_vars": [
            {
                "rcpt": "ann@example.org",
                "vars": [{"name": "v0", "content": "Ann"}, {"name": "v1", "content": "Ann"}],
            },
            {
                "rcpt": "bob@example.net",
                "vars": [
                    {"name": "v0", "content": "Bob & Sons"},
                    {"name": "v1", "content": "Bob &amp; Sons"},
                ],
            },
        ],
        "metadata": {"shop": "1", "mailfailover-id": "merge"},
        "recipient_metadata": [{"rcpt": "ann@example.org", "values": {"order": "7"}}],
    }


BRACE, BACKSLASH = "{{{literal_brace}}}", "{{{literal_backslash}}}"


@each(
    ("text", "written"),
    [
        ("{{#if x}} {{name}}", BRACE * 2 + "#if x}} {{{v0}}}"),
        (r"C:\{{name}}", "C:" + BACKSLASH + "{{{v0}}}"),
        ("{{{name}}}", BRACE + "{{{v0}}}}"),
        (r"\{{ {{name}}", BACKSLASH + BRACE * 2 + " {{{v0}}}"),
        ("{a} \\ *|X|* {{name}}", "{a} \\ *|X|* {{{v0}}}"),
    ],
)
def test_merge_keeps_the_vendors_words(text: str, written: str) -> None:
    """
    What Handlebars would read in a text comes back as it stands.
    """
    message = _merge(subject="Hi", text=text)

    assert read_json(MANDRILL.build_batch(message))["message"]["text"] == written


def test_merge_leaves_our_id_room() -> None:
    """
    Our id goes along only if the recipient with the most metadata still has room for his.
    """
    message = _merge(merge_metadata={"ann@example.org": {"order": "x" * 220}})

    assert "metadata" not in read_json(MANDRILL.build_batch(message))["message"]


def test_merge_template() -> None:
    """
    A stored template gets each recipient's data, in whatever language it is written.
    """
    message = _merge(subject="Hi", text="", template_id="welcome", template_data={"shop": "1"})

    assert read_json(MANDRILL.build_batch(message)) == {
        "key": "secret-key",
        "template_name": "welcome",
        "template_content": [],
        "message": {
            "from_email": "shop@example.com",
            "to": [
                {"email": "ann@example.org", "name": "Ann", "type": "to"},
                {"email": "bob@example.net", "name": "", "type": "to"},
            ],
            "subject": "Hi",
            "preserve_recipients": False,
            "merge": True,
            "global_merge_vars": [{"name": "shop", "content": "1"}],
            "merge_vars": [
                {"rcpt": "ann@example.org", "vars": [{"name": "name", "content": "Ann"}]},
                {"rcpt": "bob@example.net", "vars": [{"name": "name", "content": "Bob & Sons"}]},
            ],
            "metadata": {"mailfailover-id": "merge"},
        },
    }


def test_merge_template_with_merged_subject() -> None:
    """
    A subject in one language and a template in another are refused before the call.
    """
    with pytest.raises(UnsupportedFeature, match="cannot merge a subject") as caught:
        MANDRILL.build_batch(_merge(text="", template_id="welcome"))
    assert caught.value.features == ("MERGE",)


SHARED = PLAIN.replace(cc="bob@example.net", bcc="cat@example.edu")


def test_partial_acceptance() -> None:
    """
    Accepted for anyone is accepted, and names who is not.
    """
    response = _said(
        ("ann@example.org", "rejected", "hard-bounce", "m1"),
        ("bob@example.net", "sent", None, "m2"),
        ("cat@example.edu", "invalid", None),
    )

    assert MANDRILL.parse_response(response, SHARED) == Accepted(
        "m2",
        {
            "ann@example.org": RecipientStatus.SUPPRESSED,
            "bob@example.net": RecipientStatus.ACCEPTED,
            "cat@example.edu": RecipientStatus.INVALID,
        },
        {"ann@example.org": "m1", "bob@example.net": "m2"},
    )


def test_acceptance_beside_the_unknown() -> None:
    """
    A recipient of whom nothing is said beside an accepted one is unknown.
    """
    response = _said(
        ("ann@example.org", "queued", None, "m1"), ("bob@example.net", "rejected", "unsigned")
    )

    assert MANDRILL.parse_response(response, SHARED).recipients == {
        "ann@example.org": RecipientStatus.QUEUED,
        "bob@example.net": RecipientStatus.REFUSED,
        "cat@example.edu": RecipientStatus.UNKNOWN,
    }


@each(
    ("reasons", "kind", "recipients"),
    [
        (("unsub", "unsigned", "invalid"), RecipientSuppressed, ("ann@example.org",)),
        (
            ("unsub", "unsub", "spam"),
            RecipientSuppressed,
            ("ann@example.org", "bob@example.net", "cat@example.edu"),
        ),
        (("invalid", "unsigned", "invalid"), SenderRefused, ("bob@example.net",)),
        (("invalid", "rule", "rule"), MessageRejected, ("bob@example.net", "cat@example.edu")),
        (("unsub", "unsub", ""), OutcomeUnknown, ("cat@example.edu",)),
    ],
)
def test_all_refused(
    reasons: tuple[str, ...], kind: type[SendError], recipients: tuple[str, ...]
) -> None:
    """
    Where all are refused, the reason that must not be evaded counts, then the one worth a switch.
    """
    everybody = ("ann@example.org", "bob@example.net", "cat@example.edu")
    entries = [
        (email, "rejected", why) for email, why in zip(everybody, reasons, strict=True) if why
    ]

    with pytest.raises(kind) as caught:
        MANDRILL.parse_response(_said(*entries), SHARED)
    assert caught.value.recipients == recipients
