"""
Mailjet: what goes on the wire, and what its answers mean.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from typing import Any

import pytest

from mailfailover import ProviderChain
from mailfailover._values.frozen import FrozenDict
from mailfailover.errors import (
    AccountSuspended,
    AuthenticationFailed,
    InvalidMessage,
    OutcomeUnknown,
    ProviderUnavailable,
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
    Attachment,
    HTTPRequest,
    Message,
    RecipientStatus,
    Response,
)
from mailfailover.providers.mailjet import Mailjet
from mailfailover.testing import PLAIN, RICH, SAMPLES, FakeTransport, ProviderContract
from tests.providers.bodies import read_json
from tests.providers.round_trip import RoundTrip
from tests.samples import each

MAILJET = Mailjet(
    api_key="public-key",
    secret_key="secret-key",
    webhook_username="secret-user",
    webhook_password="secret-hook",
)
AUTHORIZATION = "Basic cHVibGljLWtleTpzZWNyZXQta2V5"


def _answer(status: int, body: object) -> Response:
    return Response(status, {}, json.dumps(body).encode())


def _error(code: str, *places: str, text: str = "No.") -> dict[str, Any]:
    return {
        "ErrorIdentifier": "f987008f-251a-4dff-8ffc-40f1583ad7bc",
        "ErrorCode": code,
        "StatusCode": 400,
        "ErrorMessage": text,
        "ErrorRelatedTo": list(places),
    }


def _no(*errors: dict[str, Any]) -> dict[str, Any]:
    return {"Status": "error", "Errors": list(errors)}


def _yes(*people: tuple[str, str, int]) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "Status": "success",
        "CustomID": "plain",
        "To": [],
        "Cc": [],
        "Bcc": [],
    }
    for kind, email, number in people:
        entry[kind].append({"Email": email, "MessageUUID": "1ab", "MessageID": number})
    return entry


def _messages(status: int, *entries: dict[str, Any]) -> Response:
    return _answer(status, {"Messages": list(entries)})


def _refusal(status: int, code: str, *places: str) -> Response:
    return _messages(status, _no(_error(code, *places)))


ERRORS: list[tuple[Response, type[SendError]]] = [
    (_answer(401, {"StatusCode": 401, "ErrorMessage": "No such key"}), AuthenticationFailed),
    (_answer(401, _error("mj-0015")), AuthenticationFailed),
    (_answer(401, _error("mj-0001")), AccountSuspended),
    (_answer(400, _error("mj-0002")), RequestRefused),
    (_refusal(400, "mj-0003", "Subject"), RequestRefused),
    (_refusal(400, "mj-0004", "HTMLPart", "TemplateID"), RequestRefused),
    (_refusal(400, "mj-0013", "To[0].Email"), RecipientRejected),
    (_refusal(400, "mj-0013", "Bcc[3].Email"), RecipientRejected),
    (_refusal(400, "mj-0013", "From.Email"), SenderRefused),
    (_refusal(400, "mj-0013", "ReplyTo.Email"), RequestRefused),
    (_refusal(400, "mj-0013"), RequestRefused),
    (_refusal(403, "send-0006", "SenderID"), SenderRefused),
    (_refusal(403, "send-0007", "SenderID"), SenderRefused),
    (_refusal(403, "send-0008", "From"), SenderRefused),
    (_refusal(400, "send-0003", "HTMLPart", "TextPart"), UnsupportedFeature),
    (_refusal(400, "send-0004", "HTMLPart", "TemplateID"), UnsupportedFeature),
    (_refusal(400, "send-0010", "TemplateID"), UnsupportedFeature),
    (_refusal(400, "send-0011", 'Headers["Date"]'), UnsupportedFeature),
    (_refusal(400, "send-0015", "To"), UnsupportedFeature),
    (_refusal(400, "mj-0006", "Subject"), UnsupportedFeature),
    (_refusal(400, "mj-0008", "Headers"), UnsupportedFeature),
    (_answer(400, _error("mj-0011")), UnsupportedFeature),
    (_refusal(200, "send-0008", "From"), SenderRefused),
    (_refusal(200, "send-9999"), RequestRefused),
    (_messages(200, {"Status": "error"}), RequestRefused),
    (_messages(400, _no(_error("mj-0003"), _error("mj-0013", "To[0]"))), RecipientRejected),
    (_messages(400, {"Status": "error", "Errors": [1]}), RequestRefused),
    (_answer(429, {"StatusCode": 429, "ErrorMessage": "Too many"}), RateLimited),
    (_answer(500, {"ErrorIdentifier": "06df1144", "StatusCode": 500}), ProviderUnavailable),
    (_answer(503, {"ErrorMessage": "Unavailable"}), OutcomeUnknown),
    (_messages(200, _yes(("To", "eve@example.org", 1))), OutcomeUnknown),
    (_messages(200, {"Status": "perhaps"}), OutcomeUnknown),
    (_messages(200), OutcomeUnknown),
    (_messages(200, {"Status": "success", "To": [1], "Cc": 2}), OutcomeUnknown),
]

SENT = _messages(200, _yes(("To", "ANN@example.org", 1152921505)))
ANN, BOB, CAT = "ann@example.org", "bob@example.net", "cat@example.edu"
MIXED = (
    _yes(("To", ANN, 1)),
    _no(_error("mj-0013", "To[0].Email")),
    _no(_error("send-0008", "From")),
)
EACH = (Accepted("1", {}, {ANN: "1"}), RecipientRejected, SenderRefused)


class TestContract(ProviderContract):
    provider = MAILJET
    accepted = SENT
    accepted_id = "1152921505"
    errors = ERRORS
    batch = ((_messages(200, *MIXED), EACH),)


def test_each_recipient_has_an_id() -> None:
    """
    The ids of all who were accepted are kept, the first one as that of the mail.
    """
    answer = _messages(200, _yes(("To", ANN, 1), ("To", BOB, 2), ("Cc", CAT, 3)))

    assert MAILJET.parse_response(answer, RICH) == Accepted("1", {}, {ANN: "1", BOB: "2", CAT: "3"})


def test_a_merge_with_an_error_status_is_read_by_recipient() -> None:
    """
    The status is that of the worst mail: the others were sent all the same.
    """
    found = MAILJET.parse_batch(_messages(400, *MIXED), SAMPLES["merge"])

    assert tuple(type(one) if isinstance(one, SendError) else one for one in found) == EACH
    assert [(BOB,), ()] == [one.recipients for one in found if isinstance(one, SendError)]


@each(
    ("answer", "kind"),
    [
        (_answer(401, _error("mj-0015")), AuthenticationFailed),
        (Response(403, {}, b"<html>"), ProviderUnavailable),
        (_messages(400, _yes(("To", ANN, 1))), OutcomeUnknown),
    ],
)
def test_a_merge_refused_as_a_whole(answer: Response, kind: type[SendError]) -> None:
    """
    An answer that speaks of no mail is about the call, one that speaks of some tells nothing.
    """
    with pytest.raises(kind):
        MAILJET.parse_batch(answer, SAMPLES["merge"])


def test_nobody_gets_a_merge_twice() -> None:
    """
    A chain resends to nobody whose mail was accepted beside a refused one.
    """
    refused = _no(_error("mj-0013", "To[0].Email"))
    answer = _messages(400, _yes(("To", ANN, 1)), refused, _yes(("To", CAT, 3)))
    transport = FakeTransport(answer)

    receipt = ProviderChain(MAILJET, transport=transport).send(SAMPLES["merge"])

    assert receipt.recipients == {
        ANN: RecipientStatus.ACCEPTED,
        BOB: RecipientStatus.INVALID,
        CAT: RecipientStatus.ACCEPTED,
    }
    assert len(transport.requests) == 1


@each(
    ("places", "recipients"),
    [
        (("Cc[0].Email",), (CAT,)),
        (("To[0].Email", "To[1]"), (ANN, BOB)),
        (("To[7].Email",), ()),
        (("To",), ()),
    ],
)
def test_who_is_refused(places: tuple[str, ...], recipients: tuple[str, ...]) -> None:
    """
    The places in our request name the addresses.
    """
    error = MAILJET.classify_error(_refusal(400, "mj-0013", *places), RICH)

    assert error.recipients == recipients


def test_place_that_is_no_list() -> None:
    """
    A single place need not stand in a list.
    """
    error = {**_error("mj-0013"), "ErrorRelatedTo": "To[0].Email"}

    assert MAILJET.classify_error(_messages(400, _no(error)), PLAIN).recipients == (ANN,)


def _addresses(found: list[dict[str, str]]) -> list[Address]:
    return [Address(one["Email"], one.get("Name", "")) for one in found]


SWITCH = {"enabled": True, "disabled": False, "": None}


def _read(mail: dict[str, Any]) -> dict[str, Any]:
    return {
        "from_email": _addresses([mail["From"]])[0],
        "to": _addresses(mail["To"]),
        "cc": _addresses(mail.get("Cc", [])),
        "bcc": _addresses(mail.get("Bcc", [])),
        "reply_to": _addresses([mail["ReplyTo"]] if "ReplyTo" in mail else []),
        "subject": mail.get("Subject", ""),
        "text": mail.get("TextPart", ""),
        "html": mail.get("HTMLPart", ""),
        "headers": mail.get("Headers", {}),
        "attachments": [
            Attachment(
                file["Filename"],
                b64decode(file["Base64Content"]),
                file["ContentType"],
                file.get("ContentID", ""),
            )
            for file in mail.get("Attachments", []) + mail.get("InlinedAttachments", [])
        ],
        "tags": mail.get("CustomCampaign", ()),
        "metadata": json.loads(mail.get("EventPayload", "{}")),
        "track_opens": SWITCH[mail.get("TrackOpens", "")],
        "track_clicks": SWITCH[mail.get("TrackClicks", "")],
        "template_id": str(mail.get("TemplateID", "")),
        "template_data": mail.get("Variables", {}),
    }


class TestRoundTrip(RoundTrip):
    provider = MAILJET

    def decode(self, request: HTTPRequest) -> dict[str, Any]:
        (mail,) = read_json(request)["Messages"]
        return _read(mail)

    def decode_batch(self, request: HTTPRequest) -> list[dict[str, Any]]:
        return [_read(mail) for mail in read_json(request)["Messages"]]

    def expected(self, message: Message) -> Message:
        headers = {name: one for name, one in message.headers.items() if name != "Message-ID"}
        return message.bound(headers=FrozenDict(headers))


PLAIN_MAIL: dict[str, Any] = {
    "From": {"Email": "shop@example.com", "Name": "The Shop"},
    "To": [{"Email": "ann@example.org", "Name": "Ann"}],
    "Subject": "Your order",
    "TextPart": "It is on its way.\n",
    "CustomID": "plain",
}


def _mail_of(message: Message) -> Any:
    (mail,) = read_json(MAILJET.build_request(message))["Messages"]
    return mail


def test_plain_mail() -> None:
    """
    A mail is a list of one in a JSON document, the keys are a header.
    """
    request = MAILJET.build_request(PLAIN)

    assert ("POST", "https://api.mailjet.com/v3.1/send", AUTHORIZATION) == (
        request.method,
        request.url,
        request.headers["Authorization"],
    )
    assert read_json(request) == {"Messages": [PLAIN_MAIL]}


def test_every_field() -> None:
    """
    Each field of a message has its place in the document.
    """
    assert _mail_of(RICH) == {
        "From": {"Email": "shop@example.com", "Name": "The Shop"},
        "To": [
            {"Email": "ann@example.org", "Name": "Ann"},
            {"Email": "bob@example.net", "Name": "Bob"},
        ],
        "Cc": [{"Email": "cat@example.edu", "Name": "Cat"}],
        "Bcc": [{"Email": "dan@example.org"}],
        "ReplyTo": {"Email": "help@example.com"},
        "Subject": "Your order",
        "TextPart": "It is on its way.\n",
        "HTMLPart": RICH.html,
        "Headers": {"X-Order": "1234"},
        "Attachments": [
            {
                "ContentType": "application/pdf",
                "Filename": "report.pdf",
                "Base64Content": "JVBERi0xLjQKJSVFT0YK",
            }
        ],
        "InlinedAttachments": [
            {
                "ContentType": "image/png",
                "Filename": "logo.png",
                "Base64Content": b64encode(RICH.attachments[1].read()).decode(),
                "ContentID": "logo",
            }
        ],
        "CustomCampaign": "order",
        "EventPayload": '{"order": "1234"}',
        "CustomID": "rich",
        "TrackOpens": "enabled",
        "TrackClicks": "disabled",
    }


def test_template() -> None:
    """
    A template is named by its number and has variables.
    """
    assert _mail_of(SAMPLES["template"].replace(template_id="42", track_opens=False)) == {
        "From": {"Email": "shop@example.com", "Name": "The Shop"},
        "To": [{"Email": "ann@example.org", "Name": "Ann"}],
        "CustomID": "template",
        "TrackOpens": "disabled",
        "TemplateID": 42,
        "TemplateLanguage": True,
        "Variables": {"name": "Änne"},
    }


def test_nothing_to_track() -> None:
    """
    Tracking is refused beside a text only, so it is not asked for.
    """
    assert _mail_of(PLAIN.replace(track_opens=True, track_clicks=False)) == PLAIN_MAIL


def test_long_subject() -> None:
    """
    A subject that is too long is refused before the call, by name.
    """
    with pytest.raises(UnsupportedFeature) as caught:
        MAILJET.build_request(PLAIN.replace(subject="x" * 256))

    assert caught.value.features == ("max_subject=255",)


def test_merge() -> None:
    """
    A merge is a list of mails, each filled in for its recipient.
    """
    mails = read_json(MAILJET.build_batch(SAMPLES["merge_html"]))["Messages"]

    assert [
        ("ann@example.org", "Order 1", "<p>Dear Ann</p>"),
        ("bob@example.net", "Order 2", "<p>Dear Bob &amp; Sons</p>"),
        ("cat@example.edu", "Order 3", "<p>Dear Cät</p>"),
    ] == [(mail["To"][0]["Email"], mail["Subject"], mail["HTMLPart"]) for mail in mails]


def test_ping() -> None:
    """
    A ping reads one of the senders.
    """
    request = MAILJET.build_ping()

    assert ("GET", "https://api.mailjet.com/v3/REST/sender?Limit=1", AUTHORIZATION) == (
        request.method,
        request.url,
        request.headers["Authorization"],
    )


def test_options_are_laid_over() -> None:
    """
    Options extend what is there.
    """
    options = {"Priority": 3, "Headers": {"X-A": "1"}}
    message = PLAIN.replace(headers={"X-B": "2"}, provider_options={"mailjet": options})

    assert _mail_of(message) == {
        **PLAIN_MAIL,
        "Priority": 3,
        "Headers": {"X-A": "1", "X-B": "2"},
    }


@each(
    ("options", "problem"),
    [
        ({"To": []}, "cannot set To: use"),
        ({"From": {"Email": "eve@example.com"}}, "cannot set From: use"),
        ({"Sender": {"Email": "eve@example.com"}}, "cannot set Sender: use"),
        ({"URLTags": {"a\r\n": "b"}}, "control character at"),
    ],
)
def test_options_stay_in_their_bounds(options: dict[str, Any], problem: str) -> None:
    """
    Options cannot change who gets the mail, nor break a line.
    """
    message = PLAIN.replace(provider_options={"mailjet": options})

    with pytest.raises(InvalidMessage, match=problem):
        MAILJET.build_request(message)
