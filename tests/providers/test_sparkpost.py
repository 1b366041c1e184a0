"""
SparkPost: what goes on the wire, and what its answers mean.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from datetime import datetime, timedelta, timezone
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
    Attachment,
    HTTPRequest,
    Message,
    RecipientStatus,
    Response,
)
from mailfailover.providers.sparkpost import SparkPost
from mailfailover.testing import PLAIN, RICH, SAMPLES, ProviderContract
from tests.providers.bodies import read_json
from tests.providers.round_trip import RoundTrip
from tests.samples import each

SPARKPOST = SparkPost(
    api_key="secret-key", webhook_username="secret-user", webhook_password="secret-hook"
)
KEY = "5b0c9b6e-4b7c-5d8e-9f00-112233445566"


def _answer(status: int, code: str, message: str = "", description: str = "") -> Response:
    error = {"message": message, "description": description, "code": code}
    body = {"errors": [{name: text for name, text in error.items() if text}]}
    return Response(status, {}, json.dumps(body).encode())


def _sent(accepted: int, rejected: int = 0, *errors: tuple[str, str]) -> Response:
    entries = [{"code": code, "message": "invalid", "description": text} for code, text in errors]
    results: dict[str, Any] = {
        "id": "11668787484950529",
        "total_accepted_recipients": accepted,
        "total_rejected_recipients": rejected,
    }
    if entries:
        results["rcpt_to_errors"] = entries
    return Response(200, {}, json.dumps({"results": results}).encode())


NO_DOMAIN = _answer(400, "7001", "Invalid domain", "Unconfigured Sending Domain <example.com>")
ERRORS: list[tuple[Response, type[SendError]]] = [
    (Response(401, {}, b'{"errors": [{"message": "Unauthorized."}]}'), AuthenticationFailed),
    (_answer(401, "1303", "invalid key"), AuthenticationFailed),
    (_answer(403, "1100", "no such permission"), AuthenticationFailed),
    (_answer(403, "1601", "no licence"), AccountSuspended),
    (_answer(400, "7000", "Blacklisted domain"), SenderRefused),
    (NO_DOMAIN, SenderRefused),
    (_answer(404, "1600", "resource not found", "template 'x' does not exist"), UnsupportedFeature),
    (_answer(409, "1600", "key mismatch"), OutcomeUnknown),
    (_answer(409, "1601", "in progress"), OutcomeUnknown),
    (_answer(400, "1602", "invalid key"), RequestRefused),
    (_answer(420, "2101", "Exceed Sending Limit (hourly)"), QuotaExceeded),
    (_answer(420, "2102", "Exceed Sending Limit (daily)"), QuotaExceeded),
    (_answer(420, "2103", "Exceed Sending Limit (sandbox)"), QuotaExceeded),
    (_answer(400, "2105", "Exceed Sending Limit (monthly)"), QuotaExceeded),
    (Response(420, {}, b'{"errors": [{"message": "Exceed Sending Limit"}]}'), QuotaExceeded),
    (_answer(429, "1000", "Too many requests"), RateLimited),
    (_answer(400, "1502", "resources unavailable, retry later"), ProviderUnavailable),
    (_answer(500, "1500", "internal error"), ProviderUnavailable),
    (_answer(503, "1900", "unavailable"), ProviderUnavailable),
    (_answer(504, "1900", "timeout"), OutcomeUnknown),
    (Response(503, {}, b'{"errors": "no list"}'), OutcomeUnknown),
    (_answer(400, "1901", "Generation failed"), UnsupportedFeature),
    (_answer(422, "3005", "substitution language syntax error"), UnsupportedFeature),
    (_answer(400, "1902", "suppressed due to customer policy"), RecipientSuppressed),
    (_answer(400, "5002", "At least one valid recipient is required"), RecipientRejected),
    (_answer(422, "1400", "invalid", "address.email is not valid: ann@"), RecipientRejected),
    (_answer(422, "1300", "invalid data format/type", "content.from is no address"), SenderRefused),
    (_answer(422, "1300", "invalid data format/type", "content.headers"), RequestRefused),
    (_answer(400, "not a code", "nothing known"), RequestRefused),
    (_sent(0, 1, ("1400", "address.email is required for each recipient")), RecipientRejected),
    (_sent(0, 1, ("1902", "recipient address suppressed")), RecipientSuppressed),
    (_sent(0, 1, ("1999", "never documented")), RequestRefused),
    (_sent(0, 1), RequestRefused),
    (_sent(0, 0), OutcomeUnknown),
]

EVERYBODY = ("ann@example.org", "bob@example.net", "cat@example.edu")


def _each(status: RecipientStatus) -> tuple[Accepted, ...]:
    return tuple(Accepted("11668787484950529", {email: status}) for email in EVERYBODY)


class TestContract(ProviderContract):
    provider = SPARKPOST
    accepted = _sent(1)
    accepted_id = "11668787484950529"
    errors = ERRORS
    partial = (
        (
            _sent(1, 1, ("1400", "address.email is required for each recipient")),
            Accepted("11668787484950529", {"ann@example.org": RecipientStatus.UNKNOWN}),
        ),
    )
    batch = (
        (_sent(3), _each(RecipientStatus.ACCEPTED)),
        (_sent(2, 1), _each(RecipientStatus.UNKNOWN)),
    )

    def adapt(self, message: Message) -> Message:
        """
        A template has a sender of its own.
        """
        if not message.template_id:
            return message
        return message.replace(cc=(), from_email="shop@example.com")


def _filled(text: str, data: dict[str, Any]) -> str:
    return re.sub(r"{{{(\w+)}}}", lambda found: str(data[found[1]]), text)


def _read(body: dict[str, Any], recipient: dict[str, Any], **people: object) -> dict[str, Any]:
    content, options = body["content"], body["options"]
    data = {**body.get("substitution_data", {}), **recipient.get("substitution_data", {})}
    metadata = {**body["metadata"], **recipient.get("metadata", {})}
    del metadata["mailfailover-id"]
    texts = {} if options.get("perform_substitutions") is False else data
    headers = {name: _filled(text, data) for name, text in content.get("headers", {}).items()}
    headers.pop("Cc", None)
    if "own@" not in headers.get("Message-ID", ""):
        headers.pop("Message-ID", None)
    sender = content.get("from", {"email": "shop@example.com", "name": "The Shop"})
    return {
        "from_email": Address(sender["email"], _filled(sender.get("name", ""), data)),
        "reply_to": _filled(content.get("reply_to", ""), data),
        "subject": _filled(content.get("subject", ""), data),
        "text": _filled(content.get("text", ""), texts),
        "html": _filled(content.get("html", ""), texts),
        "headers": headers,
        "attachments": [
            *(_file(one) for one in content.get("attachments", ())),
            *(_file(one, one["name"]) for one in content.get("inline_images", ())),
        ],
        "tags": body.get("campaign_id", ()),
        "metadata": metadata,
        "track_opens": options.get("open_tracking"),
        "track_clicks": options.get("click_tracking"),
        "send_at": options.get("start_time") and datetime.fromisoformat(options["start_time"]),
        "template_id": content.get("template_id", ""),
        "template_data": data if "template_id" in content else {},
        "envelope_from": body.get("return_path", ""),
        **people,
    }


def _file(one: dict[str, str], content_id: str = "") -> Attachment:
    name = "logo.png" if content_id else one["name"]  # how an image is called nobody sees
    return Attachment(name, b64decode(one["data"]), one["type"], content_id)


class TestRoundTrip(RoundTrip):
    provider = SPARKPOST

    def decode(self, request: HTTPRequest) -> dict[str, Any]:
        body = read_json(request)
        shown = {one["address"]["header_to"] for one in body["recipients"]}
        (to,) = shown
        cc = body["content"].get("headers", {}).get("Cc", "")
        seen = {one.email for one in Message(to=to, cc=cc).recipients}
        emails = [one["address"]["email"] for one in body["recipients"]]
        return _read(body, {}, to=to, cc=cc, bcc=[email for email in emails if email not in seen])

    def expected(self, message: Message) -> Message:
        return message.bound(bcc=tuple(Address(one.email) for one in message.bcc))

    def decode_batch(self, request: HTTPRequest) -> list[dict[str, Any]]:
        body = read_json(request)
        return [_read(body, one, to=one["address"]["header_to"]) for one in body["recipients"]]


BRACES = {"mf_open": "{", "mf_close": "}"}
PLAIN_BODY: dict[str, Any] = {
    "options": {"transactional": True, "perform_substitutions": False},
    "recipients": [{"address": {"email": "ann@example.org", "header_to": "Ann <ann@example.org>"}}],
    "content": {
        "from": {"email": "shop@example.com", "name": "The Shop"},
        "subject": "Your order",
        "text": "It is on its way.\n",
        "headers": {"Message-ID": "<plain@example.com>"},
    },
    "metadata": {"mailfailover-id": "plain"},
    "substitution_data": BRACES,
}


def _body_of(message: Message) -> Any:
    return read_json(SPARKPOST.build_request(message))


def test_plain_mail() -> None:
    """
    A mail is a JSON document, the key a header.
    """
    request = SPARKPOST.build_request(PLAIN)

    assert ("POST", "https://api.sparkpost.com/api/v1/transmissions", "secret-key") == (
        request.method,
        request.url,
        request.headers["Authorization"],
    )
    assert "Idempotency-Key" not in request.headers
    assert PLAIN_BODY == read_json(request)


def test_every_field() -> None:
    """
    Each field of a message has its place in the document.
    """
    message = RICH.replace(
        send_at=datetime(2031, 5, 6, 7, 8, 9, tzinfo=timezone(timedelta(hours=2))),
        envelope_from="bounces@example.com",
        reply_to=("one@example.com", "Two <two@example.com>"),
        stream="news",
    )
    to = "Ann <ann@example.org>, Bob <bob@example.net>"

    assert _body_of(message) == {
        "options": {
            "transactional": False,
            "open_tracking": True,
            "click_tracking": False,
            "perform_substitutions": False,
            "start_time": "2031-05-06T05:08:09+00:00",
        },
        "recipients": [
            {"address": {"email": email, "header_to": to}}
            for email in (*EVERYBODY, "dan@example.org")
        ],
        "content": {
            "from": {"email": "shop@example.com", "name": "The Shop"},
            "reply_to": "one@example.com, Two <two@example.com>",
            "subject": "Your order",
            "text": "It is on its way.\n",
            "html": RICH.html,
            "headers": {
                "Message-ID": "<rich@example.com>",
                "X-Order": "1234",
                "Cc": "Cat <cat@example.edu>",
            },
            "attachments": [
                {"name": "report.pdf", "type": "application/pdf", "data": "JVBERi0xLjQKJSVFT0YK"}
            ],
            "inline_images": [
                {
                    "name": "logo",
                    "type": "image/png",
                    "data": b64encode(RICH.attachments[1].read()).decode(),
                }
            ],
        },
        "campaign_id": "order",
        "metadata": {"order": "1234", "mailfailover-id": "rich"},
        "substitution_data": BRACES,
        "return_path": "bounces@example.com",
    }


def test_text_keeps_its_braces() -> None:
    """
    A mail that is no merge has no variables: its text stays, its headers are written so.
    """
    message = PLAIN.replace(text="{{#if x}}", subject="{{name}} {a}", headers={"X-A": "}}"})
    content = _body_of(message)["content"]

    assert (content["text"], content["subject"], content["headers"]["X-A"]) == (
        "{{#if x}}",
        "{{{mf_open}}}{{{mf_open}}}name{{{mf_close}}}{{{mf_close}}} {a}",
        "{{{mf_close}}}{{{mf_close}}}",
    )


def test_template() -> None:
    """
    A stored template has all but sender and recipients, and fills in the mail's data.
    """
    assert _body_of(SAMPLES["template"]) == {
        "options": {"transactional": True},
        "recipients": PLAIN_BODY["recipients"],
        "content": {"template_id": "welcome"},
        "override": {"from": {"email": "shop@example.com", "name": "The Shop"}},
        "metadata": {"mailfailover-id": "template"},
        "substitution_data": {"name": "Änne"},
    }


@each(
    ("fields", "feature"),
    [
        ({"subject": "Hello"}, "TEMPLATE_OVERRIDE"),
        ({"cc": "bob@example.net"}, "CC"),
        ({"headers": {"X-A": "1"}}, "HEADERS"),
        ({"attachments": Attachment("r.pdf", b"%PDF")}, "ATTACHMENTS"),
    ],
)
def test_what_a_template_replaces(fields: dict[str, Any], feature: str) -> None:
    """
    What the template would replace is refused before the call, by name.
    """
    with pytest.raises(UnsupportedFeature) as caught:
        SPARKPOST.build_request(SAMPLES["template"].replace(**fields))

    assert caught.value.features == (feature,)


def test_idempotency_key() -> None:
    """
    The key of a mail is a header of the call.
    """
    request = SPARKPOST.build_request(PLAIN.bound(idempotency_key=KEY))

    assert request.headers["Idempotency-Key"] == KEY


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
    A merge is one document with variables for each recipient, who sees only himself.
    """
    message = _merge(
        html="<b>{{name}}</b>",
        headers={"X-Name": "{{name}}"},
        merge_metadata={"ann@example.org": {"order": "7"}},
    )

    assert read_json(SPARKPOST.build_batch(message)) == {
        "options": {"transactional": True},
        "recipients": [
            {
                "address": {"email": "ann@example.org", "header_to": "Ann <ann@example.org>"},
                "substitution_data": {
                    "v_name": "Ann",
                    "v_name__html": "Ann",
                    "subject": "Hi Ann",
                    "header_0": "Ann",
                },
                "metadata": {"order": "7"},
            },
            {
                "address": {"email": "bob@example.net", "header_to": "bob@example.net"},
                "substitution_data": {
                    "v_name": "Bob & Sons",
                    "v_name__html": "Bob &amp; Sons",
                    "subject": "Hi Bob & Sons",
                    "header_0": "Bob & Sons",
                },
            },
        ],
        "content": {
            "from": {"email": "shop@example.com"},
            "subject": "{{{subject}}}",
            "text": "Dear {{{v_name}}}",
            "html": "<b>{{{v_name__html}}}</b>",
            "headers": {"X-Name": "{{{header_0}}}"},
        },
        "metadata": {"mailfailover-id": "merge"},
        "substitution_data": BRACES,
    }


