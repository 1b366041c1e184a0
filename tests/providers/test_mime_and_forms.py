"""
Mails that go as they are, and forms of the text beyond text and HTML, at each vendor.
"""

from __future__ import annotations

import base64
import email
import json
from email import policy
from typing import TYPE_CHECKING, Any

import pytest

from mailfailover import Alternative, Feature, Message, UnsupportedFeature
from mailfailover.providers.cloudflare import Cloudflare
from mailfailover.providers.gmail import Gmail
from mailfailover.providers.mailgun import Mailgun
from mailfailover.providers.mandrill import Mandrill
from mailfailover.providers.msgraph import MSGraph
from mailfailover.providers.postal import Postal
from mailfailover.providers.sendgrid import SendGrid
from mailfailover.providers.ses import SES
from mailfailover.providers.smtp import SMTP
from mailfailover.providers.smtp2go import SMTP2GO
from mailfailover.providers.sparkpost import SparkPost
from mailfailover.testing._wire_text import body_bytes
from tests.providers.bodies import read_form
from tests.samples import each

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailfailover.plugin import HTTPRequest, SMTPRequest

PROVIDERS: dict[str, Any] = {
    "smtp": SMTP(host="mail.example.com"),
    "ses": SES(access_key_id="a", secret_access_key="b"),
    "mailgun": Mailgun(api_key="k", domain="example.com"),
    "mandrill": Mandrill(api_key="k"),
    "sparkpost": SparkPost(api_key="k"),
    "postal": Postal(api_key="k", base_url="https://postal.example.com"),
    "gmail": Gmail(access_token="t"),
    "msgraph": MSGraph(access_token="t"),
    "cloudflare": Cloudflare(api_token="t", account_id="0" * 32),
    "smtp2go": SMTP2GO(api_key="k"),
}
RAW = (
    b"From: Shop <shop@example.com>\r\nTo: a@example.org\r\nBcc: secret@example.org\r\n"
    b"Subject: =?utf-8?q?=C3=BC?=\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/signed; protocol="application/pgp-signature"; boundary=b\r\n\r\n'
    b"--b\r\nContent-Type: text/plain; format=flowed; charset=utf-8\r\n\r\n"
    b".dot \xc3\xbc\r\n-- \r\n\r\n"
    b"--b\r\nContent-Type: application/pgp-signature\r\n\r\nx\r\n--b--\r\n"
)
SENT = RAW.replace(b"Bcc: secret@example.org\r\n", b"")


def written(request: HTTPRequest) -> bytes:
    """
    The body of a request as it goes over the wire.
    """
    return body_bytes(request.body)


def field(*names: str) -> Callable[[HTTPRequest], bytes]:
    """
    A reader of a field of JSON that holds the mail in base64.
    """

    def read(request: HTTPRequest) -> bytes:
        found = json.loads(written(request))
        for name in names:
            found = found[name]
        return base64.b64decode(found)

    return read


def text(*names: str) -> Callable[[HTTPRequest], bytes]:
    """
    A reader of a field of JSON that holds the mail as text.
    """

    def read(request: HTTPRequest) -> bytes:
        found = json.loads(written(request))
        for name in names:
            found = found[name]
        return str(found).encode()

    return read


def upload(request: HTTPRequest) -> bytes:
    """
    The second part of a multipart/related.
    """
    _, _, rest = written(request).partition(b"Content-Type: message/rfc822\r\n\r\n")
    boundary = request.headers["Content-Type"].partition("boundary=")[2]
    return rest.partition(f"\r\n--{boundary}".encode())[0]


def form(request: HTTPRequest) -> bytes:
    """
    The file of a form.
    """
    _, _, rest = written(request).partition(b"Content-Type: message/rfc822\r\n\r\n")
    boundary = request.headers["Content-Type"].partition("boundary=")[2]
    return rest.partition(f"\r\n--{boundary}".encode())[0]


READ: dict[str, Callable[[Any], bytes]] = {
    "smtp": lambda request: request.data,
    "ses": field("Content", "Raw", "Data"),
    "mailgun": form,
    "mandrill": text("raw_message"),
    "sparkpost": text("content", "email_rfc822"),
    "postal": field("data"),
    "gmail": upload,
    "msgraph": lambda request: base64.b64decode(written(request)),
    "cloudflare": text("mime_message"),
    "smtp2go": field("mime_email"),
}
ADDED = {"mandrill": b'X-MC-Metadata: {"mailfailover-id": "m1"}\r\nX-MC-Track: none\r\n'}
"""What a vendor reads and takes out, above the mail's own header."""


def raw(**fields: Any) -> Message:
    """
    The signed mail, to whom its header names.
    """
    return Message.from_mime(RAW, **{"to": "a@example.org", "id": "m1"} | fields)


@each("name", PROVIDERS)
def test_bytes_stay_as_they_are(name: str) -> None:
    """
    What is signed arrives byte for byte, and a Bcc header never leaves.
    """
    request = PROVIDERS[name].build_request(raw())

    assert ADDED.get(name, b"") + SENT == READ[name](request)
    assert b"secret@" not in (request.data if name == "smtp" else written(request))


