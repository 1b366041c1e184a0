"""
Mailgun: what goes on the wire, and what its answers mean.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone
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
from mailfailover.plugin import Accepted, Attachment, Message, Response
from mailfailover.providers.mailgun import Mailgun
from mailfailover.testing import PLAIN, SAMPLES, ProviderContract
from mailfailover.testing._marked import fitting
from tests.providers.bodies import read_form
from tests.providers.specs import load_spec

MAILGUN = Mailgun(api_key="secret-key", domain="mg.example.com")
QUEUED = Response(200, {}, b'{"id": "<1.2@mg.example.com>", "message": "Queued. Thank you."}')


def refusal(status: int, text: str) -> Response:
    return Response(status, {}, json.dumps({"message": text}).encode())


NOT_ALLOWED = "Domain mg.example.com is not allowed to send: "
ERRORS: list[tuple[Response, type[SendError]]] = [
    (refusal(400, "to parameter is not a valid address. please check"), RecipientRejected),
    (refusal(400, "'cc' parameter is not a valid address."), RecipientRejected),
    (refusal(400, "'from' parameter is not a valid address."), SenderRefused),
    (refusal(400, "Header name must be pure ASCII"), MessageRejected),
    (refusal(400, "Send options (parameters ...) are limited to 16KB total"), UnsupportedFeature),
    (refusal(400, "from parameter is missing"), RequestRefused),
    (Response(401, {}, b'"Forbidden"'), AuthenticationFailed),
    (refusal(401, "Invalid private key"), AuthenticationFailed),
    (refusal(402, "Payment required"), AccountSuspended),
    (refusal(403, "Forbidden"), AuthenticationFailed),
    (refusal(403, NOT_ALLOWED + "Account disabled"), AccountSuspended),
    (refusal(403, NOT_ALLOWED + "Account Inactivity"), AccountSuspended),
    (refusal(403, "Your account is disabled. Please contact support."), AccountSuspended),
    (
        refusal(400, NOT_ALLOWED + "You are sending too fast. Your account is on probation"),
        AccountSuspended,
    ),
    (refusal(403, "The domain is unverified and requires DNS configuration."), SenderRefused),
    (refusal(403, NOT_ALLOWED + "Sandbox subdomains are for test purposes only."), SenderRefused),
    (refusal(403, NOT_ALLOWED + "Free accounts are for test purposes only."), SenderRefused),
    (refusal(400, NOT_ALLOWED + "recipient limit exceeded"), QuotaExceeded),
    (refusal(404, "Domain not found: mg.example.com"), SenderRefused),
    (refusal(404, "Not found"), RequestRefused),
    (refusal(413, "Message size exceeds the limit"), UnsupportedFeature),
    (refusal(429, NOT_ALLOWED + "account-requests-per-sec limit exceeded"), RateLimited),
    (refusal(429, "Too many requests"), RateLimited),
    (refusal(500, "Internal Server Error"), ProviderUnavailable),
    (refusal(503, "Service Unavailable"), ProviderUnavailable),
    (refusal(502, "Bad Gateway"), OutcomeUnknown),
]


class TestContract(ProviderContract):
    provider = MAILGUN
    accepted = QUEUED
    accepted_id = "<1.2@mg.example.com>"
    errors = ERRORS
    batch = [(QUEUED, (Accepted("<1.2@mg.example.com>"),) * 3)]


def fields_of(message: Message) -> list[tuple[str, Any]]:
    request = MAILGUN.build_batch(message) if message.is_merge else MAILGUN.build_request(message)
    return list(read_form(request))


def changed(plain: Message, message: Message) -> list[tuple[str, Any]]:
    before = fields_of(plain)
    return [field for field in fields_of(message) if field not in before]


def test_plain_mail():
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


def test_every_field():
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
    ] == changed(PLAIN, message)


def test_template():
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
    ] == fields_of(SAMPLES["template"])


def test_own_message_id_once():
    """
    The caller's Message-ID takes the place of ours.
    """
    names = [name.lower() for name, _ in fields_of(SAMPLES["own_message_id"])]

    assert ("h:Message-Id", "<own@example.com>") in fields_of(SAMPLES["own_message_id"])
    assert names.count("h:message-id") == 1


def test_eu():
    """
    The European region has a host of its own.
    """
    provider = Mailgun(api_key="secret-key", domain="mg.example.com", region="eu")

    assert (
        provider.build_request(PLAIN).url == "https://api.eu.mailgun.net/v3/mg.example.com/messages"
    )


def test_ping():
    """
    A ping reads the domain.
    """
    request = MAILGUN.build_ping()

    assert ("GET", "https://api.mailgun.net/v4/domains/mg.example.com", b"") == (
        request.method,
        request.url,
        request.body,
    )


def test_key_is_asked_for():
    """
    A callable key is asked at each request.
    """
    keys = iter(["one", "two"])
    provider = replace(MAILGUN, api_key=lambda: next(keys))

    assert ["Basic YXBpOm9uZQ==", "Basic YXBpOnR3bw=="] == [
        provider.build_request(PLAIN).headers["Authorization"] for _ in range(2)
    ]


@pytest.mark.parametrize("domain", ["", "..", "a/b", "mg.example.com/..", "a b", "a%2fb", "a\n"])
def test_domain_must_be_one(domain):
    """
    What would change the path of the call is no domain.
    """
    with pytest.raises(ConfigurationError, match="domain of mailgun is not a domain name"):
        Mailgun(api_key="secret-key", domain=domain)


def test_region_must_be_known():
    """
    An unknown region is refused when it is given.
    """
    with pytest.raises(ConfigurationError, match="region of mailgun is 'mars'"):
        Mailgun(api_key="secret-key", domain="mg.example.com", region="mars")


def optional(options: dict[str, Any]) -> list[tuple[str, Any]]:
    return changed(PLAIN, PLAIN.replace(provider_options={"mailgun": options}))


def test_options_are_fields():
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
    ] == optional(options)


def test_options_replace():
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
    ] == fields_of(message)


@pytest.mark.parametrize(
    "name", ["to", "From", "bcc", "h:Bcc", "recipient-variables", "attachment"]
)
def test_options_change_nobody(name):
    """
    Options cannot add a recipient or change the sender.
    """
    with pytest.raises(InvalidMessage, match=f"cannot set {name.lower()}: use the message's own"):
        optional({name: "eve@example.com"})


@pytest.mark.parametrize("options", [{"h:X\r\nBcc": "a"}, {"h:X": "a\r\nBcc: b"}])
def test_options_break_no_line(options):
    """
    A line break is refused in a name, and in a value that is no text of many lines.
    """
    with pytest.raises(InvalidMessage, match="has a control character"):
        optional(options)


def merge(**fields: Any) -> Message:
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


def sets_of(message: Message) -> Any:
    return json.loads(dict(fields_of(message))["recipient-variables"])


def test_merge():
    """
    A merge is one form; each recipient has variables of his own.
    """
    message = merge(html="<b>{{name}}</b>")

    assert [
        ("from", "shop@example.com"),
        ("to", "Ann <ann@example.org>"),
        ("to", "bob@example.net"),
        ("subject", "Hi %recipient.name%"),
        ("text", "Dear %recipient.name%"),
        ("html", "<b>%recipient.name__html%</b>"),
        ("v:mailfailover-id", "merge"),
    ] == fields_of(message)[:-1]
    assert {
        "ann@example.org": {"name": "Ann", "name__html": "Ann"},
        "bob@example.net": {"name": "Bob & Sons", "name__html": "Bob &amp; Sons"},
    } == sets_of(message)


def test_merge_keeps_the_vendors_words():
    """
    What looks like a placeholder of Mailgun's comes back as it stands in the text.
    """
    message = merge(subject="Hi", text="%recipient.name% %recipient% {{name}}")

    assert dict(fields_of(message))["text"] == (
        "%recipient.text:0%.name% %recipient.text:0%% %recipient.name%"
    )
    assert [
        {"name": "Ann", "text:0": "%recipient"},
        {"name": "Bob & Sons", "text:0": "%recipient"},
    ] == list(sets_of(message).values())


def test_merge_headers():
    """
    A header that differs is a variable, one that does not stands as it is.
    """
    message = merge(
        subject="Hi",
        text="Hello",
        headers={"X-Shop": "1"},
        unsubscribe="https://example.com/u?n={{name}}",
    )

    assert [
        ("h:X-Shop", "1"),
        ("h:List-Unsubscribe", "%recipient.h:1%"),
        ("h:List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    ] == [field for field in fields_of(message) if field[0].startswith("h:")]
    assert {
        "ann@example.org": {"h:1": "<https://example.com/u?n=Ann>"},
        "bob@example.net": {"h:1": "<https://example.com/u?n=Bob%20%26%20Sons>"},
    } == sets_of(message)


def test_merge_metadata():
    """
    Metadata that one recipient lacks is empty for him.
    """
    message = merge(
        subject="Hi",
        text="Hello",
        metadata={"shop": "1"},
        merge_metadata={"ann@example.org": {"order": "7"}},
    )

    assert [("v:shop", "1"), ("v:order", "%recipient.v:1%"), ("v:mailfailover-id", "merge")] == [
        field for field in fields_of(message) if field[0].startswith("v:")
    ]
    assert {"ann@example.org": {"v:1": "7"}, "bob@example.net": {"v:1": ""}} == sets_of(message)


def test_merge_template():
    """
    A template's data in a merge are user variables.
    """
    message = merge(
        subject="Hi", text="", template_id="welcome", template_data={"shop": [1], "x": "y"}
    )

    assert [
        ("template", "welcome"),
        ("v:shop", "[1]"),
        ("v:x", "y"),
        ("v:name", "%recipient.v:2%"),
        ("v:mailfailover-id", "merge"),
    ] == fields_of(message)[4:-1]
    assert {"ann@example.org": {"v:2": "Ann"}, "bob@example.net": {"v:2": "Bob & Sons"}} == sets_of(
        message
    )


def test_merge_template_and_metadata_of_one_name():
    """
    What the vendor would mix up is refused before the call.
    """
    message = merge(text="", template_id="welcome", metadata={"name": "x"})

    with pytest.raises(UnsupportedFeature, match="share a name") as caught:
        MAILGUN.build_batch(message)
    assert caught.value.features == ("TEMPLATES",)


def test_wrong_url():
    """
    A greeting is no success: nothing was sent, and the set-up is to blame.
    """
    with pytest.raises(RequestRefused, match="check base_url, region and domain"):
        MAILGUN.parse_response(Response(200, {}, b"Mailgun Magnificent API"), PLAIN)


@pytest.mark.parametrize(
    "body",
    [b'{"id": "1"}', b'{"message": "Queued."}', b'{"id": "1", "message": "Hello"}', b"<html>"],
)
def test_other_success_is_unknown(body):
    """
    A success that does not say "Queued" may be one or not.
    """
    with pytest.raises(OutcomeUnknown, match="HTTP 200: unreadable answer"):
        MAILGUN.parse_response(Response(200, {}, body), PLAIN)


def test_seconds_in_words():
    """
    Where no header names it, the time to wait is read from the text.
    """
    answer = refusal(429, NOT_ALLOWED + "limit exceeded, try again after 120 seconds")

    assert MAILGUN.classify_error(answer, PLAIN).retry_after == 120.0


def test_header_goes_first():
    """
    A Retry-After header counts more than the text.
    """
    answer = Response(429, {"Retry-After": "5"}, b'{"message": "try again after 120 seconds"}')

    assert MAILGUN.classify_error(answer, PLAIN).retry_after == 5.0


@pytest.mark.parametrize("name", fitting(SAMPLES, Mailgun.capabilities))
def test_vendor_description(name):
    """
    Each form is one that the vendor's description of the API allows.
    """
    spec = load_spec(
        "mailgun",
        "/components/schemas/POST-v3-domain_name-messages-multipart-form-data-RequestBody",
    )
    form: dict[str, Any] = {"subject": ""}  # the description wants one with a template too
    for field, value in fields_of(fitting(SAMPLES, Mailgun.capabilities)[name]):
        if spec.schema["properties"].get(field, {}).get("type") == "array":
            form.setdefault(field, []).append(value if isinstance(value, str) else value[2].hex())
        else:
            assert form.get(field, "") == ""
            form[field] = value

    assert [] == spec.problems(form)
