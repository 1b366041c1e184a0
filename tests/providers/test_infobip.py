"""
Infobip: what goes on the wire, and what its answers mean.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from datetime import datetime
from email.header import decode_header, make_header
from typing import TYPE_CHECKING, Any

import pytest

from mailfailover import plugin
from mailfailover.errors import (
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
from mailfailover.providers.infobip import Infobip
from mailfailover.testing import PLAIN, SAMPLES, ProviderContract
from tests.providers.bodies import read_json
from tests.providers.round_trip import RoundTrip
from tests.samples import each

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PROVIDER = Infobip(
    api_key="secret-key", webhook_username="secret-user", webhook_password="secret-hook"
)
URL = "https://api.infobip.com/email/4/messages"


def _answer(status: int, body: dict[str, Any]) -> Response:
    return Response(status, {}, json.dumps(body).encode())


def _refusal(status: int, *violations: tuple[str, str]) -> Response:
    return _answer(
        status,
        {
            "errorCode": f"E{status}",
            "description": "It says why.",
            "violations": [
                dict(zip(("property", "violation"), one, strict=True)) for one in violations
            ],
        },
    )


def _older(status: int, name: str, text: str) -> Response:
    return _answer(
        status, {"requestError": {"serviceException": {"messageId": name, "text": text}}}
    )


def _result(
    mail_id: str, email: str = "ann@example.org", group: object = 1, name: str = "PENDING_ACCEPTED"
) -> dict[str, Any]:
    status = {"groupId": group, "name": name, "description": "It says why."}
    return {"messageId": mail_id, "destination": email, "status": status}


def _sent(*results: Any) -> Response:
    return _answer(200, {"bulkId": "b1", "messages": results})


TO = "messages[0].destinations[0].to[0].destination"
NO_EMAIL = "must be a well-formed email address"

ERRORS: list[tuple[Response, type[SendError]]] = [
    (_refusal(400, (TO, NO_EMAIL)), RecipientRejected),
    (_refusal(400, (TO, "must not be in a list")), UnsupportedFeature),
    (_refusal(400, ("messages[0].sender", "is no sender of this account")), SenderRefused),
    (_refusal(400, ("messages[0].content.subject", "is too long")), UnsupportedFeature),
    (_refusal(400, ("messages[0].other", "is wrong")), RequestRefused),
    (_refusal(400), RequestRefused),
    (_older(400, "BAD_REQUEST", "Bad request"), RequestRefused),
    (_older(401, "UNAUTHORIZED", "Invalid login details"), AuthenticationFailed),
    (_refusal(403), AuthenticationFailed),
    (_older(429, "TOO_MANY_REQUESTS", "Too many requests"), RateLimited),
    (_refusal(500), ProviderUnavailable),
    (_older(500, "GENERAL_ERROR", "Something went wrong"), ProviderUnavailable),
    (_refusal(504), OutcomeUnknown),
    (_answer(500, {"requestError": {"serviceException": 3}, "violations": [3]}), OutcomeUnknown),
    # A success that hides a failure.
    (_sent(_result("m1", group=5, name="REJECTED_NOT_ENOUGH_CREDITS")), QuotaExceeded),
    (_sent(_result("m1", group=5, name="REJECTED_SENDER")), SenderRefused),
    (_sent(_result("m1", group=5, name="REJECTED_SYSTEM_ERROR")), ProviderUnavailable),
    (_sent(_result("m1", group=2, name="UNDELIVERABLE_NOT_DELIVERED")), RequestRefused),
    (_sent(_result("m1", group=5), _result("")), OutcomeUnknown),
    (_sent(_result("m1", group="PENDING")), OutcomeUnknown),
    (_sent({"messageId": "m1"}), OutcomeUnknown),
    (_sent(), OutcomeUnknown),
]

BOTH = PLAIN.replace(cc=("bob@example.net", "cat@example.edu"))


class TestContract(ProviderContract):
    provider = PROVIDER
    accepted = _sent(_result("m1"))
    accepted_id = "m1"
    errors = ERRORS
    message = BOTH
    merge = SAMPLES["merge"].replace(
        subject="Order {{order}} of {{name}}", text="", html="<p>{{name}}</p>"
    )
    partial = (
        (
            _sent(
                _result("m1", "Ann@example.org"),
                _result("m2", "bob@example.net", group=5),
                _result("", "cat@example.edu"),
                _result("m4", "else@example.edu"),
            ),
            Accepted(
                "m1",
                {
                    "bob@example.net": RecipientStatus.REFUSED,
                    "cat@example.edu": RecipientStatus.UNKNOWN,
                },
                {"ann@example.org": "m1"},
            ),
        ),
    )
    batch = (
        (
            _sent(_result("m1"), _result("m2", group=5), _result("m3")),
            (Accepted("m1"), RequestRefused, Accepted("m3")),
        ),
        (_sent(_result("m1"), None, _result("")), (Accepted("m1"), OutcomeUnknown, OutcomeUnknown)),
    )

    def adapt(self, message: Message) -> Message:
        """
        A mail with an HTML has no text.
        """
        return message.replace(text="") if message.html else message


def _file(one: dict[str, str], content_id: str = "") -> Attachment:
    name = f"{content_id}.png" if content_id else one["fileName"]
    return Attachment(name, b64decode(one["content"]), one["contentType"], content_id)


def _decoded(body: dict[str, Any], mail: dict[str, Any]) -> dict[str, Any]:
    (people,) = mail["destinations"]
    content, options = mail["content"], body.get("options", {})
    metadata = json.loads(mail["webhooks"]["callbackData"])
    del metadata["mailfailover-id"]
    headers = _own(json.loads(content["headers"]))
    send_at = options.get("schedule", {}).get("sendAt")
    return {
        "from_email": Address.parse(mail["sender"]),
        **{
            kind: [Address.parse(one["destination"]) for one in people.get(kind, ())]
            for kind in ("to", "cc", "bcc")
        },
        "reply_to": people.get("replyTo", ()),
        **{name: content.get(name, "") for name in ("subject", "text", "html")},
        "headers": {name: str(make_header(decode_header(v))) for name, v in headers.items()},
        "attachments": [
            *(_file(one) for one in content.get("attachments", ())),
            *(_file(one, one["fileName"]) for one in content.get("inlineImages", ())),
        ],
        "tags": mail.get("options", {}).get("campaignReferenceId", ()),
        "metadata": metadata,
        "track_opens": options.get("tracking", {}).get("trackOpens"),
        "track_clicks": options.get("tracking", {}).get("trackClicks"),
        "send_at": datetime.fromisoformat(send_at) if send_at else None,
        "template_id": content.get("templateId", ""),
        "template_data": json.loads(content.get("defaultPlaceholders", "{}")),
    }


def _own(headers: Mapping[str, Any]) -> dict[str, Any]:
    """
    *headers* without the Message-ID that we generate.
    """
    return {
        name: value
        for name, value in headers.items()
        if name.lower() != "message-id" or "own@" in value
    }


def _decoded_mime(body: dict[str, Any]) -> dict[str, Any]:
    mail = Message.from_email_message(b64decode(body["mimeMessage"]))
    metadata = json.loads(body["callbackData"])
    del metadata["mailfailover-id"]
    shown = [one.email for one in (*mail.to, *mail.cc)]
    assert body["destinations"][: len(shown)] == shown
    names = ("from_email", "to", "cc", "reply_to", "subject", "text", "html", "attachments")
    return {
        **{name: getattr(mail, name) for name in (*names, "unsubscribe")},
        "headers": _own(mail.headers),
        "bcc": body["destinations"][len(shown) :],
        "metadata": metadata,
    }


class TestRoundTrip(RoundTrip):
    provider = PROVIDER

    def decode(self, request: HTTPRequest) -> dict[str, Any]:
        body = read_json(request)
        if "mimeMessage" in body:
            return _decoded_mime(body)
        (mail,) = body["messages"]
        return _decoded(body, mail)

    def decode_batch(self, request: HTTPRequest) -> list[dict[str, Any]]:
        body = read_json(request)
        return [_decoded(body, mail) for mail in body["messages"]]


PLAIN_BODY: dict[str, Any] = {
    "messages": [
        {
            "sender": "The Shop <shop@example.com>",
            "destinations": [
                {
                    "to": [{"destination": "Ann <ann@example.org>"}],
                    "preserveRecipients": True,
                }
            ],
            "content": {
                "subject": "Your order",
                "text": "It is on its way.\n",
                "headers": '{"Message-ID": "<plain@example.com>"}',
            },
            "webhooks": {"callbackData": '{"mailfailover-id": "plain"}'},
        }
    ]
}


def _content(message: Message) -> Any:
    return read_json(PROVIDER.build_request(message))["messages"][0]["content"]


def test_plain_mail() -> None:
    """
    A mail is a JSON document.
    """
    request = PROVIDER.build_request(PLAIN)

    assert ("POST", URL, "App secret-key") == (
        request.method,
        request.url,
        request.headers["Authorization"],
    )
    assert PLAIN_BODY == read_json(request)


def test_time_to_send_at() -> None:
    """
    The time is in UTC, with milliseconds.
    """
    body = read_json(PROVIDER.build_request(SAMPLES["send_at"]))

    assert {"schedule": {"sendAt": "2031-05-06T07:08:09.000+0000"}} == body["options"]


def test_template() -> None:
    """
    A template needs neither subject nor text.
    """
    assert _content(SAMPLES["template"]) == {
        "templateId": "welcome",
        "defaultPlaceholders": '{"name": "Änne"}',
        "headers": '{"Message-ID": "<template@example.com>"}',
    }


def test_merge() -> None:
    """
    A merge is a list of mails, each filled in for its recipient.
    """
    mails = read_json(PROVIDER.build_batch(SAMPLES["merge"]))["messages"]

    assert [
        ("Ann <ann@example.org>", "Order 1"),
        ("Bob <bob@example.net>", "Order 2"),
        ("Cat <cat@example.edu>", "Order 3"),
    ] == [
        (mail["destinations"][0]["to"][0]["destination"], mail["content"]["subject"])
        for mail in mails
    ]


@each(
    ("message", "features"),
    [
        (SAMPLES["html_and_text"].replace(tags="a"), ("TAGS",)),
        (SAMPLES["html_and_text"].replace(track_opens=True), ("TRACKING",)),
        (SAMPLES["merge_html"].replace(text="Hi"), ("MERGE", "HTML")),
        (PLAIN.replace(template_data={"name": "Ann"}), ("TEMPLATES",)),
        (PLAIN.replace(metadata={"key": "x" * 4000}), ("METADATA",)),
        (PLAIN.replace(tags="x" * 256), ("TAGS",)),
        (
            SAMPLES["merge"].replace(attachments=[Attachment("report.pdf", b"%PDF")]),
            ("MERGE", "ATTACHMENTS"),
        ),
    ],
    ids=[
        "tag_of_mime",
        "tracking_of_mime",
        "merge_of_mime",
        "data_alone",
        "metadata",
        "tag",
        "files_in_a_merge",
    ],
)
def test_what_it_cannot_say(message: Message, features: Iterable[str]) -> None:
    """
    What it cannot say is refused before the call, by name.
    """
    build = PROVIDER.build_batch if message.is_merge else PROVIDER.build_request

    with pytest.raises(UnsupportedFeature) as caught:
        build(message)
    assert features == caught.value.features


def test_answer_to_another_merge_is_unknown() -> None:
    """
    A list of another length tells nothing of anybody.
    """
    with pytest.raises(OutcomeUnknown, match="unreadable answer"):
        PROVIDER.parse_batch(_sent(_result("m1")), SAMPLES["merge"])


def test_fault_is_told() -> None:
    """
    The property at fault stands in the error's text.
    """
    error = PROVIDER.classify_error(_refusal(400, (TO, NO_EMAIL)), PLAIN)

    assert f"HTTP 400 E400: {TO}: {NO_EMAIL}" == str(error)


def test_options_are_laid_over() -> None:
    """
    Options extend what is there.
    """
    options = {"options": {"tracking": {"trackingPixelPosition": "BOTTOM"}}}
    message = PLAIN.replace(provider_options={"infobip": options})

    assert {**PLAIN_BODY, **options} == read_json(PROVIDER.build_request(message))


def test_options_change_nobody() -> None:
    """
    Options cannot change who gets the mail or who sends it.
    """
    message = PLAIN.replace(provider_options={"infobip": {"messages": []}})

    with pytest.raises(InvalidMessage, match="cannot set messages: use the message's own field"):
        PROVIDER.build_request(message)


def test_ping() -> None:
    """
    A ping reads the first of the domains.
    """
    request = PROVIDER.build_ping()

    assert ("GET", "https://api.infobip.com/email/1/domains?size=1", "App secret-key") == (
        request.method,
        request.url,
        request.headers["Authorization"],
    )


def test_a_text_beside_an_html_goes_as_mime() -> None:
    """
    By JSON one of them would be lost; the envelope and our id stand beside the MIME message.
    """
    message = SAMPLES["html_and_text"].replace(bcc="cat@example.edu")
    request = PROVIDER.build_request(message)

    assert "https://api.infobip.com/email/4/mime" == request.url
    assert {
        "destinations": ["ann@example.org", "cat@example.edu"],
        "mimeMessage": b64encode(plugin.mime_bytes(message)).decode(),
        "callbackData": '{"mailfailover-id": "html_and_text"}',
    } == read_json(request)


@pytest.mark.parametrize("kind", ["text/calendar; method=REQUEST", "text/x-amp-html"])
def test_other_forms_of_a_text_go_as_mime(kind: str) -> None:
    """
    An invitation is an alternative in the mail that arrives, no file.
    """
    form = Alternative(kind, "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n")
    request = PROVIDER.build_request(PLAIN.replace(alternatives=form))

    mail = Message.from_email_message(b64decode(read_json(request)["mimeMessage"]))
    assert [one.content_type.partition(";")[0] for one in mail.alternatives] == [
        kind.partition(";")[0]
    ]
    assert mail.attachments == ()


def test_an_answer_to_mime_names_its_recipients() -> None:
    """
    There an address is called "to".
    """
    result = {name: one for name, one in _result("m1").items() if name != "destination"}

    accepted = PROVIDER.parse_response(_sent(result | {"to": "ann@example.org"}), PLAIN)

    assert {"ann@example.org": "m1"} == accepted.message_ids
