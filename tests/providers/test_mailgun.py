"""
Mailgun: what goes on the wire, and what its answers mean.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from mailfailover.errors import (
    AccountSuspended,
    AuthenticationFailed,
    ConfigurationError,
    InvalidMessage,
    MessageRejected,
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
from mailfailover.providers.mailgun import Mailgun
from mailfailover.testing import PLAIN, SAMPLES, ProviderContract, WebhookContract
from mailfailover.testing._marked import fitting
from tests.providers.bodies import read_blind, read_form, read_mime
from tests.providers.round_trip import RoundTrip
from tests.providers.signing import GOLDEN, sign_mailgun
from tests.providers.specs import load_spec
from tests.samples import each

MAILGUN = Mailgun(api_key="secret-key", domain="mg.example.com", webhook_signing_key="secret-hook")
QUEUED = Response(200, {}, b'{"id": "<1.2@mg.example.com>", "message": "Queued. Thank you."}')


def _refusal(status: int, text: str) -> Response:
    return Response(status, {}, json.dumps({"message": text}).encode())


NOT_ALLOWED = "Domain mg.example.com is not allowed to send: "
ERRORS: list[tuple[Response, type[SendError]]] = [
    (_refusal(400, "to parameter is not a valid address. please check"), RecipientRejected),
    (_refusal(400, "'cc' parameter is not a valid address."), RecipientRejected),
    (_refusal(400, "'from' parameter is not a valid address."), SenderRefused),
    (_refusal(400, "Header name must be pure ASCII"), MessageRejected),
    (_refusal(400, "Send options (parameters ...) are limited to 16KB total"), UnsupportedFeature),
    (_refusal(400, "from parameter is missing"), RequestRefused),
    (Response(401, {}, b'"Forbidden"'), AuthenticationFailed),
    (_refusal(401, "Invalid private key"), AuthenticationFailed),
    (_refusal(402, "Payment required"), AccountSuspended),
    (_refusal(403, "Forbidden"), AuthenticationFailed),
    (_refusal(403, NOT_ALLOWED + "Account disabled"), AccountSuspended),
    (_refusal(403, NOT_ALLOWED + "Account Inactivity"), AccountSuspended),
    (_refusal(403, "Your account is disabled. Please contact support."), AccountSuspended),
    (
        _refusal(400, NOT_ALLOWED + "You are sending too fast. Your account is on probation"),
        AccountSuspended,
    ),
    (_refusal(403, "The domain is unverified and requires DNS configuration."), SenderRefused),
    (_refusal(403, NOT_ALLOWED + "Sandbox subdomains are for test purposes only."), SenderRefused),
    (_refusal(403, NOT_ALLOWED + "Free accounts are for test purposes only."), SenderRefused),
    (_refusal(400, NOT_ALLOWED + "recipient limit exceeded"), QuotaExceeded),
    (_refusal(404, "Domain not found: mg.example.com"), SenderRefused),
    (_refusal(404, "Not found"), RequestRefused),
    (_refusal(413, "Message size exceeds the limit"), UnsupportedFeature),
    (_refusal(429, NOT_ALLOWED + "account-requests-per-sec limit exceeded"), RateLimited),
    (_refusal(429, "Too many requests"), RateLimited),
    (_refusal(500, "Internal Server Error"), ProviderUnavailable),
    (_refusal(503, "Service Unavailable"), ProviderUnavailable),
    (_refusal(502, "Bad Gateway"), OutcomeUnknown),
]


class TestContract(ProviderContract):
    provider = MAILGUN
    accepted = QUEUED
    accepted_id = "<1.2@mg.example.com>"
    errors = ERRORS
    batch = ((QUEUED, (Accepted("<1.2@mg.example.com>"),) * 3),)


class TestWebhooks(WebhookContract):
    provider = MAILGUN
    golden = GOLDEN / "mailgun"
    secrets = ("webhook_signing_key",)
    covers_body = False
    window = 9 * 3600

    sign = staticmethod(sign_mailgun)


class Form:
    """
    The fields of a form by name, as they are for one recipient of a merge.
    """

    def __init__(self, request: HTTPRequest, rcpt: str = "") -> None:
        self.fields = read_form(request)
        sets = json.loads(str(dict(self.fields).get("recipient-variables", "{}")))
        self.variables: dict[str, str] | None = sets.get(rcpt)

    def all(self, name: str) -> list[Any]:
        return [self._filled(value) for key, value in self.fields if key == name]

    def one(self, name: str) -> Any:
        return next(iter(self.all(name)), "")

    def prefixed(self, prefix: str) -> dict[str, str]:
        keys = [key for key, _ in self.fields if key.startswith(prefix)]
        return {key.removeprefix(prefix): self.one(key) for key in keys}

    def _filled(self, value: Any) -> Any:
        variables = self.variables
        if variables is None or not isinstance(value, str):
            return value
        return re.sub(r"%recipient\.([^%]+)%", lambda m: variables[m[1]], value)


def _line(values: list[str]) -> tuple[Address, ...]:
    return PLAIN.replace(to=", ".join(values)).to if values else ()


def _read(form: Form, **people: Any) -> dict[str, Any]:
    headers = form.prefixed("h:")
    reply_to = headers.pop("Reply-To", "")
    if "own@" not in headers.get("Message-Id", ""):
        headers.pop("Message-Id", None)
    # Metadata of other recipients of a merge are empty for one who lacks them.
    metadata = {name: value for name, value in form.prefixed("v:").items() if value}
    del metadata["mailfailover-id"]
    when, files, images = form.one("o:deliverytime"), form.all("attachment"), form.all("inline")
    on = {"yes": True, "no": False, "": None}
    return {
        "from_email": Address.parse(form.one("from")),
        **{kind: _line(form.all(kind)) for kind in ("to", "cc", "bcc")},
        "reply_to": _line([reply_to] if reply_to else []),
        **{name: form.one(name) for name in ("subject", "text", "html")},
        "headers": headers,
        "attachments": [
            *(Attachment(name, content, kind) for name, kind, content in files),
            *(Attachment("logo.png", content, kind, name) for name, kind, content in images),
        ],
        "tags": form.all("o:tag"),
        "metadata": metadata,
        "track_opens": on[form.one("o:tracking-opens")],
        "track_clicks": on[form.one("o:tracking-clicks")],
        "send_at": parsedate_to_datetime(when) if when else None,
        "template_id": form.one("template"),
        "template_data": json.loads(form.one("t:variables") or "{}"),
        **people,
    }


def _read_mime(form: Form) -> dict[str, Any]:
    fields = read_mime(form.one("message")[2])
    return read_blind(fields, tuple(one.email for one in _line(form.all("to"))))


class TestRoundTrip(RoundTrip):
    provider = MAILGUN

    def decode(self, request: HTTPRequest) -> dict[str, Any]:
        form = Form(request)
        return _read_mime(form) if request.url.endswith(".mime") else _read(form)

    def decode_batch(self, request: HTTPRequest) -> list[dict[str, Any]]:
        everybody = _line(Form(request).all("to"))
        return [_read(Form(request, one.email), to=one) for one in everybody]


def _fields_of(message: Message) -> list[tuple[str, Any]]:
    request = MAILGUN.build_batch(message) if message.is_merge else MAILGUN.build_request(message)
    return list(read_form(request))


def _changed(plain: Message, message: Message) -> list[tuple[str, Any]]:
    before = _fields_of(plain)
    return [field for field in _fields_of(message) if field not in before]


def test_plain_mail() -> None:
    """
    A mail is a form, sent to its domain with the key as a password.
    """
    request = MAILGUN.build_request(PLAIN)

    assert ("POST", "https://api.mailgun.net/v3/mg.example.com/messages") == (
        request.method,
        request.url,
    )
    assert request.headers["Authorization"] == "Basic YXBpOnNlY3JldC1rZXk="
    assert [
        ("from", "The Shop <shop@example.com>"),
        ("to", "Ann <ann@example.org>"),
        ("subject", "Your order"),
        ("text", "It is on its way.\n"),
        ("h:Message-Id", "<plain@example.com>"),
        ("v:mailfailover-id", "plain"),
    ] == read_form(request)


def test_every_field() -> None:
    """
    Each field of a message has its field of the form.
    """
    message = PLAIN.replace(
        cc='"Hara, Bob" <bob@example.net>',
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
        unsubscribe="https://example.com/u",
    )

    assert [
        ("cc", '"Hara, Bob" <bob@example.net>'),
        ("bcc", "cat@example.edu"),
        ("html", "<p>It is</p>"),
        ("attachment", ("r.pdf", "application/pdf", b"%PDF")),
        ("inline", ("logo", "image/png", b"PNG")),
        ("h:Reply-To", "one@example.com, Two <two@example.com>"),
        ("o:tag", "a"),
        ("o:tag", "b"),
        ("o:tracking-opens", "yes"),
        ("o:tracking-clicks", "no"),
        ("o:deliverytime", "Tue, 06 May 2031 05:08:09 +0000"),
        ("h:X-Order", "1234"),
        ("h:List-Unsubscribe", "<https://example.com/u>"),
        ("h:List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        ("v:order", "1234"),
    ] == _changed(PLAIN, message)


@pytest.mark.parametrize("name", ['the "final".txt', "a\\b.txt"])
def test_file_names_that_a_form_cannot_say(name: str) -> None:
    """
    A mail goes as MIME where the vendor may read a file's name otherwise than it was meant.
    """
    mail = PLAIN.replace(attachments=Attachment(name, b"text"))

    request = MAILGUN.build_request(mail)

    found = read_mime(Form(request).one("message")[2])
    assert request.url.endswith("/v3/mg.example.com/messages.mime")
    assert [name] == [one.filename for one in found["attachments"]]


def test_such_file_names_in_a_merge() -> None:
    """
    A batch is a form: the mails of such a merge go one by one.
    """
    with pytest.raises(UnsupportedFeature) as caught:
        MAILGUN.build_batch(_merge(attachments=Attachment('the "final".txt', b"text")))

    assert caught.value.features == ("MERGE",)


def test_template() -> None:
    """
    A stored template goes by its name, its data as one JSON document.
    """
    assert [
        ("from", "The Shop <shop@example.com>"),
        ("to", "Ann <ann@example.org>"),
        ("template", "welcome"),
        ("h:Message-Id", "<template@example.com>"),
        ("v:mailfailover-id", "template"),
        ("t:variables", '{"name": "Änne"}'),
    ] == _fields_of(SAMPLES["template"])


def test_own_message_id_once() -> None:
    """
    The caller's Message-ID takes the place of ours.
    """
    names = [name.lower() for name, _ in _fields_of(SAMPLES["own_message_id"])]

    assert ("h:Message-Id", "<own@example.com>") in _fields_of(SAMPLES["own_message_id"])
    assert names.count("h:message-id") == 1


def test_eu() -> None:
    """
    The European region has a host of its own.
    """
    provider = Mailgun(api_key="secret-key", domain="mg.example.com", region="eu")

    assert (
        provider.build_request(PLAIN).url == "https://api.eu.mailgun.net/v3/mg.example.com/messages"
    )


def test_ping() -> None:
    """
    A ping reads the domain.
    """
    request = MAILGUN.build_ping()

    assert ("GET", "https://api.mailgun.net/v4/domains/mg.example.com", b"") == (
        request.method,
        request.url,
        request.body,
    )


def test_key_is_asked_for() -> None:
    """
    A callable key is asked at each request.
    """
    keys = iter(["one", "two"])
    provider = replace(MAILGUN, api_key=lambda: next(keys))

    assert ["Basic YXBpOm9uZQ==", "Basic YXBpOnR3bw=="] == [
        provider.build_request(PLAIN).headers["Authorization"] for _ in range(2)
    ]


@each("domain", ["", "..", "a/b", "mg.example.com/..", "a b", "a%2fb", "a\n"])
def test_domain_must_be_one(domain: str) -> None:
    """
    What would change the path of the call is no domain.
    """
    with pytest.raises(ConfigurationError, match="domain of mailgun is not a domain name"):
        Mailgun(api_key="secret-key", domain=domain)


def test_region_must_be_known() -> None:
    """
    An unknown region is refused when it is given.
    """
    with pytest.raises(ConfigurationError, match="region of mailgun is 'mars'"):
        Mailgun(api_key="secret-key", domain="mg.example.com", region="mars")


def _optional(options: dict[str, Any]) -> list[tuple[str, Any]]:
    return _changed(PLAIN, PLAIN.replace(provider_options={"mailgun": options}))


def test_options_are_fields() -> None:
    """
    Options are raw fields; a list is several of one name.
    """
    options = {"o:testmode": True, "o:tag": ["a", "b"], "o:x": 3, "h:X-Y": {"a": 1}}

    assert [
        ("o:testmode", "yes"),
        ("o:tag", "a"),
        ("o:tag", "b"),
        ("o:x", "3"),
        ("h:X-Y", '{"a": 1}'),
    ] == _optional(options)


def test_options_replace() -> None:
    """
    An option replaces our field of that name, in whatever case; None takes it away.
    """
    message = PLAIN.replace(provider_options={"mailgun": {"text": "a\nb", "h:message-id": None}})

    assert [
        ("from", "The Shop <shop@example.com>"),
        ("to", "Ann <ann@example.org>"),
        ("subject", "Your order"),
        ("v:mailfailover-id", "plain"),
        ("text", "a\nb"),
    ] == _fields_of(message)


@each("name", ["to", "From", "bcc", "h:Bcc", "recipient-variables", "attachment"])
def test_options_change_nobody(name: str) -> None:
    """
    Options cannot add a recipient or change the sender.
    """
    with pytest.raises(InvalidMessage, match=f"cannot set {name.lower()}: use the message's own"):
        _optional({name: "eve@example.com"})


@pytest.mark.parametrize("options", [{"h:X\r\nBcc": "a"}, {"h:X": "a\r\nBcc: b"}])
def test_options_break_no_line(options: dict[str, Any]) -> None:
    """
    A line break is refused in a name, and in a value that is no text of many lines.
    """
    with pytest.raises(InvalidMessage, match="has a control character"):
        _optional(options)


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


def _sets_of(message: Message) -> Any:
    return json.loads(dict(_fields_of(message))["recipient-variables"])


def test_merge() -> None:
    """
    A merge is one form; each recipient has variables of his own.
    """
    message = _merge(html="<b>{{name}}</b>")

    assert [
        ("from", "shop@example.com"),
        ("to", "Ann <ann@example.org>, bob@example.net"),
        ("subject", "Hi %recipient.name%"),
        ("text", "Dear %recipient.name%"),
        ("html", "<b>%recipient.name__html%</b>"),
        ("v:mailfailover-id", "merge"),
    ] == _fields_of(message)[:-1]
    assert {
        "ann@example.org": {"name": "Ann", "name__html": "Ann"},
        "bob@example.net": {"name": "Bob & Sons", "name__html": "Bob &amp; Sons"},
    } == _sets_of(message)


def test_merge_keeps_the_vendors_words() -> None:
    """
    What looks like a placeholder of Mailgun's comes back as it stands in the text.
    """
    message = _merge(subject="Hi", text="%recipient.name% %recipient% {{name}}")

    assert dict(_fields_of(message))["text"] == (
        "%recipient.text:0%.name% %recipient.text:0%% %recipient.name%"
    )
    assert [
        {"name": "Ann", "text:0": "%recipient"},
        {"name": "Bob & Sons", "text:0": "%recipient"},
    ] == list(_sets_of(message).values())


def test_merge_headers() -> None:
    """
    A header that differs is a variable, one that does not stands as it is.
    """
    message = _merge(
        subject="Hi",
        text="Hello",
        headers={"X-Shop": "1"},
        unsubscribe="https://example.com/u?n={{name}}",
    )

    assert [
        ("h:X-Shop", "1"),
        ("h:List-Unsubscribe", "%recipient.h:1%"),
        ("h:List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    ] == [field for field in _fields_of(message) if field[0].startswith("h:")]
    assert {
        "ann@example.org": {"h:1": "<https://example.com/u?n=Ann>"},
        "bob@example.net": {"h:1": "<https://example.com/u?n=Bob%20%26%20Sons>"},
    } == _sets_of(message)


def test_merge_metadata() -> None:
    """
    Metadata that one recipient lacks is empty for him.
    """
    message = _merge(
        subject="Hi",
        text="Hello",
        metadata={"shop": "1"},
        merge_metadata={"ann@example.org": {"order": "7"}},
    )

    assert [("v:shop", "1"), ("v:order", "%recipient.v:1%"), ("v:mailfailover-id", "merge")] == [
        field for field in _fields_of(message) if field[0].startswith("v:")
    ]
    assert {"ann@example.org": {"v:1": "7"}, "bob@example.net": {"v:1": ""}} == _sets_of(message)


def test_merge_template() -> None:
    """
    A template's data in a merge are user variables.
    """
    message = _merge(
        subject="Hi", text="", template_id="welcome", template_data={"shop": [1], "x": "y"}
    )

    assert [
        ("template", "welcome"),
        ("v:shop", "[1]"),
        ("v:x", "y"),
        ("v:name", "%recipient.v:2%"),
        ("v:mailfailover-id", "merge"),
    ] == _fields_of(message)[3:-1]
    assert {
        "ann@example.org": {"v:2": "Ann"},
        "bob@example.net": {"v:2": "Bob & Sons"},
    } == _sets_of(message)


def test_merge_template_and_metadata_of_one_name() -> None:
    """
    What the vendor would mix up is refused before the call.
    """
    message = _merge(text="", template_id="welcome", metadata={"name": "x"})

    with pytest.raises(UnsupportedFeature, match="share a name") as caught:
        MAILGUN.build_batch(message)
    assert caught.value.features == ("MERGE", "TEMPLATES")


def test_wrong_url() -> None:
    """
    A greeting is no success: nothing was sent, and the set-up is to blame.
    """
    with pytest.raises(RequestRefused, match="check base_url, region and domain"):
        MAILGUN.parse_response(Response(200, {}, b"Mailgun Magnificent API"), PLAIN)


@each(
    "body",
    [b'{"id": "1"}', b'{"message": "Queued."}', b'{"id": "1", "message": "Hello"}', b"<html>"],
)
def test_other_success_is_unknown(body: bytes) -> None:
    """
    A success that does not say "Queued" may be one or not.
    """
    with pytest.raises(OutcomeUnknown, match="HTTP 200: unreadable answer"):
        MAILGUN.parse_response(Response(200, {}, body), PLAIN)


def test_seconds_in_words() -> None:
    """
    Where no header names it, the time to wait is read from the text.
    """
    answer = _refusal(429, NOT_ALLOWED + "limit exceeded, try again after 120 seconds")

    assert MAILGUN.classify_error(answer, PLAIN).retry_after == 120.0


def test_header_goes_first() -> None:
    """
    A Retry-After header counts more than the text.
    """
    answer = Response(429, {"Retry-After": "5"}, b'{"message": "try again after 120 seconds"}')

    assert MAILGUN.classify_error(answer, PLAIN).retry_after == 5.0


DESCRIBED = [*fitting(SAMPLES, Mailgun.capabilities)]
DESCRIBED.remove("quote_in_file_name")  # goes as MIME, see above


@each("name", DESCRIBED)
def test_vendor_description(name: str) -> None:
    """
    Each form is one that the vendor's description of the API allows.
    """
    spec = load_spec(
        "mailgun",
        "/components/schemas/POST-v3-domain_name-messages-multipart-form-data-RequestBody",
    )
    form: dict[str, Any] = {"subject": ""}  # the description wants one with a template too
    for field, value in _fields_of(fitting(SAMPLES, Mailgun.capabilities)[name]):
        if spec.schema["properties"].get(field, {}).get("type") == "array":
            form.setdefault(field, []).append(value if isinstance(value, str) else value[2].hex())
        else:
            assert form.get(field, "") == ""
            form[field] = value

    assert [] == spec.problems(form)
