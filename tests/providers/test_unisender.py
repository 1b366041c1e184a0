"""
Unisender Go: what goes on the wire, and what its answers mean.
"""

from __future__ import annotations

import json
import re
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
    RecipientSuppressed,
    RequestRefused,
    SenderRefused,
    SendError,
    UnsupportedFeature,
)
from mailfailover.plugin import (
    Accepted,
    Address,
    Alternative,
    Attachment,
    HTTPRequest,
    Message,
    RecipientStatus,
    Response,
)
from mailfailover.providers.unisender import BEYOND_LIMITS, UnisenderGo
from mailfailover.testing import PLAIN, RICH, SAMPLES, ProviderContract
from tests.providers.bodies import read_json
from tests.providers.round_trip import RoundTrip
from tests.samples import each

UNISENDER = UnisenderGo(api_key="secret-key")
JOB = "1ZymBc-00041N-9X"
KEY = "5b0c9b6e-4b7c-5d8e-9f00-112233445566"


def _answer(body: dict[str, Any], status: int = 200) -> Response:
    return Response(status, {}, json.dumps(body).encode())


def _refusal(code: int, status: int = 400, text: str = "No.", **more: Any) -> Response:
    return _answer({"status": "error", "code": code, "message": text, **more}, status)


def _taken(*emails: str, **failed: str) -> Response:
    reasons = {f"{name}@example.{end}": why for (name, end), why in _places(failed)}
    return _answer({"status": "success", "job_id": JOB, "emails": emails, "failed_emails": reasons})


def _places(failed: dict[str, str]) -> list[tuple[tuple[str, str], str]]:
    ends = {"ann": "org", "bob": "net", "cat": "edu"}
    return [((name, ends[name]), why) for name, why in failed.items()]


ERRORS: list[tuple[Response, type[SendError]]] = [
    (_refusal(101, 401), AuthenticationFailed),
    (_refusal(102, 401, "Invalid key 'secret-key'."), AuthenticationFailed),
    (_refusal(105, 403), AuthenticationFailed),
    (_refusal(106, 403), AccountSuspended),
    (_refusal(111), RequestRefused),
    (_refusal(114, 401), AuthenticationFailed),
    (_refusal(150, 500), OutcomeUnknown),
    (_refusal(201), RequestRefused),
    (_refusal(204), RecipientSuppressed),
    (_refusal(204, failed_emails={"ANN@example.org": "unsubscribed"}), RecipientSuppressed),
    (_refusal(204, failed_emails={"ann@example.org": "invalid"}), RecipientRejected),
    (_refusal(204, failed_emails={"ann@example.org": "never documented"}), RequestRefused),
    (_refusal(205), SenderRefused),
    (_refusal(206), SenderRefused),
    (_refusal(215, 403), AccountSuspended),
    *((_refusal(code), UnsupportedFeature) for code in BEYOND_LIMITS),
    (_refusal(901, 403), QuotaExceeded),
    (_refusal(902, 403), QuotaExceeded),
    (_refusal(903, 403), AccountSuspended),
    (_refusal(904, 403), AccountSuspended),
    (_refusal(905, 403), QuotaExceeded),
    (_refusal(906), QuotaExceeded),
    (_refusal(908, 500), ProviderUnavailable),
    (_refusal(1555), RequestRefused),
    (_refusal(1573), OutcomeUnknown),
    (_refusal(1574), SenderRefused),
    (_refusal(1575), AccountSuspended),
    (_refusal(1598, 403), SenderRefused),
    (_refusal(1599, 403), QuotaExceeded),
    (_refusal(9999, 403), AuthenticationFailed),
    (_refusal(9999, 413), UnsupportedFeature),
    (_refusal(9999, 429), RateLimited),
    (_refusal(9999, 503, text=""), ProviderUnavailable),
    (_answer({"status": "error", "code": "150"}, 503), OutcomeUnknown),
    (_taken(), OutcomeUnknown),
    (_taken(ann="unsubscribed"), RecipientSuppressed),
    (_taken(ann="complained"), RecipientSuppressed),
    (_taken(ann="blocked"), RecipientSuppressed),
    (_taken(ann="permanent_unavailable"), RecipientSuppressed),
    (_taken(ann="temporary_unavailable"), RecipientSuppressed),
    (_taken(ann="invalid"), RecipientRejected),
    (_taken(ann="never documented"), RequestRefused),
]