OPEN, CLOSE = "{{{mf_open}}}", "{{{mf_close}}}"


@each(
    ("text", "written"),
    [
        ("{{#if x}} {{name}}", f"{OPEN}{OPEN}#if x{CLOSE}{CLOSE} {{{{{{v_name}}}}}}"),
        ("{{{name}}}", f"{OPEN}{{{{{{v_name}}}}}}{CLOSE}"),
        ("a{b} {{name}}", "a{b} {{{v_name}}}"),
    ],
)
def test_merge_keeps_its_braces(text: str, written: str) -> None:
    """
    What SparkPost would read in a text comes back as it stands.
    """
    message = _merge(text=text)

    assert read_json(SPARKPOST.build_batch(message))["content"]["text"] == written


def test_merge_template() -> None:
    """
    A stored template gets each recipient's data by its own names.
    """
    message = _merge(subject="", text="", template_id="welcome", template_data={"shop": "1"})
    body = read_json(SPARKPOST.build_batch(message))

    assert (body["content"], body["substitution_data"]) == (
        {"template_id": "welcome"},
        {"shop": "1"},
    )
    assert [{"name": "Ann"}, {"name": "Bob & Sons"}] == [
        one["substitution_data"] for one in body["recipients"]
    ]


def test_ping() -> None:
    """
    A ping reads a list of scheduled mails, which is empty.
    """
    request = SPARKPOST.build_ping()

    assert (
        "GET",
        "https://api.sparkpost.com/api/v1/transmissions?campaign_id=mailfailover-id",
        "secret-key",
    ) == (request.method, request.url, request.headers["Authorization"])