@each("name", PROVIDERS)
def test_feature_is_declared(name: str) -> None:
    """
    Those that take MIME say so.
    """
    assert Feature.MIME in PROVIDERS[name].capabilities.features


def envelope(name: str, request: Any) -> set[str]:
    """
    Whom the vendor is told to send to.
    """
    if name == "smtp":
        return set(request.recipients)
    if name == "mailgun":
        return set(str(dict(read_form(request))["to"]).split(", "))
    body = json.loads(written(request))
    found: dict[str, Callable[[], list[str]]] = {
        "ses": lambda: body["Destination"]["ToAddresses"],
        "mandrill": lambda: body["to"],
        "sparkpost": lambda: [one["address"]["email"] for one in body["recipients"]],
        "postal": lambda: body["rcpt_to"],
        "cloudflare": lambda: body["recipients"],
    }
    return set(found[name]())


@each("name", ["smtp", "mailgun", "ses", "mandrill", "sparkpost", "postal", "cloudflare"])
def test_envelope_decides_who_gets_it(name: str) -> None:
    """
    Whatever its header says.
    """
    request = PROVIDERS[name].build_request(raw(to="x@example.org, y@example.org"))

    assert {"x@example.org", "y@example.org"} == envelope(name, request)


@pytest.mark.parametrize("name", ["gmail", "msgraph"])
def test_others_of_the_envelope_are_hidden(name: str) -> None:
    """
    A vendor that sends to whom the header names is told of the others by a Bcc that it removes.
    """
    request = PROVIDERS[name].build_request(raw(to="A@example.org, x@example.org"))

    assert b"Bcc: x@example.org\r\n" + SENT == READ[name](request)


@each(
    ("name", "to"),
    [
        ("gmail", "x@example.org"),
        ("msgraph", "x@example.org"),
        ("smtp2go", "x@example.org"),
        ("smtp2go", "a@example.org, x@example.org"),
    ],
)
def test_header_that_names_others_is_refused(name: str, to: str) -> None:
    """
    Nobody gets a mail who is not meant to.
    """
    with pytest.raises(UnsupportedFeature, match="they differ") as raised:
        PROVIDERS[name].build_request(raw(to=to))

    assert ("MIME",) == raised.value.features


@each("name", ["mandrill", "sparkpost", "cloudflare"])
def test_bytes_that_json_cannot_hold_are_refused(name: str) -> None:
    """
    A string has characters, no bytes.
    """
    message = Message.from_mime(SENT.replace(b"\xc3\xbc", b"\xfc"), to="a@example.org")

    with pytest.raises(UnsupportedFeature, match="in 8 bits and no UTF-8"):
        PROVIDERS[name].build_request(message)


def test_braces_are_refused_by_sparkpost() -> None:
    """
    It would fill them in.
    """
    message = Message.from_mime(SENT.replace(b".dot", b"{{x}}"), to="a@example.org")

    with pytest.raises(UnsupportedFeature, match="two braces"):
        PROVIDERS["sparkpost"].build_request(message)


def test_tags_and_tracking_travel_beside_the_bytes() -> None:
    """
    Each vendor has its own place for them.
    """
    message = raw(tags=["order"], metadata={"a": "1"}, track_clicks=True)

    sent = {name: PROVIDERS[name].build_request(message) for name in ("mailgun", "mandrill", "ses")}

    form_fields = read_form(sent["mailgun"])
    assert [("o:tag", "order"), ("o:tracking-clicks", "yes"), ("v:a", "1")] == sorted(
        pair for pair in form_fields if pair[0] in ("o:tag", "o:tracking-clicks", "v:a")
    )
    assert "o:tracking" not in dict(form_fields)
    assert READ["mandrill"](sent["mandrill"]).startswith(
        b'X-MC-Metadata: {"a": "1", "mailfailover-id": "m1"}\r\n'
        b"X-MC-Tags: order\r\nX-MC-Track: clicks\r\nFrom:"
    )
    assert {"Name": "a", "Value": "1"} in json.loads(written(sent["ses"]))["EmailTags"]


def test_tag_of_postal_stands_above() -> None:
    """
    Postal reads it from a header.
    """
    request = PROVIDERS["postal"].build_request(raw(tags=["order"]))

    assert b"X-Postal-Tag: order\r\n" + SENT == READ["postal"](request)


def test_tracking_is_off_where_it_is_not_asked_for() -> None:
    """
    It would change the bytes.
    """
    mailgun = dict(read_form(PROVIDERS["mailgun"].build_request(raw())))
    sparkpost = json.loads(written(PROVIDERS["sparkpost"].build_request(raw())))

    assert "no" == mailgun["o:tracking"]
    assert {"transactional": True, "open_tracking": False, "click_tracking": False} == sparkpost[
        "options"
    ]


@pytest.mark.parametrize(("tags", "problem"), [(["a,b"], "comma"), (["ü"], "beyond ASCII")])
def test_tags_that_mandrill_cannot_write_are_refused(tags: list[str], problem: str) -> None:
    """
    In a header they are joined by commas.
    """
    with pytest.raises(UnsupportedFeature, match=problem):
        PROVIDERS["mandrill"].build_request(raw(tags=tags))