class TestContract(ProviderContract):
    provider = UNISENDER
    accepted = _taken("ann@example.org")
    accepted_id = JOB
    errors = ERRORS
    partial = (
        (_taken("Ann@Example.org", ann="duplicate"), Accepted(JOB)),
        (
            _answer({"status": "success", "job_id": JOB, "emails": ["ann@example.org"]}),
            Accepted(JOB),
        ),
    )
    batch = (
        (
            _taken("ann@example.org", bob="complained", cat="invalid"),
            (Accepted(JOB), RecipientSuppressed, RecipientRejected),
        ),
        (
            _taken("ann@example.org", bob="never documented"),
            (Accepted(JOB), RequestRefused, OutcomeUnknown),
        ),
    )

    def adapt(self, message: Message) -> Message:
        """
        What the vendor refuses, a test below names.
        """
        return message.bound(unsubscribe=(), attachments=message.attachments[:1])


def _filled(text: str, data: dict[str, Any]) -> str:
    return re.sub(r"{{(\w+)}}", lambda found: str(data[found[1]]), text)


def _line(text: str) -> tuple[Address, ...]:
    mime = f"From: shop@example.com\nTo: {text}\n\n"
    return Message.from_email_message(mime.encode()).to if text else ()


def _attachment(file: dict[str, str], content_id: str = "") -> Attachment:
    name = "logo.png" if content_id else file["name"]  # how an image is called nobody sees
    return Attachment(name, b64decode(file["content"]), file["type"], content_id)


def _read(mail: dict[str, Any], recipient: dict[str, Any], **people: Any) -> dict[str, Any]:
    engine = mail.get("template_engine", "")
    data = mail.get("global_substitutions", {}) | recipient.get("substitutions", {})
    texts = data if engine == "simple" else {}
    metadata = mail["global_metadata"] | recipient.get("metadata", {})
    del metadata["mailfailover-id"]
    when = mail.get("options", {}).get("send_at")
    on = {1: True, 0: False, None: None}
    body = mail.get("body", {})
    assert (engine == "") == ("template_id" in mail)
    return {
        "from_email": Address(mail["from_email"], _filled(mail.get("from_name", ""), texts)),
        "reply_to": _line(mail.get("reply_to", ""))
        and _line(f"{mail.get('reply_to_name', '')} <{mail['reply_to']}>"),
        "subject": _filled(mail.get("subject", ""), texts),
        "text": _filled(body.get("plaintext", ""), texts),
        "html": _filled(body.get("html", ""), texts),
        "headers": {
            name: str(make_header(decode_header(value)))
            for name, value in mail.get("headers", {}).items()
            if name not in ("To", "CC")
        },
        "attachments": [
            *(_attachment(one) for one in mail.get("attachments", ())),
            *(_attachment(one, one["name"]) for one in mail.get("inline_attachments", ())),
        ],
        "tags": mail.get("tags", ()),
        "metadata": metadata,
        "track_opens": on[mail.get("track_read")],
        "track_clicks": on[mail.get("track_links")],
        "send_at": when and datetime.fromisoformat(when).replace(tzinfo=UTC),
        "template_id": mail.get("template_id", ""),
        "template_data": data if engine == "" else {},
        **people,
    }


class TestRoundTrip(RoundTrip):
    provider = UNISENDER

    def expected(self, message: Message) -> Message:
        """
        Copies have no names where nobody sees them, and the vendor makes the Message-ID.
        """
        headers = {name: v for name, v in message.headers.items() if name.lower() != "message-id"}
        bcc = tuple(Address(one.email) for one in message.bcc)
        return message.bound(headers=headers, bcc=bcc)

    def decode(self, request: HTTPRequest) -> dict[str, Any]:
        mail = read_json(request)["message"]
        to, cc = (_line(mail["headers"].get(name, "")) for name in ("To", "CC"))
        emails = [one["email"] for one in mail["recipients"]]
        shown = [one.email for one in (*to, *cc)]
        assert emails[: len(shown)] == shown
        return _read(mail, {}, to=to, cc=cc, bcc=emails[len(shown) :])

    def decode_batch(self, request: HTTPRequest) -> list[dict[str, Any]]:
        mail = read_json(request)["message"]
        assert "To" not in mail.get("headers", {})
        return [
            _read(mail, one, to=Address(one["email"], one["substitutions"]["to_name"]))
            for one in mail["recipients"]
        ]