def test_region() -> None:
    """
    A region has a host of its own.
    """
    assert SparkPost(api_key="secret-key", region="eu").base_url == "https://api.eu.sparkpost.com"


def test_unknown_region() -> None:
    """
    A region that there is not is refused at once.
    """
    with pytest.raises(ConfigurationError, match="region of sparkpost is 'mars'"):
        SparkPost(api_key="secret-key", region="mars")


def test_options_are_laid_over() -> None:
    """
    Options extend what is there.
    """
    options = {"options": {"ip_pool": "main"}, "description": "Orders"}
    message = PLAIN.replace(provider_options={"sparkpost": options})

    assert _body_of(message) == {
        **PLAIN_BODY,
        "description": "Orders",
        "options": {"transactional": True, "perform_substitutions": False, "ip_pool": "main"},
    }


@each(
    ("options", "problem"),
    [
        ({"recipients": []}, "cannot set recipients: use"),
        ({"content": {"from": "eve@example.com"}}, "cannot set content.from: use"),
        ({"content": {"headers": {"X": "a\r\nBcc: b"}}}, "control character at"),
    ],
)
def test_options_stay_in_their_bounds(options: dict[str, Any], problem: str) -> None:
    """
    Options cannot change who gets the mail, nor break a line.
    """
    message = PLAIN.replace(provider_options={"sparkpost": options})

    with pytest.raises(InvalidMessage, match=problem):
        SPARKPOST.build_request(message)


def test_the_sender_of_a_template() -> None:
    """
    Sender and Reply-To take the place of the template's, braces in their names included.
    """
    message = SAMPLES["template"].replace(
        from_email=Address("shop@example.com", "{{Shop}}"), reply_to="help@example.com"
    )

    assert {
        "from": {"email": "shop@example.com", "name": "{{Shop}}"},
        "reply_to": "help@example.com",
    } == _body_of(message)["override"]


def test_a_tag_has_a_limit_of_bytes() -> None:
    """
    A campaign of more than 64 bytes is refused before the call.
    """
    assert "x" * 64 == _body_of(PLAIN.replace(tags="x" * 64))["campaign_id"]
    with pytest.raises(UnsupportedFeature) as caught:
        SPARKPOST.build_request(PLAIN.replace(tags="ä" * 33))

    assert ("TAGS",) == caught.value.features


def test_our_id_needs_room() -> None:
    """
    Metadata that fill the vendor's limit go without our id.
    """
    metadata = {"key": "x" * 10_220}

    assert metadata == _body_of(PLAIN.replace(metadata=metadata))["metadata"]