INVITATION = Message(
    "a@example.org",
    bcc="secret@example.org",
    from_email="shop@example.com",
    subject="Lunch",
    text="Lunch at noon",
    html="<p>Lunch at noon",
    alternatives=[
        Alternative("text/calendar; method=REQUEST", "BEGIN:VCALENDAR\nEND:VCALENDAR\n"),
        Alternative("text/x-amp-html", "<!doctype html><html ⚡4email>"),
    ],
    id="m1",
)
WRITERS = [name for name in PROVIDERS if name != "smtp2go"]


@each("name", WRITERS)
def test_forms_of_the_text_go_as_mime(name: str) -> None:
    """
    Text, calendar, AMP and HTML stand side by side; the method is kept and nothing is a file.
    """
    provider = PROVIDERS[name]

    request = provider.build_request(INVITATION)

    found = email.message_from_bytes(READ[name](request), policy=policy.default)
    kinds = [(one.get_content_type(), one.get_param("method")) for one in found.iter_parts()]
    assert "multipart/alternative" == found.get_content_type()
    assert [
        ("text/plain", None),
        ("text/calendar", "REQUEST"),
        ("text/x-amp-html", None),
        ("text/html", None),
    ] == kinds
    assert name in ("gmail", "msgraph") or "Bcc" not in found
    needed = Feature.CALENDAR | Feature.AMP | Feature.ALTERNATIVES
    assert needed == provider.capabilities.features & needed


def test_forms_of_the_text_at_smtp2go() -> None:
    """
    Its MIME has no place for blind copies: such a mail goes to another vendor.
    """
    provider = PROVIDERS["smtp2go"]

    found = email.message_from_bytes(
        READ["smtp2go"](provider.build_request(INVITATION.replace(bcc=()))), policy=policy.default
    )

    assert ["text/plain", "text/calendar", "text/x-amp-html", "text/html"] == [
        one.get_content_type() for one in found.iter_parts()
    ]
    with pytest.raises(UnsupportedFeature, match="without blind copies") as caught:
        provider.build_request(INVITATION)
    assert ("CALENDAR",) == caught.value.features


@each("fields", [{"html": "{{x}}"}, {"subject": "{{x}} ü"}, {"template_id": "t"}])
def test_what_sparkpost_cannot_say_beside_a_form(fields: dict[str, Any]) -> None:
    """
    Braces in encoded parts too, which it would fill in.
    """
    with pytest.raises(UnsupportedFeature, match=r"two braces|beside a template"):
        PROVIDERS["sparkpost"].build_request(INVITATION.replace(**fields))


def test_forms_of_the_text_at_sendgrid() -> None:
    """
    They follow text and HTML, as the vendor demands.
    """
    body = json.loads(written(SendGrid(api_key="k").build_request(INVITATION)))

    assert [
        {"type": "text/plain", "value": "Lunch at noon"},
        {"type": "text/html", "value": "<p>Lunch at noon"},
        {
            "type": "text/calendar; method=REQUEST",
            "value": "BEGIN:VCALENDAR\nEND:VCALENDAR\n",
        },
        {"type": "text/x-amp-html", "value": "<!doctype html><html ⚡4email>"},
    ] == body["content"]


def test_amp_in_a_field_of_its_own() -> None:
    """
    Mailgun and SparkPost have one.
    """
    message = INVITATION.replace(alternatives=INVITATION.alternatives[1])

    mailgun = dict(read_form(PROVIDERS["mailgun"].build_request(message)))
    sparkpost = json.loads(written(PROVIDERS["sparkpost"].build_request(message)))

    amp = "<!doctype html><html ⚡4email>"
    assert (amp, amp) == (mailgun["amp-html"], sparkpost["content"]["amp_html"])


@each("name", ["mailgun", "mandrill", "ses", "sparkpost"])
@each("kind", ["text/calendar", "text/x-amp-html"])
def test_forms_beside_a_template_are_refused(name: str, kind: str) -> None:
    """
    A template stored at the vendor brings its own text.
    """
    message = Message(
        "a@example.org",
        from_email="shop@example.com",
        template_id="t",
        alternatives=Alternative(kind, "x"),
    )

    with pytest.raises(UnsupportedFeature):
        PROVIDERS[name].build_request(message)


@pytest.mark.parametrize("name", ["cloudflare", "msgraph"])
def test_options_beside_mime_are_refused(name: str) -> None:
    """
    There is no place for them.
    """
    message = raw(provider_options={name: {"x": "y"}})

    with pytest.raises(ValueError, match="provider_options"):
        PROVIDERS[name].build_request(message)


def test_unicode_in_the_header_needs_smtputf8() -> None:
    """
    A server that has it gets the bytes as they are.
    """
    message = Message.from_mime(
        "From: j\u00f6@example.com\r\nTo: a@example.org\r\n\r\nx".encode(), to="a@example.org"
    )

    request: SMTPRequest = PROVIDERS["smtp"].build_request(message)

    assert request.smtputf8