PLAIN_MAIL: dict[str, Any] = {
    "from_email": "shop@example.com",
    "from_name": "The Shop",
    "recipients": [{"email": "ann@example.org"}],
    "headers": {"To": "Ann <ann@example.org>"},
    "subject": "Your order",
    "body": {"plaintext": "It is on its way.\n"},
    "template_engine": "none",
    "global_metadata": {"mailfailover-id": "plain"},
}


def _mail_of(message: Message) -> Any:
    return read_json(UNISENDER.build_request(message))["message"]


def test_plain_mail() -> None:
    """
    A mail is a JSON document, the key a header.
    """
    request = UNISENDER.build_request(PLAIN)

    assert (
        "POST",
        "https://go1.unisender.ru/ru/transactional/api/v1/email/send.json",
        "secret-key",
    ) == (request.method, request.url, request.headers["X-API-KEY"])
    assert {"message": PLAIN_MAIL} == read_json(request)


def test_every_field() -> None:
    """
    Each field of a message has its place in the document.
    """
    message = RICH.replace(
        reply_to=Address("help@example.com", "Help, Desk"),
        send_at=datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC),
    ).bound(idempotency_key=KEY)
    image = RICH.attachments[1].read()

    mail = _mail_of(message)

    assert b64decode(mail["inline_attachments"][0].pop("content")) == image
    assert mail == {
        "from_email": "shop@example.com",
        "from_name": "The Shop",
        "reply_to": "help@example.com",
        "reply_to_name": "=?utf-8?q?Help=2C_Desk?=",
        "recipients": [
            {"email": "ann@example.org"},
            {"email": "bob@example.net"},
            {"email": "cat@example.edu"},
            {"email": "dan@example.org"},
        ],
        "headers": {
            "X-Order": "1234",
            "To": "Ann <ann@example.org>, Bob <bob@example.net>",
            "CC": "Cat <cat@example.edu>",
        },
        "subject": "Your order",
        "body": {"html": RICH.html, "plaintext": "It is on its way.\n"},
        "attachments": [
            {"type": "application/pdf", "name": "report.pdf", "content": "JVBERi0xLjQKJSVFT0YK"}
        ],
        "inline_attachments": [{"type": "image/png", "name": "logo"}],
        "tags": ["order"],
        "global_metadata": {"order": "1234", "mailfailover-id": "rich"},
        "track_read": 1,
        "track_links": 0,
        "options": {"send_at": "2031-05-06 07:08:09"},
        "template_engine": "none",
        "idempotence_key": KEY,
    }


def test_template() -> None:
    """
    A stored template fills in what the mail lacks, in a language of its own.
    """
    assert _mail_of(SAMPLES["template"]) == {
        "from_email": "shop@example.com",
        "from_name": "The Shop",
        "recipients": [{"email": "ann@example.org"}],
        "headers": {"To": "Ann <ann@example.org>"},
        "template_id": "welcome",
        "global_substitutions": {"name": "Änne"},
        "global_metadata": {"mailfailover-id": "template"},
    }


THIRTY = [f"reader{number}@example.org" for number in range(11)]
REPORT = Attachment("report.pdf", b"%PDF")
AMP = Alternative("text/x-amp-html", "<html ⚡4email></html>")


@each(
    ("fields", "feature"),
    [
        ({"to": THIRTY}, "max_recipients=10"),
        ({"cc": THIRTY}, "max_recipients=10"),
        ({"bcc": THIRTY}, "max_recipients=10"),
        ({"headers": {"Precedence": "bulk"}}, "HEADERS"),
        ({"headers": {"X-UNIONE-Global-Language": "en"}}, "HEADERS"),
        ({"unsubscribe": "https://example.com/u"}, "HEADERS"),
        ({"attachments": (REPORT, REPORT)}, "ATTACHMENTS"),
        ({"attachments": Attachment("a/b.pdf", b"%PDF")}, "ATTACHMENTS"),
        ({"headers": {"In-Reply-To": "<1@example.com>"}}, "HEADERS"),
        ({"template_id": "welcome", "alternatives": AMP}, "AMP"),
        ({"template_data": {"name": "Ann"}}, "TEMPLATES"),
        ({"template_id": "welcome", "subject": "Costs $5"}, "TEMPLATE_OVERRIDE"),
        ({"template_id": "welcome", "from_email": '"{{x}}" <a@b.example>'}, "TEMPLATE_OVERRIDE"),
    ],
)
def test_what_it_cannot_say(fields: dict[str, Any], feature: str) -> None:
    """
    What the vendor would refuse or ignore is refused before the call, by name.
    """
    with pytest.raises(UnsupportedFeature) as caught:
        UNISENDER.build_request(PLAIN.replace(**fields))

    assert caught.value.features == (feature,)


