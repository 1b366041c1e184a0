"""
MailerSend: what goes on the wire, and what its answers mean.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from datetime import UTC, datetime
from email.header import decode_header, make_header
from typing import TYPE_CHECKING, Any

import pytest

from mailfailover._values.frozen import FrozenDict
from mailfailover.errors import (
    AuthenticationFailed,
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
    Attachment,
    HTTPRequest,
    Message,
    RecipientStatus,
    Response,
)
from mailfailover.providers.mailersend import OWN_TAG, MailerSend
from mailfailover.testing import PLAIN, RICH, SAMPLES, ProviderContract
from tests.providers.bodies import read_json
from tests.providers.round_trip import RoundTrip
from tests.samples import each

if TYPE_CHECKING:
    from collections.abc import Mapping

MAILERSEND = MailerSend(api_token="secret-token", webhook_secret="secret-hook")
TAKEN = Response(202, {"X-Message-Id": "ms-1"})


def _answer(status: int, body: object, headers: Mapping[str, str] | None = None) -> Response:
    return Response(status, headers or {}, json.dumps(body).encode())


def _refusal(status: int, text: str, place: str = "") -> Response:
    return _answer(status, {"message": text, "errors": {place: [text]} if place else {}})


def _warning(kind: str, *emails: str) -> dict[str, Any]:
    recipients = [{"email": one, "name": None, "reasons": ["hard_bounced"]} for one in emails]
    text = "There are some warnings for your request."
    warning = {"type": kind, "message": "Suppressed.", "recipients": recipients}
    return {"message": text, "warnings": [warning]}


NO_ADDRESS = "The {} must be a valid email address. #MS42208"
ERRORS: list[tuple[Response, type[SendError]]] = [
    (_refusal(401, "Unauthenticated."), AuthenticationFailed),
    (_refusal(403, "This action is unauthorized. #MS40301"), AuthenticationFailed),
    (_refusal(404, "Not found."), RequestRefused),
    (_refusal(408, "Timeout."), OutcomeUnknown),
    (_refusal(413, "Too large."), UnsupportedFeature),
    (_refusal(421, "Maintenance."), ProviderUnavailable),
    (
        _refusal(422, "The from.email domain must be verified. #MS42207", "from.email"),
        SenderRefused,
    ),
    (_refusal(422, NO_ADDRESS.format("from.email"), "from.email"), SenderRefused),
    (_refusal(422, NO_ADDRESS.format("to.0.email"), "to.0.email"), RecipientRejected),
    (_refusal(422, NO_ADDRESS.format("bcc.3.email"), "bcc.3.email"), RecipientRejected),
    (_refusal(422, NO_ADDRESS.format("reply_to.email"), "reply_to.email"), RequestRefused),
    (_refusal(422, "The subject field is required. #MS42209", "subject"), UnsupportedFeature),
    (
        _refusal(422, "You must provide one of html, text or template_id. #MS42211", "text"),
        UnsupportedFeature,
    ),
    (_refusal(422, "Quota. #MS42204", "to"), QuotaExceeded),
    (_refusal(422, "Quota. #MS42222", "to"), QuotaExceeded),
    (_refusal(422, "You have reached the unique recipients limit. #MS42225"), QuotaExceeded),
    (_refusal(422, "Limit. #MS42205", "to"), UnsupportedFeature),
    (_refusal(422, "Limit. #MS42206", "cc"), UnsupportedFeature),
    (_refusal(422, "Limit. #MS42210", "tags"), UnsupportedFeature),
    (_refusal(422, "Not in your plan. #MS42216", "headers"), UnsupportedFeature),
    (_refusal(422, "Something else. #MS42299", "to.0.email"), RequestRefused),
    (_refusal(429, "Your account reached its rate limit. #MS42903"), RateLimited),
    (_refusal(429, "Your account reached its API daily quota limit. #MS42901"), QuotaExceeded),
    (_refusal(500, "Server Error"), ProviderUnavailable),
    (_refusal(502, "Bad Gateway"), OutcomeUnknown),
    (_refusal(503, "Service Unavailable"), ProviderUnavailable),
    (_answer(503, {"errors": []}), OutcomeUnknown),
    (_answer(422, {"message": "No.", "errors": {"to": "text", "cc": [1]}}), RequestRefused),
    (_answer(202, _warning("ALL_SUPPRESSED", "ann@example.org")), RecipientSuppressed),
    (_answer(202, _warning("SOMETHING_ELSE", "ann@example.org")), OutcomeUnknown),
]


def _retyped(message: Message) -> Message:
    """
    *message* with files whose types are those of their names.
    """
    files = [
        Attachment(one.filename, one.content, "", one.content_id) for one in message.attachments
    ]
    return message.replace(attachments=files)


QUEUED = [
    Accepted("bulk-1", {email: RecipientStatus.QUEUED})
    for email in ("ann@example.org", "bob@example.net", "cat@example.edu")
]


class TestContract(ProviderContract):
    provider = MAILERSEND
    accepted = TAKEN
    accepted_id = "ms-1"
    errors = ERRORS
    partial = (
        (
            _answer(202, _warning("SOME_SUPPRESSED", "ANN@example.org"), TAKEN.headers),
            Accepted("ms-1", {"ann@example.org": RecipientStatus.SUPPRESSED}),
        ),
    )
    batch = ((_answer(202, {"message": "Being processed.", "bulk_email_id": "bulk-1"}), QUEUED),)

    def adapt(self, message: Message) -> Message:
        """
        The types of files are in their names.
        """
        return _retyped(message)


def _addresses(found: list[dict[str, str]]) -> list[Address]:
    names = (str(make_header(decode_header(one.get("name", "")))) for one in found)
    return [Address(one["email"], name) for one, name in zip(found, names, strict=True)]


def _read(mail: dict[str, Any]) -> dict[str, Any]:
    sent = mail.get("send_at")
    return {
        "from_email": _addresses([mail["from"]])[0],
        "to": _addresses(mail["to"]),
        "cc": _addresses(mail.get("cc", [])),
        "bcc": _addresses(mail.get("bcc", [])),
        "reply_to": _addresses([mail["reply_to"]] if "reply_to" in mail else []),
        "subject": mail.get("subject", ""),
        "text": mail.get("text", ""),
        "html": mail.get("html", ""),
        "headers": {one["name"]: one["value"] for one in mail.get("headers", [])},
        "attachments": [
            Attachment(file["filename"], b64decode(file["content"]), "", file.get("id", ""))
            for file in mail.get("attachments", [])
        ],
        "tags": [tag for tag in mail.get("tags", []) if not tag.startswith(OWN_TAG)],
        "track_opens": mail.get("settings", {}).get("track_opens"),
        "track_clicks": mail.get("settings", {}).get("track_clicks"),
        "send_at": sent and datetime.fromtimestamp(sent, UTC),
        "template_id": mail.get("template_id", ""),
        "template_data": mail.get("personalization", [{"data": {}}])[0]["data"],
    }


class TestRoundTrip(RoundTrip):
    provider = MAILERSEND

    def decode(self, request: HTTPRequest) -> dict[str, Any]:
        return _read(read_json(request))

    def decode_batch(self, request: HTTPRequest) -> list[dict[str, Any]]:
        return [_read(mail) for mail in read_json(request)]

    def expected(self, message: Message) -> Message:
        headers = {name: one for name, one in message.headers.items() if name != "Message-ID"}
        return message.bound(headers=FrozenDict(headers))


PLAIN_BODY: dict[str, Any] = {
    "from": {"email": "shop@example.com", "name": "The Shop"},
    "to": [{"email": "ann@example.org", "name": "Ann"}],
    "subject": "Your order",
    "text": "It is on its way.\n",
    "tags": ["mailfailover-id-plain"],
}


def _body_of(message: Message) -> Any:
    return read_json(MAILERSEND.build_request(message))


def test_plain_mail() -> None:
    """
    A mail is a JSON document, the token a header.
    """
    request = MAILERSEND.build_request(PLAIN)

    assert ("POST", "https://api.mailersend.com/v1/email", "Bearer secret-token") == (
        request.method,
        request.url,
        request.headers["Authorization"],
    )
    assert PLAIN_BODY == read_json(request)


def test_every_field() -> None:
    """
    Each field of a message has its place in the document.
    """
    send_at = datetime(2031, 5, 6, 7, 8, 9, 500000, tzinfo=UTC)

    assert _body_of(RICH.replace(metadata={}, send_at=send_at)) == {
        "from": {"email": "shop@example.com", "name": "The Shop"},
        "to": [
            {"email": "ann@example.org", "name": "Ann"},
            {"email": "bob@example.net", "name": "Bob"},
        ],
        "cc": [{"email": "cat@example.edu", "name": "Cat"}],
        "bcc": [{"email": "dan@example.org"}],
        "reply_to": {"email": "help@example.com"},
        "subject": "Your order",
        "text": "It is on its way.\n",
        "html": RICH.html,
        "attachments": [
            {
                "filename": "report.pdf",
                "content": "JVBERi0xLjQKJSVFT0YK",
                "disposition": "attachment",
            },
            {
                "filename": "logo.png",
                "content": b64encode(RICH.attachments[1].read()).decode(),
                "disposition": "inline",
                "id": "logo",
            },
        ],
        "tags": ["order", f"mailfailover-id-{RICH.id}"],
        "settings": {"track_opens": True, "track_clicks": False},
        "send_at": 1935817689,
        "headers": [{"name": "X-Order", "value": "1234"}],
    }


def test_template() -> None:
    """
    The data of a template is given for each recipient in to.
    """
    assert _body_of(SAMPLES["template"]) == {
        "from": {"email": "shop@example.com", "name": "The Shop"},
        "to": [{"email": "ann@example.org", "name": "Ann"}],
        "template_id": "welcome",
        "personalization": [{"email": "ann@example.org", "data": {"name": "Änne"}}],
        "tags": [f"mailfailover-id-{SAMPLES['template'].id}"],
    }


def test_own_id_takes_no_place_of_a_tag() -> None:
    """
    Our id goes along where there is room for one more tag.
    """
    message = PLAIN.replace(tags=("a", "b", "c", "d", "e"))

    assert _body_of(message)["tags"] == ["a", "b", "c", "d", "e"]


def test_merge() -> None:
    """
    A merge is a list of mails, each filled in for its recipient.
    """
    request = MAILERSEND.build_batch(SAMPLES["merge_html"])

    assert request.url == "https://api.mailersend.com/v1/bulk-email"
    assert [
        ("ann@example.org", "Order 1", "<p>Dear Ann</p>"),
        ("bob@example.net", "Order 2", "<p>Dear Bob &amp; Sons</p>"),
        ("cat@example.edu", "Order 3", "<p>Dear Cät</p>"),
    ] == [(mail["to"][0]["email"], mail["subject"], mail["html"]) for mail in read_json(request)]


MANY = [f"reader{number}@example.org" for number in range(11)]


@each(
    ("fields", "feature"),
    [
        ({"attachments": Attachment("data.txt", b"", "text/csv")}, "ATTACHMENTS"),
        ({"cc": MANY}, "max_recipients=10"),
        ({"bcc": MANY}, "max_recipients=10"),
    ],
)
def test_what_it_cannot_say(fields: dict[str, Any], feature: str) -> None:
    """
    What the vendor would change or refuse is refused before the call, by name.
    """
    with pytest.raises(UnsupportedFeature) as caught:
        MAILERSEND.build_request(PLAIN.replace(**fields))

    assert caught.value.features == (feature,)


def test_type_that_says_nothing() -> None:
    """
    A file of no known type is left to its name.
    """
    file = Attachment("report.pdf", b"%PDF", "application/octet-stream")

    assert _body_of(PLAIN.replace(attachments=file))["attachments"] == [
        {"filename": "report.pdf", "content": "JVBERg==", "disposition": "attachment"}
    ]


def test_ping() -> None:
    """
    A ping reads how many calls are left.
    """
    request = MAILERSEND.build_ping()

    assert ("GET", "https://api.mailersend.com/v1/api-quota", "Bearer secret-token") == (
        request.method,
        request.url,
        request.headers["Authorization"],
    )


def test_options_are_laid_over() -> None:
    """
    Options extend what is there.
    """
    options = {"precedence_bulk": True, "settings": {"track_content": False}}
    message = PLAIN.replace(track_opens=True, provider_options={"mailersend": options})

    assert _body_of(message) == {
        **PLAIN_BODY,
        "precedence_bulk": True,
        "settings": {"track_opens": True, "track_content": False},
    }


@each("name", ["from", "to", "cc", "bcc"])
def test_options_change_nobody(name: str) -> None:
    """
    Options cannot change who gets the mail or who sends it.
    """
    message = PLAIN.replace(provider_options={"mailersend": {name: ""}})

    with pytest.raises(InvalidMessage, match=f"cannot set {name}: use the message's own field"):
        MAILERSEND.build_request(message)


SHARED = PLAIN.replace(to=("ann@example.org", "bob@example.net"), cc="cat@example.edu")


def test_all_suppressed() -> None:
    """
    A success without a message id names those because of whom nothing was sent.
    """
    answer = _answer(202, _warning("ALL_SUPPRESSED", "ann@example.org", "CAT@example.edu"))

    with pytest.raises(RecipientSuppressed) as caught:
        MAILERSEND.parse_response(answer, SHARED)
    assert caught.value.recipients == ("ann@example.org", "cat@example.edu")


@each(
    ("place", "message", "recipients"),
    [
        ("to.1.email", SHARED, ("bob@example.net",)),
        ("cc.0.email", SHARED, ("cat@example.edu",)),
        ("cc.7.email", SHARED, ()),
        ("message.3.to.0.email", SHARED, ()),
        ("to.0.email", SAMPLES["merge"], ()),
    ],
)
def test_recipient_at_fault_is_named(
    place: str, message: Message, recipients: tuple[str, ...]
) -> None:
    """
    The place in the request tells whose address it is; in a merge it does not.
    """
    error = MAILERSEND.classify_error(_refusal(422, NO_ADDRESS, place), message)

    assert (RecipientRejected, recipients) == (type(error), error.recipients)


def test_most_telling_error_counts() -> None:
    """
    Of several errors the one that ERRORS names first decides, with its own words.
    """
    found = {
        "to.0.email": [NO_ADDRESS.format("to.0.email")],
        "from.email": ["The from.email domain must be verified. #MS42207"],
    }
    error = MAILERSEND.classify_error(_answer(422, {"message": "No.", "errors": found}), PLAIN)

    assert (
        SenderRefused,
        "42207",
        "HTTP 422 42207: from.email: The from.email domain must be verified. #MS42207",
    ) == (type(error), error.code, str(error))


@each(
    ("reset", "until"),
    [
        ("2026-11-25T00:00:00Z", datetime(2026, 11, 25, tzinfo=UTC)),
        ("2026-11-25T00:00:00", datetime(2026, 11, 25, tzinfo=UTC)),
        ("tomorrow", None),
    ],
)
def test_quota_is_over_at_a_time(reset: str, until: datetime | None) -> None:
    """
    The day's quota tells when it is renewed, as an ISO 8601 time.
    """
    answer = _answer(429, {"message": "Quota. #MS42901"}, {"x-apiquota-reset": reset})
    error = MAILERSEND.classify_error(answer, PLAIN)

    assert isinstance(error, QuotaExceeded)
    assert error.until == until


def test_rate_limit_is_in_seconds() -> None:
    """
    A rate limit tells how long to wait, in seconds.
    """
    answer = _answer(429, {"message": "Slow down. #MS42903"}, {"retry-after": "59"})
    error = MAILERSEND.classify_error(answer, PLAIN)

    assert (RateLimited, 59.0) == (type(error), error.retry_after)


@each("name", ["Hara; Ann", "Hara, Ann", "Hära, Ann"])
def test_a_name_that_is_refused_as_it_is(name: str) -> None:
    """
    MailerSend takes no comma and no semicolon in a recipient's name: encoded there is none.
    """
    (to,) = _body_of(PLAIN.replace(to=Address("ann@example.org", name)))["to"]

    assert not set(to["name"]) & set(",;")
    assert name == str(make_header(decode_header(to["name"])))
