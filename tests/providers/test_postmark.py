"""
Postmark: what goes on the wire, and what its answers mean.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
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
    RecipientSuppressed,
    RequestRefused,
    SenderRefused,
    SendError,
    UnsupportedFeature,
)
from mailfailover.plugin import (
    MB,
    Accepted,
    Address,
    Attachment,
    HTTPRequest,
    RecipientStatus,
    Response,
)
from mailfailover.providers.postmark import Postmark
from mailfailover.testing import PLAIN, RICH, SAMPLES, ProviderContract
from mailfailover.testing._marked import fitting
from tests.providers.bodies import read_json
from tests.providers.round_trip import RoundTrip
from tests.providers.specs import load_spec
from tests.samples import each

if TYPE_CHECKING:
    from mailfailover.plugin import Message

POSTMARK = Postmark(server_token="secret-token")

TAKEN = {
    "To": "ann@example.org",
    "SubmittedAt": "2026-11-02T09:00:00.1234567-05:00",
    "MessageID": "pm-1",
    "ErrorCode": 0,
    "Message": "OK",
}


def _answer(body: object, status: int = 200) -> Response:
    return Response(status, {}, json.dumps(body).encode())


def _refusal(code: int, text: str = "No.", status: int = 422) -> Response:
    return _answer({"ErrorCode": code, "Message": text}, status)


ALL_INACTIVE = (
    "You tried to send to a recipient that has been marked as inactive.\n"
    "Found inactive addresses: ann@example.org.\n"
    "Inactive recipients are ones that have generated a hard bounce or a spam complaint. "
)
INACTIVE = (
    "Message OK, but will not deliver to these inactive addresses: ann@example.org. "
    "Inactive recipients are ones that have generated a hard bounce or a spam complaint."
)
DELAYED = {"To": "ann@example.org", "MessageID": "pm-1", "Message": "delivery may be delayed"}
NO_TO = "Error parsing 'To': Illegal email address 'ann@'. It must contain the '@' symbol."

ERRORS: list[tuple[Response, type[SendError]]] = [
    (_refusal(10, status=401), AuthenticationFailed),
    (_refusal(100, status=503), ProviderUnavailable),
    (_refusal(300, "Invalid 'To' address: 'ann@example.org'."), RecipientRejected),
    (_refusal(300, NO_TO), RecipientRejected),
    (_refusal(300, "Error parsing 'Bcc': Illegal email domain 'x'."), RecipientRejected),
    (_refusal(300, "Invalid 'From' address: 'shop@'."), SenderRefused),
    (_refusal(300, "Error parsing 'ReplyTo': Illegal email address."), RequestRefused),
    (_refusal(300, "Invalid metadata content. Names have up to 20 letters."), UnsupportedFeature),
    (_refusal(300, "Provide either email TextBody or HtmlBody."), RequestRefused),
    (_refusal(400), SenderRefused),
    (_refusal(401), SenderRefused),
    (_refusal(402), RequestRefused),
    (_refusal(403), RequestRefused),
    (_refusal(405), QuotaExceeded),
    (_refusal(406, ALL_INACTIVE), RecipientSuppressed),
    (_refusal(409), RequestRefused),
    (_refusal(410), RequestRefused),
    (_refusal(411), UnsupportedFeature),
    (_refusal(412), AccountSuspended),
    (_refusal(413), AccountSuspended),
    (_refusal(413, status=413), AccountSuspended),
    (_answer("too large", 413), UnsupportedFeature),
    (_refusal(429, status=429), RateLimited),
    (_refusal(1101), UnsupportedFeature),
    (_refusal(9999, status=500), OutcomeUnknown),
    (_refusal(9999, status=503), ProviderUnavailable),
    (_answer({"Message": "down"}, 503), OutcomeUnknown),
    (_refusal(406, ALL_INACTIVE, status=200), RecipientSuppressed),
    (_refusal(9999, status=200), RequestRefused),
    (_answer({**TAKEN, "MessageID": ""}), OutcomeUnknown),
    (_answer({**TAKEN, "ErrorCode": "0"}), OutcomeUnknown),
]


class TestContract(ProviderContract):
    provider = POSTMARK
    accepted = _answer(TAKEN)
    accepted_id = "pm-1"
    errors = ERRORS
    partial = (
        (
            _answer({**TAKEN, "Message": INACTIVE}),
            Accepted("pm-1", {"ann@example.org": RecipientStatus.SUPPRESSED}),
        ),
        (_answer(DELAYED), Accepted("pm-1", {"ann@example.org": RecipientStatus.QUEUED})),
    )
    batch = (
        (
            _answer(
                [
                    TAKEN,
                    {"ErrorCode": 406, "Message": ALL_INACTIVE},
                    {"ErrorCode": 300, "Message": NO_TO},
                ]
            ),
            (Accepted("pm-1"), RecipientSuppressed, RecipientRejected),
        ),
        (
            _answer([DELAYED, {"ErrorCode": 400, "Message": "No."}, {}]),
            (
                Accepted("pm-1", {"ann@example.org": RecipientStatus.QUEUED}),
                SenderRefused,
                OutcomeUnknown,
            ),
        ),
    )


def _addresses(text: str) -> tuple[Address, ...]:
    return PLAIN.replace(to=text).to if text else ()


def _attachment(file: dict[str, str]) -> Attachment:
    content_id = file.get("ContentID", "").removeprefix("cid:")
    return Attachment(file["Name"], b64decode(file["Content"]), file["ContentType"], content_id)


def _read(mail: dict[str, Any]) -> dict[str, Any]:
    metadata = dict(mail["Metadata"])
    ours = metadata.pop("mailfailover-id")
    headers = {one["Name"]: one["Value"] for one in mail["Headers"]}
    assert headers.pop("X-PM-KeepID") == "true"
    if headers["Message-ID"].startswith((f"<{ours}@", f"<{ours}.")):
        del headers["Message-ID"]
    clicks = {"HtmlAndText": True, "None": False, None: None}
    return {
        "from_email": Address.parse(mail["From"]),
        "to": _addresses(mail.get("To", "")),
        "cc": _addresses(mail.get("Cc", "")),
        "bcc": _addresses(mail.get("Bcc", "")),
        "reply_to": _addresses(mail.get("ReplyTo", "")),
        "subject": mail.get("Subject", ""),
        "text": mail.get("TextBody", ""),
        "html": mail.get("HtmlBody", ""),
        "headers": headers,
        "attachments": [_attachment(file) for file in mail.get("Attachments", [])],
        "tags": mail.get("Tag", ()),
        "metadata": metadata,
        "track_opens": mail.get("TrackOpens"),
        "track_clicks": clicks[mail.get("TrackLinks")],
        "template_id": mail.get("TemplateAlias", ""),
        "template_data": mail.get("TemplateModel", {}),
    }


class TestRoundTrip(RoundTrip):
    provider = POSTMARK

    def decode(self, request: HTTPRequest) -> dict[str, Any]:
        return _read(read_json(request))

    def decode_batch(self, request: HTTPRequest) -> list[dict[str, Any]]:
        return [_read(mail) for mail in read_json(request)]


PLAIN_BODY: dict[str, Any] = {
    "From": "The Shop <shop@example.com>",
    "To": "Ann <ann@example.org>",
    "Subject": "Your order",
    "TextBody": "It is on its way.\n",
    "Headers": [
        {"Name": "Message-ID", "Value": "<plain@example.com>"},
        {"Name": "X-PM-KeepID", "Value": "true"},
    ],
    "Metadata": {"mailfailover-id": "plain"},
}


def _body_of(message: Message) -> Any:
    return read_json(POSTMARK.build_request(message))


def test_plain_mail() -> None:
    """
    A mail is a JSON document, the token a header.
    """
    request = POSTMARK.build_request(PLAIN)

    assert ("POST", "https://api.postmarkapp.com/email", "secret-token") == (
        request.method,
        request.url,
        request.headers["X-Postmark-Server-Token"],
    )
    assert PLAIN_BODY == read_json(request)


def test_every_field() -> None:
    """
    Each field of a message has its place in the document.
    """
    assert _body_of(RICH) == {
        "From": "The Shop <shop@example.com>",
        "To": "Ann <ann@example.org>, Bob <bob@example.net>",
        "Cc": "Cat <cat@example.edu>",
        "Bcc": "dan@example.org",
        "ReplyTo": "help@example.com",
        "Subject": "Your order",
        "TextBody": "It is on its way.\n",
        "HtmlBody": RICH.html,
        "Headers": [
            {"Name": "Message-ID", "Value": "<rich@example.com>"},
            {"Name": "X-PM-KeepID", "Value": "true"},
            {"Name": "X-Order", "Value": "1234"},
        ],
        "Attachments": [
            {
                "Name": "report.pdf",
                "Content": "JVBERi0xLjQKJSVFT0YK",
                "ContentType": "application/pdf",
            },
            {
                "Name": "logo.png",
                "Content": b64encode(RICH.attachments[1].read()).decode(),
                "ContentType": "image/png",
                "ContentID": "cid:logo",
            },
        ],
        "Tag": "order",
        "Metadata": {"order": "1234", "mailfailover-id": "rich"},
        "TrackOpens": True,
        "TrackLinks": "None",
    }


def test_message_stream() -> None:
    """
    The stream of the configuration is named, unless an option names another.
    """
    provider = Postmark(server_token="secret-token", message_stream="news")
    other = PLAIN.replace(provider_options={"postmark": {"MessageStream": "alerts"}})

    assert ["news", "alerts"] == [
        read_json(provider.build_request(message))["MessageStream"] for message in (PLAIN, other)
    ]


@pytest.mark.parametrize(
    ("template", "named"),
    [("welcome", {"TemplateAlias": "welcome"}), ("1234", {"TemplateId": 1234})],
)
def test_template(template: str, named: dict[str, Any]) -> None:
    """
    A template has a call of its own, and is named by its alias or its number.
    """
    request = POSTMARK.build_request(SAMPLES["template"].replace(template_id=template))
    body = read_json(request)

    assert request.url == "https://api.postmarkapp.com/email/withTemplate"
    assert {**named, "TemplateModel": {"name": "Änne"}} == {
        key: value for key, value in body.items() if key.startswith("Template")
    }


@pytest.mark.parametrize(
    ("fields", "feature"),
    [
        ({"template_id": "welcome", "text": ""}, "TEMPLATE_OVERRIDE"),
        ({"template_data": {"name": "Ann"}}, "TEMPLATES"),
    ],
)
def test_what_a_template_cannot_say(fields: dict[str, Any], feature: str) -> None:
    """
    A subject beside a template, or data without one, is refused before the call.
    """
    with pytest.raises(UnsupportedFeature) as caught:
        POSTMARK.build_request(PLAIN.replace(**fields))

    assert caught.value.features == (feature,)


def test_our_id_needs_room() -> None:
    """
    Metadata that fill the vendor's limit go without our id.
    """
    metadata = {f"key{number}": "x" for number in range(10)}

    assert _body_of(PLAIN.replace(metadata=metadata))["Metadata"] == metadata


def test_merge() -> None:
    """
    A merge is a list of mails, each filled in for its recipient.
    """
    request = POSTMARK.build_batch(SAMPLES["merge_html"])
    mails = read_json(request)

    assert request.url == "https://api.postmarkapp.com/email/batch"
    assert [
        ("Ann <ann@example.org>", "Order 1", "<p>Dear Ann</p>"),
        ("Bob <bob@example.net>", "Order 2", "<p>Dear Bob &amp; Sons</p>"),
        ("Cat <cat@example.edu>", "Order 3", "<p>Dear Cät</p>"),
    ] == [(mail["To"], mail["Subject"], mail["HtmlBody"]) for mail in mails]
    assert len({mail["Headers"][0]["Value"] for mail in mails}) == 3


def test_merge_template() -> None:
    """
    A merge of a template is a list in an object, with each recipient's data.
    """
    message = SAMPLES["merge"].replace(
        subject="", text="", template_id="welcome", template_data={"shop": [1]}
    )
    request = POSTMARK.build_batch(message)

    assert request.url == "https://api.postmarkapp.com/email/batchWithTemplates"
    assert [
        {"shop": [1], "name": "Ann", "order": "1"},
        {"shop": [1], "name": "Bob & Sons", "order": "2"},
        {"shop": [1], "name": "Cät", "order": "3"},
    ] == [mail["TemplateModel"] for mail in read_json(request)["Messages"]]


def test_merge_has_a_limit_of_bytes() -> None:
    """
    Mails that are too large together are refused before the call: so many go into one.
    """
    large = Attachment("large.bin", bytes(13 * MB))

    with pytest.raises(UnsupportedFeature) as caught:
        POSTMARK.build_batch(SAMPLES["merge"].replace(attachments=large))

    assert caught.value.features == ("max_merge=2",)


def test_ping() -> None:
    """
    A ping reads the server that the token belongs to.
    """
    request = POSTMARK.build_ping()

    assert ("GET", "https://api.postmarkapp.com/server", "secret-token") == (
        request.method,
        request.url,
        request.headers["X-Postmark-Server-Token"],
    )


def test_options_are_laid_over() -> None:
    """
    Options extend what is there, in each mail of a merge too.
    """
    message = SAMPLES["merge"].replace(provider_options={"postmark": {"InlineCss": False}})

    assert [mail["InlineCss"] for mail in read_json(POSTMARK.build_batch(message))] == [False] * 3


@each("name", ["From", "To", "Cc", "Bcc", "Headers"])
def test_options_change_nobody(name: str) -> None:
    """
    Options cannot change who gets the mail or who sends it.
    """
    message = PLAIN.replace(provider_options={"postmark": {name: ""}})

    with pytest.raises(InvalidMessage, match=f"cannot set {name}: use the message's own field"):
        POSTMARK.build_request(message)


SHARED = PLAIN.replace(to=("Ann@example.org", "bob@example.net"), cc="cat@example.edu")


def test_partial_acceptance() -> None:
    """
    Whom Postmark leaves out it names in lower case; the status keeps our spelling.
    """
    text = INACTIVE.replace("ann@example.org", "ann@example.org, cat@example.edu")

    assert POSTMARK.parse_response(_answer({**TAKEN, "Message": text}), SHARED) == Accepted(
        "pm-1",
        {
            "Ann@example.org": RecipientStatus.SUPPRESSED,
            "cat@example.edu": RecipientStatus.SUPPRESSED,
        },
    )


@each(
    ("answer", "recipients"),
    [
        (_refusal(406, ALL_INACTIVE), ("Ann@example.org",)),
        (_refusal(406, "These inactive addresses: cat@example.edu"), ("cat@example.edu",)),
        (_refusal(406, "All of them."), ()),
        (_refusal(300, "Invalid 'To' address: 'bob@example.net'."), ("bob@example.net",)),
        (_refusal(300, "Invalid 'To' address."), ()),
    ],
)
def test_recipients_at_fault_are_named(answer: Response, recipients: tuple[str, ...]) -> None:
    """
    The words of an error tell whose address it is.
    """
    assert POSTMARK.classify_error(answer, SHARED).recipients == recipients


@each("body", [[TAKEN], {"ErrorCode": 0, "Message": "OK"}, [TAKEN, TAKEN, TAKEN, TAKEN]])
def test_answer_to_another_merge_is_unknown(body: object) -> None:
    """
    A list of another length tells nothing of anybody.
    """
    with pytest.raises(OutcomeUnknown, match="unreadable answer"):
        POSTMARK.parse_batch(_answer(body), SAMPLES["merge"])


# It wants a number and an alias of a template, and knows neither Metadata nor streams.
DESCRIBED = {
    name: message
    for name, message in fitting(SAMPLES, Postmark.capabilities).items()
    if not message.template_id and not message.is_merge
}


@each("name", DESCRIBED)
def test_vendor_description(name: str) -> None:
    """
    Each document is one that the vendor's description of the API allows.
    """
    spec = load_spec("postmark", "/components/schemas/SendEmailRequest")

    assert [] == spec.problems(_body_of(DESCRIBED[name]))


def test_vendor_description_of_a_merge() -> None:
    """
    So is each list of a merge.
    """
    spec = load_spec("postmark", "/components/schemas/SendEmailBatchRequest")

    assert [] == spec.problems(read_json(POSTMARK.build_batch(SAMPLES["merge"])))