def test_amp() -> None:
    """
    It stands beside the other forms of the text.
    """
    mail = _mail_of(PLAIN.replace(html="<p>Hello</p>", alternatives=AMP))

    assert {"plaintext": PLAIN.text, "html": "<p>Hello</p>", "amp": AMP.content} == mail["body"]


def test_headers_of_an_account_without_footer() -> None:
    """
    What support allows together: no footer, and the headers of lists and threads.
    """
    provider = replace(UNISENDER, skip_unsubscribe=True)
    headers = {"References": "<1@example.com>", "List-Unsubscribe": "<mailto:u@example.com>"}

    mail = read_json(provider.build_request(PLAIN.replace(headers=headers)))["message"]

    assert (1, headers | {"To": "Ann <ann@example.org>"}) == (
        mail["skip_unsubscribe"],
        mail["headers"],
    )
    with pytest.raises(UnsupportedFeature, match="the header List-Unsubscribe-Post"):
        provider.build_request(PLAIN.replace(unsubscribe="https://example.com/u"))


def test_our_id_needs_room() -> None:
    """
    Metadata that fill the vendor's limit go without our id.
    """
    metadata = {f"key{number}": "x" for number in range(10)}

    assert _mail_of(PLAIN.replace(metadata=metadata))["global_metadata"] == metadata


def _merge(**fields: Any) -> Message:
    basics: dict[str, Any] = {
        "to": ("Ann <ann@example.org>", "bob@example.net"),
        "from_email": "Shop <shop@example.com>",
        "subject": "Hi {{name}}",
        "text": "Dear {{name}}",
        "merge_data": {"ann@example.org": {"name": "Ann"}, "bob@example.net": {"name": "B & Co"}},
        "id": "merge",
    }
    return Message(**basics | fields)


def test_merge() -> None:
    """
    A merge is one document with variables for each recipient, who sees only himself.
    """
    message = _merge(html="<b>{{name}}</b>", merge_metadata={"ann@example.org": {"order": "7"}})

    assert read_json(UNISENDER.build_batch(message)) == {
        "message": {
            "from_email": "shop@example.com",
            "from_name": "Shop",
            "recipients": [
                {
                    "email": "ann@example.org",
                    "substitutions": {"to_name": "Ann", "v0": "Ann", "v1": "Ann"},
                    "metadata": {"order": "7"},
                },
                {
                    "email": "bob@example.net",
                    "substitutions": {"v0": "B & Co", "v1": "B &amp; Co"},
                },
            ],
            "subject": "Hi {{v0}}",
            "body": {"html": "<b>{{v1}}</b>", "plaintext": "Dear {{v0}}"},
            "template_engine": "simple",
            "global_substitutions": {"brace_open": "{", "brace_close": "}"},
            "global_metadata": {"mailfailover-id": "merge"},
        }
    }


OPEN, CLOSE = "{{brace_open}}", "{{brace_close}}"


@each(
    ("text", "written"),
    [
        ("{{#if x}} {{name}}", f"{OPEN}{OPEN}#if x{CLOSE}{CLOSE} {{{{v0}}}}"),
        ("{{{name}}}", f"{OPEN}{{{{v0}}}}{CLOSE}"),
        ("a{b} {{name}}", "a{b} {{v0}}"),
    ],
)
def test_merge_keeps_its_braces(text: str, written: str) -> None:
    """
    What the vendor would read in a text comes back as it stands.
    """
    mail = read_json(UNISENDER.build_batch(_merge(text=text)))["message"]

    assert mail["body"]["plaintext"] == written


def test_merge_keeps_the_braces_of_the_sender() -> None:
    """
    The sender's name is gone through too.
    """
    message = _merge(from_email=Address("shop@example.com", "{{Shop}}"))

    mail = read_json(UNISENDER.build_batch(message))["message"]

    assert mail["from_name"] == f"{OPEN}{OPEN}Shop{CLOSE}{CLOSE}"


