"""
Sweego: what goes on the wire, and what its answers mean.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from email.header import decode_header, make_header
from typing import Any

import pytest

from mailfailover.errors import (
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
from mailfailover.providers.sweego import Sweego
from mailfailover.testing import PLAIN, RICH, SAMPLES, ProviderContract
from tests.providers.bodies import read_json
from tests.providers.round_trip import RoundTrip
from tests.samples import each

SWEEGO = Sweego(api_key="secret-key", webhook_secret="secret-hook")
ANN, BOB = "ann@example.org", "bob@example.net"
TWO = PLAIN.replace(to=[ANN, BOB])
OWN_ID = "Mailfailover-Id"


def _answer(status: int, body: object) -> Response:
    return Response(status, {}, json.dumps(body).encode())


def _invalid(*place: object, msg: object = "it says why") -> Response:
    return _answer(422, {"detail": [{"loc": ["body", *place], "msg": msg, "type": "value_error"}]})


def _sent(**uids: object) -> Response:
    found = {name.replace("_", "@example."): uid for name, uid in uids.items()}
    body = {"channel": "email", "provider": "sweego", "transaction_id": "t1", "swg_uids": found}
    return _answer(200, body)


BAD = "value is not a valid email address"
TOO_MANY = "Field 'headers' limited to 5 headers"

ERRORS: list[tuple[Response, type[SendError]]] = [
    (_answer(400, {"msg": "malformed"}), RequestRefused),
    (_answer(401, {"detail": "Unauthorized"}), AuthenticationFailed),
    (_answer(403, {"detail": "Access forbidden"}), AuthenticationFailed),
    (_answer(404, {"detail": "Not Found"}), RequestRefused),
    (_answer(409, {"msg": "conflict"}), RequestRefused),
    (_answer(413, {"msg": "too large"}), UnsupportedFeature),
    (_invalid("recipients", 0, "email", msg=BAD), RecipientRejected),
    (_invalid("cc", 0, "email", msg=BAD), RecipientRejected),
    (_invalid("recipients", msg="field required"), RequestRefused),
    (_invalid("from", "email", msg=BAD), SenderRefused),
    (_invalid("headers", msg=TOO_MANY), UnsupportedFeature),
    (_invalid("list-unsub", "value"), UnsupportedFeature),
    (_invalid("subject", msg="field required"), RequestRefused),
    (_invalid("recipients", msg=3), RequestRefused),
    (_answer(422, {"detail": [{"msg": "it says why", "type": None}]}), RequestRefused),
    (_answer(422, {"detail": ["no"]}), RequestRefused),
    (_answer(429, {"detail": "slow down"}), RateLimited),
    (_answer(500, {"msg": "Unable to send message"}), ProviderUnavailable),
    (_answer(500, {"error": "down"}), OutcomeUnknown),
    (_answer(200, {"transaction_id": "t1"}), OutcomeUnknown),
    (_sent(ann_org=3), OutcomeUnknown),
    (_sent(bob_net="01-b"), OutcomeUnknown),
]


class TestContract(ProviderContract):
    provider = SWEEGO
    accepted = _sent(ann_org="01-a")
    accepted_id = "01-a"
    errors = ERRORS

    def adapt(self, message: Message) -> Message:
        """
        It takes tags in ASCII, files by the types of their names, and no mail without subject.
        """
        files = [
            Attachment(one.filename, one.content, "", one.content_id) for one in message.attachments
        ]
        tags = [tag for tag in message.tags if tag.isascii()]
        return message.replace(attachments=files, tags=tags, subject=message.subject or "zqanyqz")


def _address(one: dict[str, str]) -> Address:
    return Address(one["email"], one.get("name", ""))


def _file(one: dict[str, str]) -> Attachment:
    assert ("content_id" in one) == (one.get("disposition") == "inline")
    data = b64decode(one["content"])
    return Attachment(one["filename"], data, content_id=one.get("content_id", ""))


class TestRoundTrip(RoundTrip):
    provider = SWEEGO

    def expected(self, message: Message) -> Message:
        """
        Sweego gives each mail a Message-ID of its own, and asks for the mailto address first.
        """
        headers = {name: v for name, v in message.headers.items() if name.lower() != "message-id"}
        unsubscribe = tuple(sorted(message.unsubscribe, reverse=True))
        return message.bound(headers=headers, unsubscribe=unsubscribe)

    def decode(self, request: HTTPRequest) -> dict[str, Any]:
        body = read_json(request)
        headers = {
            f"X-{name}": str(make_header(decode_header(value)))
            for name, value in body["headers"].items()
            if name != OWN_ID
        }
        unsubscribe = body.get("list-unsub", {}).get("value", "")
        return {
            "from_email": _address(body["from"]),
            "to": [_address(one) for one in body["recipients"]],
            **{kind: [_address(one) for one in body.get(kind, ())] for kind in ("cc", "bcc")},
            "reply_to": [_address(body["reply-to"])] if "reply-to" in body else (),
            "subject": body["subject"],
            "text": body.get("message-txt", ""),
            "html": body.get("message-html", ""),
            "headers": headers,
            "unsubscribe": [one.strip("<>") for one in unsubscribe.split(",") if one],
            "attachments": [_file(one) for one in body.get("attachments", ())],
            "tags": body.get("campaign-tags", ()),
            "template_id": body.get("template-id", ""),
            "template_data": body.get("variables", {}),
        }


PLAIN_BODY: dict[str, Any] = {
    "channel": "email",
    "provider": "sweego",
    "from": {"email": "shop@example.com", "name": "The Shop"},
    "recipients": [{"email": ANN, "name": "Ann"}],
    "subject": "Your order",
    "message-txt": "It is on its way.\n",
    "headers": {OWN_ID: PLAIN.id},
}


def _body_of(message: Message) -> Any:
    return read_json(SWEEGO.build_request(message))


def test_plain_mail() -> None:
    """
    A mail is a JSON document, with our id in a header.
    """
    request = SWEEGO.build_request(PLAIN)

    assert ("POST", "https://api.sweego.io/send") == (request.method, request.url)
    assert {"Api-Key": "secret-key", "Content-Type": "application/json"} == request.headers
    assert PLAIN_BODY == read_json(request)


def test_every_field() -> None:
    """
    Each field of a message has its place in the document.
    """
    message = RICH.replace(
        metadata={},
        track_opens=None,
        track_clicks=None,
        unsubscribe=("https://example.com/u", "mailto:u@example.com?subject=u"),
    )

    assert _body_of(message) == {
        "channel": "email",
        "provider": "sweego",
        "from": {"email": "shop@example.com", "name": "The Shop"},
        "recipients": [{"email": ANN, "name": "Ann"}, {"email": BOB, "name": "Bob"}],
        "cc": [{"email": "cat@example.edu", "name": "Cat"}],
        "bcc": [{"email": "dan@example.org"}],
        "reply-to": {"email": "help@example.com"},
        "subject": "Your order",
        "message-txt": "It is on its way.\n",
        "message-html": RICH.html,
        "headers": {"Order": "1234", OWN_ID: RICH.id},
        "list-unsub": {
            "method": "one-click",
            "value": "<mailto:u@example.com?subject=u>,<https://example.com/u>",
        },
        "campaign-tags": ["order"],
        "attachments": [
            {"filename": "report.pdf", "content": "JVBERi0xLjQKJSVFT0YK"},
            {
                "filename": "logo.png",
                "content": b64encode(RICH.attachments[1].read()).decode(),
                "disposition": "inline",
                "content_id": "logo",
            },
        ],
    }


def test_template() -> None:
    """
    A template has its data and a subject beside it.
    """
    message = SAMPLES["template"].replace(subject="Your order")
    body = _body_of(message)

    assert (message.template_id, message.template_data, "Your order") == (
        body["template-id"],
        body["variables"],
        body["subject"],
    )


@each(
    ("changes", "feature"),
    [
        ({"template_id": "t-1", "text": "", "subject": ""}, "EMPTY_SUBJECT"),
        ({"template_data": {"a": 1}}, "TEMPLATES"),
        ({"template_id": "t-1", "template_data": {"a": 1}, "to": [ANN, BOB]}, "TEMPLATES"),
        ({"headers": {"In-Reply-To": "<1@example.com>"}}, "HEADERS"),
        ({"headers": {f"X-{number}": "1" for number in range(6)}}, "HEADERS"),
        ({"headers": {"List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}}, "HEADERS"),
        ({"headers": {"List-Unsubscribe": "by letter"}}, "HEADERS"),
        ({"unsubscribe": "https://example.com/u"}, "HEADERS"),
        ({"unsubscribe": ("mailto:a@example.com", "mailto:b@example.com")}, "HEADERS"),
        ({"tags": ["two words"]}, "TAGS"),
        ({"tags": ["t" * 21]}, "TAGS"),
        ({"attachments": [Attachment("a.txt", b"%PDF-", "application/pdf")]}, "ATTACHMENTS"),
    ],
)
def test_what_it_does_not_take(changes: dict[str, Any], feature: str) -> None:
    """
    What Sweego would refuse, or leave off, is refused before the call.
    """
    with pytest.raises(UnsupportedFeature) as caught:
        SWEEGO.build_request(PLAIN.replace(**changes))

    assert (feature,) == caught.value.features


def test_unsubscribe_by_mail() -> None:
    """
    An address alone is no unsubscribe of one click.
    """
    message = PLAIN.replace(unsubscribe="mailto:u@example.com")

    assert {"method": "mailto", "value": "<mailto:u@example.com>"} == _body_of(message)[
        "list-unsub"
    ]


def test_the_mail_s_headers_come_first() -> None:
    """
    Our own header stays off where the mail has all that there may be.
    """
    message = PLAIN.replace(headers={f"X-{number}": "1" for number in range(5)})

    assert {str(number): "1" for number in range(5)} == _body_of(message)["headers"]


def test_untyped_file() -> None:
    """
    A file whose type nobody knows may have any name.
    """
    message = PLAIN.replace(attachments=[Attachment("a.txt", b"a", "application/octet-stream")])

    assert [{"filename": "a.txt", "content": "YQ=="}] == _body_of(message)["attachments"]


def test_each_recipient_has_an_id() -> None:
    """
    Addresses are compared whatever their case; who has no id may have got the mail or not.
    """
    accepted = SWEEGO.parse_response(_sent(ANN_ORG="01-a", else_edu="01-e"), TWO)

    assert accepted == Accepted(
        "01-a",
        {ANN: RecipientStatus.ACCEPTED, BOB: RecipientStatus.UNKNOWN},
        {ANN: "01-a"},
    )


def test_options_are_laid_over() -> None:
    """
    Options extend what is there.
    """
    message = PLAIN.replace(provider_options={"sweego": {"campaign-type": "transac"}})

    assert {**PLAIN_BODY, "campaign-type": "transac"} == _body_of(message)


@each("name", ["from", "recipients", "cc", "bcc"])
def test_options_change_nobody(name: str) -> None:
    """
    Options cannot change who gets the mail or who sends it.
    """
    message = PLAIN.replace(provider_options={"sweego": {name: {}}})

    with pytest.raises(InvalidMessage, match=f"cannot set {name}: use the message's own field"):
        SWEEGO.build_request(message)


def test_ping() -> None:
    """
    A ping asks after a mail that is not there.
    """
    request = SWEEGO.build_ping()

    assert (
        "GET",
        "https://api.sweego.io/logs/00-00000000-0000-0000-0000-000000000000/status",
        {"Api-Key": "secret-key"},
    ) == (request.method, request.url, request.headers)


@pytest.mark.parametrize("status", [200, 404])
def test_pong(status: int) -> None:
    """
    Who is told that there is no such mail may ask.
    """
    SWEEGO.parse_ping(_answer(status, {"msg": "no such mail"}))


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (_answer(401, {"msg": "no"}), AuthenticationFailed),
        (_answer(404, {"detail": "Not Found"}), RequestRefused),
    ],
)
def test_no_pong(answer: Response, error: type[SendError]) -> None:
    """
    Any other answer is no pong.
    """
    with pytest.raises(error):
        SWEEGO.parse_ping(answer)
