"""
Resend: what goes on the wire, and what its answers mean.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode, urlsafe_b64decode
from datetime import datetime
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
    RecipientRejected,
    RequestRefused,
    SenderRefused,
    SendError,
    UnsupportedFeature,
)
from mailfailover.plugin import Accepted, Address, Attachment, HTTPRequest, Message, Response
from mailfailover.providers.resend import Resend
from mailfailover.testing import PLAIN, RICH, SAMPLES, ProviderContract
from mailfailover.testing._marked import fitting
from tests.providers.bodies import read_json
from tests.providers.round_trip import RoundTrip
from tests.providers.specs import load_spec
from tests.samples import each

if TYPE_CHECKING:
    from collections.abc import Iterable

RESEND = Resend(api_key="secret-key", webhook_secret="secret-hook")
LATER = SAMPLES["send_at"].send_at


def _answer(body: object, status: int = 200) -> Response:
    return Response(status, {}, json.dumps(body).encode())


def _refusal(status: int, name: str, text: str = "No.") -> Response:
    return _answer({"statusCode": status, "name": name, "message": text}, status)


BAD_TO = "Invalid `to` field. The email address needs to follow the `email@example.com` format."
BAD_FROM = BAD_TO.replace("`to`", "`from`")
BAD_TAG = "Tags should only contain ASCII letters, numbers, underscores, or dashes."

ERRORS: list[tuple[Response, type[SendError]]] = [
    (_refusal(400, "invalid_idempotency_key"), RequestRefused),
    (_refusal(400, "validation_error"), RequestRefused),
    (_refusal(401, "missing_api_key"), AuthenticationFailed),
    (_refusal(401, "restricted_api_key"), AuthenticationFailed),
    (_refusal(403, "invalid_api_key"), AuthenticationFailed),
    (_refusal(403, "invalid_api_Key"), AuthenticationFailed),
    (_refusal(403, "invalid_permission"), AuthenticationFailed),
    (_refusal(403, "suspended_api_key"), AccountSuspended),
    (_refusal(403, "validation_error", "The domain is not verified."), SenderRefused),
    (_refusal(404, "not_found"), RequestRefused),
    (_refusal(409, "concurrent_idempotent_requests"), OutcomeUnknown),
    (_refusal(409, "invalid_idempotent_request"), OutcomeUnknown),
    (_refusal(422, "invalid_from_address"), SenderRefused),
    (_refusal(422, "invalid_attachment"), UnsupportedFeature),
    (_refusal(422, "missing_required_field"), RequestRefused),
    (_refusal(422, "invalid_parameter"), RequestRefused),
    (_refusal(422, "validation_error", BAD_TO), RecipientRejected),
    (_refusal(422, "validation_error", BAD_FROM), SenderRefused),
    (_refusal(422, "validation_error", BAD_TAG), UnsupportedFeature),
    (_refusal(422, "validation_error", "Something else."), RequestRefused),
    (_refusal(429, "rate_limit_exceeded"), RateLimited),
    (_refusal(429, "daily_quota_exceeded"), QuotaExceeded),
    (_refusal(429, "monthly_quota_exceeded"), QuotaExceeded),
    (_refusal(451, "security_error"), RequestRefused),
    (_refusal(500, "application_error"), ProviderUnavailable),
    (_refusal(500, "internal_server_error"), ProviderUnavailable),
    (_refusal(503, "service_unavailable"), ProviderUnavailable),
    (_answer({"message": "down"}, 503), OutcomeUnknown),
    (_answer({"id": ""}), OutcomeUnknown),
]


class TestContract(ProviderContract):
    provider = RESEND
    accepted = _answer({"id": "re-1"})
    accepted_id = "re-1"
    errors = ERRORS
    batch = (
        (
            _answer({"data": [{"id": "re-1"}, {"id": "re-2"}, {"id": "re-3"}]}),
            (Accepted("re-1"), Accepted("re-2"), Accepted("re-3")),
        ),
    )

    def adapt(self, message: Message) -> Message:
        """
        An inline image's type is that of its name; a template has texts and numbers only.
        """
        data = {name: v for name, v in message.template_data.items() if isinstance(v, str)}
        files = [
            Attachment(one.filename, one.content, "", one.content_id) if one.content_id else one
            for one in message.attachments
        ]
        return message.replace(attachments=files, template_data=data)


def _address(text: str) -> Address:
    name, _, email = text.rpartition(" <")
    if not name.startswith("=?"):
        return Address.parse(text)
    return Address(email.removesuffix(">"), str(make_header(decode_header(name))))


def _plain(text: str) -> str:
    if not text.startswith("b64-"):
        return text
    return urlsafe_b64decode(text.removeprefix("b64-")).decode().rstrip("\n")


def _read(mail: dict[str, Any]) -> dict[str, Any]:
    pairs = {one["name"]: _plain(one["value"]) for one in mail["tags"]}
    del pairs["mailfailover-id"]
    lists = ("to", "cc", "bcc", "reply_to")
    return {
        **{name: [_address(one) for one in mail.get(name, [])] for name in lists},
        "from_email": _address(mail["from"]),
        "subject": mail.get("subject", ""),
        "text": mail.get("text", ""),
        "html": mail.get("html", ""),
        "headers": mail.get("headers", {}),
        "attachments": [
            Attachment(
                file["filename"],
                b64decode(file["content"]),
                file.get("content_type", "application/octet-stream"),
                file.get("content_id", ""),
            )
            for file in mail.get("attachments", [])
        ],
        "tags": [value for name, value in pairs.items() if name.startswith("tag-")],
        "metadata": {
            _plain(name): value for name, value in pairs.items() if not name.startswith("tag-")
        },
        "send_at": datetime.fromisoformat(mail["scheduled_at"]) if "scheduled_at" in mail else None,
        "template_id": mail.get("template", {}).get("id", ""),
        "template_data": mail.get("template", {}).get("variables", {}),
    }


class TestRoundTrip(RoundTrip):
    provider = RESEND

    def decode(self, request: HTTPRequest) -> dict[str, Any]:
        return _read(read_json(request))

    def decode_batch(self, request: HTTPRequest) -> list[dict[str, Any]]:
        return [_read(mail) for mail in read_json(request)]


PLAIN_BODY: dict[str, Any] = {
    "from": "The Shop <shop@example.com>",
    "to": ["Ann <ann@example.org>"],
    "subject": "Your order",
    "text": "It is on its way.\n",
    "tags": [{"name": "mailfailover-id", "value": "plain"}],
}


def _body_of(message: Message) -> Any:
    return read_json(RESEND.build_request(message))


def test_plain_mail() -> None:
    """
    A mail is a JSON document, the key a header; without an idempotency key there is none.
    """
    request = RESEND.build_request(PLAIN)

    assert (
        "POST",
        "https://api.resend.com/emails",
        {"Authorization": "Bearer secret-key", "Content-Type": "application/json"},
    ) == (request.method, request.url, request.headers)
    assert PLAIN_BODY == read_json(request)


def test_every_field() -> None:
    """
    Each field of a message has its place in the document.
    """
    assert _body_of(RICH) == {
        "from": "The Shop <shop@example.com>",
        "to": ["Ann <ann@example.org>", "Bob <bob@example.net>"],
        "cc": ["Cat <cat@example.edu>"],
        "bcc": ["dan@example.org"],
        "reply_to": ["help@example.com"],
        "subject": "Your order",
        "text": "It is on its way.\n",
        "html": RICH.html,
        "headers": {"X-Order": "1234"},
        "attachments": [
            {
                "filename": "report.pdf",
                "content": "JVBERi0xLjQKJSVFT0YK",
                "content_type": "application/pdf",
            },
            {
                "filename": "logo.png",
                "content": b64encode(RICH.attachments[1].read()).decode(),
                "content_type": "image/png",
                "content_id": "logo",
            },
        ],
        "tags": [
            {"name": "tag-1", "value": "order"},
            {"name": "order", "value": "1234"},
            {"name": "mailfailover-id", "value": "rich"},
        ],
    }


def test_no_text_is_made_of_html() -> None:
    """
    An empty text keeps the vendor from writing one of its own.
    """
    assert _body_of(SAMPLES["html_only"])["text"] == ""


def test_names_in_quotes() -> None:
    """
    A recipient's name that needs quotes is an encoded word, the sender's is quoted.
    """
    body = _body_of(SAMPLES["commas_in_names"])

    assert body["from"] == '"Shop, Inc. <sales>" <shop@example.com>'
    assert body["to"][0] == "=?utf-8?q?Hara=2C_Ann?= <ann@example.org>"


@each(
    ("metadata", "written"),
    [
        ({"für": "Änne"}, {"name": "b64-ZsO8cgoK", "value": "b64-w4RubmUK"}),
        ({"tag-1": "b64-x"}, {"name": "b64-dGFnLTEK", "value": "b64-YjY0LXgK"}),
        ({"empty": ""}, {"name": "empty", "value": "b64-"}),
    ],
)
def test_metadata_in_an_alphabet(metadata: dict[str, str], written: dict[str, str]) -> None:
    """
    What the vendor does not allow in a tag is encoded, and so is what looks like ours.
    """
    assert _body_of(PLAIN.replace(metadata=metadata))["tags"][0] == written


def test_idempotency_key() -> None:
    """
    The key of a merge goes along as that of a mail does.
    """
    merge = SAMPLES["merge"].bound(idempotency_key="key-1")

    assert RESEND.build_batch(merge).headers["Idempotency-Key"] == "key-1"


def test_merge() -> None:
    """
    A merge is a list of mails, each filled in for its recipient.
    """
    request = RESEND.build_batch(SAMPLES["merge_html"])

    assert request.url == "https://api.resend.com/emails/batch"
    assert [
        (["Ann <ann@example.org>"], "Order 1", "<p>Dear Ann</p>"),
        (["Bob <bob@example.net>"], "Order 2", "<p>Dear Bob &amp; Sons</p>"),
        (["Cat <cat@example.edu>"], "Order 3", "<p>Dear Cät</p>"),
    ] == [(mail["to"], mail["subject"], mail["html"]) for mail in read_json(request)]


def test_template() -> None:
    """
    A template is an object with its variables, and needs neither subject nor text.
    """
    assert _body_of(SAMPLES["template"]) == {
        "from": "The Shop <shop@example.com>",
        "to": ["Ann <ann@example.org>"],
        "template": {"id": "welcome", "variables": {"name": "Änne"}},
        "tags": [{"name": "mailfailover-id", "value": "template"}],
    }


REPORT = Attachment("report.pdf", b"%PDF")


@each(
    ("message", "features"),
    [
        (PLAIN.replace(attachments=REPORT, send_at=LATER), ("SEND_AT", "ATTACHMENTS")),
        (PLAIN.replace(attachments=Attachment("a.txt", b"", "text/csv")), ("ATTACHMENTS",)),
        (PLAIN.replace(template_data={"name": "Ann"}), ("TEMPLATES",)),
        (SAMPLES["merge"].replace(attachments=REPORT), ("MERGE", "ATTACHMENTS")),
        (SAMPLES["merge"].replace(send_at=LATER), ("MERGE", "SEND_AT")),
    ],
)
def test_what_it_cannot_say(message: Message, features: Iterable[str]) -> None:
    """
    What cannot go together is refused before the call, by name.
    """
    build = RESEND.build_batch if message.is_merge else RESEND.build_request

    with pytest.raises(UnsupportedFeature) as caught:
        build(message)
    assert caught.value.features == features


@each(
    ("file", "written"),
    [
        (Attachment("report.pdf", b"", "application/octet-stream"), None),
        (Attachment("report.zqx", b"", "application/x-odd"), "application/x-odd"),
        (Attachment("a.txt", b"", "text/plain; charset=utf-8"), "text/plain; charset=utf-8"),
    ],
)
def test_type_of_a_file(file: Attachment, written: str | None) -> None:
    """
    A type that says nothing is left to the name, and a name that says nothing to the type.
    """
    assert (
        _body_of(PLAIN.replace(attachments=file))["attachments"][0].get("content_type") == written
    )


def test_ping() -> None:
    """
    A ping lists the domains.
    """
    request = RESEND.build_ping()

    assert (
        "GET",
        "https://api.resend.com/domains",
        {"Authorization": "Bearer secret-key"},
    ) == (request.method, request.url, request.headers)


def test_options_are_laid_over() -> None:
    """
    Options extend what is there, in each mail of a merge too.
    """
    message = SAMPLES["merge"].replace(provider_options={"resend": {"topic_id": "t-1"}})

    assert [mail["topic_id"] for mail in read_json(RESEND.build_batch(message))] == ["t-1"] * 3


@each("name", ["from", "to", "cc", "bcc"])
def test_options_change_nobody(name: str) -> None:
    """
    Options cannot change who gets the mail or who sends it.
    """
    message = PLAIN.replace(provider_options={"resend": {name: ""}})

    with pytest.raises(InvalidMessage, match=f"cannot set {name}: use the message's own field"):
        RESEND.build_request(message)


def test_an_odd_name_ends_no_mail() -> None:
    """
    Where a recipient's name may be what is refused, the next provider is asked.
    """
    answer = _refusal(422, "validation_error", BAD_TO)

    assert type(RESEND.classify_error(answer, SAMPLES["quotes_in_names"])) is UnsupportedFeature


def test_retry_after_is_in_seconds() -> None:
    """
    A quota tells when to ask again, as a rate limit does.
    """
    body = _refusal(429, "daily_quota_exceeded").body
    error = RESEND.classify_error(Response(429, {"Retry-After": "3600"}, body), PLAIN)

    assert (QuotaExceeded, 3600.0) == (type(error), error.retry_after)


@each("body", [{"data": [{"id": "re-1"}]}, [{"id": "re-1"}] * 3, {"data": 3}])
def test_answer_to_another_merge_is_unknown(body: object) -> None:
    """
    A list of another length tells nothing of anybody.
    """
    with pytest.raises(OutcomeUnknown, match="unreadable answer"):
        RESEND.parse_batch(_answer(body), SAMPLES["merge"])


# A template needs no subject.
DESCRIBED = {
    name: message
    for name, message in fitting(SAMPLES, Resend.capabilities).items()
    if not message.template_id and not message.is_merge
}


@each("name", DESCRIBED)
def test_vendor_description(name: str) -> None:
    """
    Each document is one that the vendor's description of the API allows.
    """
    spec = load_spec("resend", "/components/schemas/SendEmailRequest")

    assert [] == spec.problems(_body_of(DESCRIBED[name]))


def test_vendor_description_of_a_merge() -> None:
    """
    So is each mail of a merge.
    """
    spec = load_spec("resend", "/components/schemas/SendEmailRequest")

    assert [[], [], []] == [
        spec.problems(mail) for mail in read_json(RESEND.build_batch(SAMPLES["merge"]))
    ]


@each("value", [["a"], {"a": "b"}, True, None])
def test_a_template_has_texts_and_numbers(value: object) -> None:
    """
    Anything else in the data of a template is refused before the call.
    """
    message = SAMPLES["template"].replace(template_data={"name": value, "count": 2})

    with pytest.raises(UnsupportedFeature) as caught:
        RESEND.build_request(message)

    assert ("TEMPLATES",) == caught.value.features