def test_merge_template() -> None:
    """
    A stored template gets each recipient's data by its own names.
    """
    message = _merge(subject="", text="", template_id="welcome", template_data={"shop": "1"})

    mail = read_json(UNISENDER.build_batch(message))["message"]

    assert ("welcome", {"shop": "1"}) == (mail["template_id"], mail["global_substitutions"])
    assert [{"to_name": "Ann", "name": "Ann"}, {"name": "B & Co"}] == [
        one["substitutions"] for one in mail["recipients"]
    ]


@pytest.mark.parametrize(
    "fields",
    [
        {"to": (Address("ann@example.org", "A" * 79), "bob@example.net")},
        {"template_id": "welcome", "text": ""},
    ],
)
def test_what_no_merge_can_say(fields: dict[str, Any]) -> None:
    """
    A name that is too long, or a merged subject of a template, goes out one by one.
    """
    with pytest.raises(UnsupportedFeature) as caught:
        UNISENDER.build_batch(_merge(**fields))

    assert ("MERGE",) == caught.value.features


def test_our_id_needs_room_in_each_mail_of_a_merge() -> None:
    """
    The metadata of all and those of one recipient share the vendor's limit.
    """
    some = {f"key{number}": "x" for number in range(9)}
    message = _merge(metadata={"a": "1"}, merge_metadata={"ann@example.org": some})

    mail = read_json(UNISENDER.build_batch(message))["message"]

    assert mail["global_metadata"] == {"a": "1"}


def test_some_are_refused() -> None:
    """
    An answer that leaves some out says why of each; whom it does not name nobody knows.
    """
    answer = _taken("bob@example.net", ann="complained", cat="refused")

    assert Accepted(
        JOB,
        {
            "ann@example.org": RecipientStatus.SUPPRESSED,
            "cat@example.edu": RecipientStatus.REFUSED,
            "dan@example.org": RecipientStatus.UNKNOWN,
        },
    ) == UNISENDER.parse_response(answer, RICH)


def test_everybody_is_refused() -> None:
    """
    Where nobody is left, no other vendor may evade a suppression.
    """
    failed = {"ann@example.org": "invalid", "bob@example.net": "unsubscribed"}

    error = UNISENDER.classify_error(_refusal(204, failed_emails=failed), RICH)

    assert (RecipientSuppressed, ("bob@example.net",)) == (type(error), error.recipients)


def test_a_wrong_key_is_not_repeated() -> None:
    """
    The vendor quotes the key it does not know; the error does not.
    """
    answer = _refusal(102, 401, "Invalid key 'another-key'.")

    assert str(UNISENDER.classify_error(answer, PLAIN)) == "HTTP 401 102"


def test_ping() -> None:
    """
    A ping asks whether the key is known, and nothing else.
    """
    request = UNISENDER.build_ping()

    assert (
        "POST",
        "https://go1.unisender.ru/ru/transactional/api/v1/system/ping.json",
        "secret-key",
        {},
    ) == (request.method, request.url, request.headers["X-API-KEY"], read_json(request))


def test_region() -> None:
    """
    A region has a host and a language of its own.
    """
    request = replace(UNISENDER, region="eu", base_url="").build_ping()

    assert request.url == "https://eu1.unione.io/en/transactional/api/v1/system/ping.json"


def test_unknown_region() -> None:
    """
    A region that there is not is refused at once.
    """
    with pytest.raises(ConfigurationError, match="use 'go1', 'go2', 'eu', 'us'"):
        UnisenderGo(api_key="secret-key", region="mars")


def test_options_are_laid_over() -> None:
    """
    Options extend what is there.
    """
    options = {"skip_unsubscribe": 1, "options": {"custom_backend_id": 7}}
    message = PLAIN.replace(provider_options={"unisender": options})

    assert _mail_of(message) == PLAIN_MAIL | options


@each("name", ["from_email", "headers", "recipients"])
def test_options_stay_in_their_bounds(name: str) -> None:
    """
    Options cannot change who gets the mail and who sends it.
    """
    message = PLAIN.replace(provider_options={"unisender": {name: "eve@example.com"}})

    with pytest.raises(InvalidMessage, match=f"cannot set {name}"):
        UNISENDER.build_request(message)


def test_a_reply_name_that_is_not_ascii() -> None:
    """
    The vendor would send raw bytes in Reply-To, so the name goes encoded.
    """
    message = PLAIN.replace(reply_to=Address("help@example.com", "Änne"))

    assert "=?utf-8?b?w4RubmU=?=" == _mail_of(message)["reply_to_name"]
