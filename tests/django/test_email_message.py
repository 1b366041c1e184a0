from __future__ import annotations

from datetime import UTC, datetime
from email.message import MIMEPart
from typing import Any

import pytest
from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.utils.functional import lazystr

from mailfailover import Address, Attachment, InvalidMessage, Message
from mailfailover.django.email_message import message_fields
from tests.samples import each

TO = ["ann@example.org"]
PNG = b"\x89PNG\r\n\x1a\n"


def _read(message: EmailMessage) -> Message:
    return Message(**message_fields(message, {}, "first"))


def _mail(**fields: Any) -> EmailMultiAlternatives:
    given: dict[str, Any] = {"subject": "Hi", "body": "Hello", "from_email": "me@example.com"}
    return EmailMultiAlternatives(**(given | {"to": TO} | fields))


def test_every_recipient_is_kept() -> None:
    """
    To, Cc, Bcc and Reply-To are read with their names.
    """
    message = _read(
        _mail(
            to=["Ann <ann@example.org>", "bob@example.org"],
            cc=['"Lee, Cy" <cy@example.org>'],
            bcc=["dee@example.org"],
            reply_to=["Help <help@example.com>"],
        )
    )

    expected = Message(
        to=[Address("ann@example.org", "Ann"), "bob@example.org"],
        cc=Address("cy@example.org", "Lee, Cy"),
        bcc="dee@example.org",
        reply_to=Address("help@example.com", "Help"),
        from_email="me@example.com",
        subject="Hi",
        text="Hello",
        id=message.id,
    )
    assert expected == message


def test_a_text_is_not_changed() -> None:
    """
    Neither line ends nor the last line are touched.
    """
    assert "a\n\nb  \nc" == _read(_mail(body="a\n\nb  \nc")).text


def test_lazy_texts_are_read() -> None:
    """
    Translations become texts when they are sent.
    """
    message = _mail(subject=lazystr("Hi"), body=lazystr("Hello"), to=[lazystr("a@example.org")])
    message.attach_alternative(lazystr("<p>Hello</p>"), "text/html")

    found = _read(message)

    assert ("Hi", "Hello", "<p>Hello</p>") == (found.subject, found.text, found.html)


def test_html_alone_is_html() -> None:
    """
    ``content_subtype = "html"`` makes the body the HTML.
    """
    message = _mail(body="<p>Hello</p>")
    message.content_subtype = "html"

    found = _read(message)

    assert ("", "<p>Hello</p>") == (found.text, found.html)


def test_a_second_html_is_refused() -> None:
    """
    A mail has one form of each; which would be left out is not ours to choose.
    """
    message = _mail(alternatives=[("<p>1</p>", "text/html"), ("<p>2</p>", "text/html")])

    with pytest.raises(InvalidMessage, match="a second text/html"):
        _read(message)


def test_headers_are_kept() -> None:
    """
    Custom headers, a Message-ID of one's own among them, arrive as they were set.
    """
    headers = {"X-Order": "7", "Message-ID": "<7@example.com>", "List-Id": "<a.example.com>"}

    found = _read(_mail(headers=headers))

    assert (headers, "<7@example.com>") == (dict(found.headers), found.message_id)


def test_headers_win_over_attributes() -> None:
    """
    A From header is shown while the attribute is where bounces go; Reply-To and Date likewise.
    """
    found = _read(
        _mail(
            from_email="bounces@example.com",
            reply_to=["other@example.com"],
            headers={
                "From": "Shop <shop@example.com>",
                "Reply-To": "help@example.com",
                "Date": "Tue, 24 Nov 2026 12:00:00 +0000",
            },
        )
    )

    expected = (
        Address("shop@example.com", "Shop"),
        "bounces@example.com",
        (Address("help@example.com"),),
        datetime(2026, 11, 24, 12, tzinfo=UTC),
    )
    assert expected == (found.from_email, found.envelope_from, found.reply_to, found.created)


@each("name", ["To", "Cc", "Sender"])
def test_a_header_that_shows_others_is_sent_as_it_is(name: str) -> None:
    """
    Where a header shows others than those who get the mail, Django's MIME goes out unchanged.
    """
    found = _read(_mail(headers={name: "all@example.org"}, bcc=["bob@example.org"]))

    assert f"{name}: all@example.org".encode() in found.mime
    assert ("ann@example.org", "bob@example.org") == tuple(one.email for one in found.to)


def test_a_bcc_header_is_refused() -> None:
    """
    It would show who is not to be shown.
    """
    with pytest.raises(InvalidMessage, match="Bcc"):
        _read(_mail(headers={"Bcc": "eve@example.org"}))


def test_an_invitation_is_kept() -> None:
    """
    A calendar, before the HTML or after it, stays a form of the text in Django's order.
    """
    ics = "text/calendar; method=REQUEST"
    message = _mail(alternatives=[("A", "text/x-amp-html"), ("<p>B</p>", "text/html"), (b"C", ics)])

    found = _read(message)

    assert "<p>B</p>" == found.html
    assert [("text/x-amp-html", "A", False), (ics, "C", True)] == [
        (one.content_type, one.content, one.preferred) for one in found.alternatives
    ]


def test_a_body_of_another_kind_is_kept() -> None:
    """
    ``content_subtype`` may name any form of a text.
    """
    message = _mail(body="BEGIN:VCALENDAR")
    message.content_subtype = "calendar"

    found = _read(message)

    assert ("", ["text/calendar"]) == (found.text, [one.content_type for one in found.alternatives])


def test_a_date_that_is_none_is_refused() -> None:
    """
    The error names the header.
    """
    with pytest.raises(InvalidMessage, match=r"headers\['Date'\] is no date"):
        _read(_mail(headers={"Date": "yesterday"}))


def test_attachments_are_kept() -> None:
    """
    Bytes, texts and files arrive with their names and types.
    """
    message = _mail()
    message.attach("a.csv", "é;1\n", "text/csv")
    message.attach("b.bin", b"\0\1")
    message.attachments.append(("c.txt", b"\xff", None))

    assert (
        Attachment("a.csv", "é;1\n".encode(), "text/csv"),
        Attachment("b.bin", b"\0\1", "application/octet-stream"),
        Attachment("c.txt", b"\xff", "text/plain"),
    ) == _read(message).attachments


def test_an_attachment_without_a_name_gets_one() -> None:
    """
    Nobody can save a file without a name.
    """
    message = _mail(attachments=[(None, b"%PDF-", "application/pdf")])

    assert ("attachment-1.pdf",) == tuple(one.filename for one in _read(message).attachments)


def test_an_attached_mail_is_kept() -> None:
    """
    A message of Django that is attached to another goes with it as a mail.
    """
    message = _mail()
    message.attach("original.eml", _mail(subject="Before"), "message/rfc822")

    (found,) = _read(message).attachments

    assert "message/rfc822" == found.content_type
    assert b"Subject: Before" in found.read()


def _image(**more: Any) -> MIMEPart:
    part = MIMEPart()
    part.set_content(PNG, "image", "png", filename="logo.png", **more)
    return part


def test_an_inline_image_is_kept() -> None:
    """
    A part with a Content-ID is shown inside the HTML.
    """
    message = _mail()
    message.attachments.append(_image(disposition="inline", cid="<logo>"))

    assert (Attachment("logo.png", PNG, "image/png", "logo"),) == _read(message).attachments


def test_an_attached_part_is_a_file() -> None:
    """
    A part that calls itself an attachment is one, Content-ID or not.
    """
    message = _mail()
    message.attachments.append(_image(disposition="attachment", cid="<logo>"))

    assert (Attachment("logo.png", PNG, "image/png"),) == _read(message).attachments


def test_an_attached_message_part_is_kept() -> None:
    """
    A part that holds a mail gives that mail.
    """
    inner = MIMEPart()
    inner["Subject"] = "Before"
    inner.set_content("Text")
    part = MIMEPart()
    part["Content-Type"] = "message/rfc822"
    part.set_payload([inner])
    message = _mail()
    message.attachments.append(part)

    (found,) = _read(message).attachments

    assert ("attachment-1.eml", True) == (found.filename, b"Before" in found.read())


def test_a_class_that_writes_its_own_mime_is_asked() -> None:
    """
    What ``message()`` of such a class says is sent, and Bcc from the attribute.
    """

    class Shouting(EmailMultiAlternatives):
        def message(self, **options: Any) -> Any:
            found = super().message(**options)
            found.replace_header("Subject", str(self.subject).upper())
            return found

    message = Shouting("Hi", "Hello", "me@example.com", TO, bcc=["bob@example.org"])

    found = _read(message)

    assert ("HI", (Address("bob@example.org"),)) == (found.subject, found.bcc)


def test_a_signed_mail_goes_out_as_it_is() -> None:
    """
    What a class has signed is sent byte by byte, to everybody who is to get it.
    """

    class Signed(EmailMessage):
        def message(self, **options: Any) -> Any:
            inner = super().message(**options)
            signature = MIMEPart()
            signature.set_content(b"signature", "application", "pgp-signature")
            signed = MIMEPart()
            signed["Content-Type"] = (
                'multipart/signed; protocol="application/pgp-signature"; micalg=pgp-sha256'
            )
            for name in ("From", "To", "Subject"):
                signed[name] = inner[name]
            text = MIMEPart()
            text.set_content("Hello")
            signed.set_payload([text, signature])
            return signed

    found = _read(Signed("Hi", "Hello", "me@example.com", TO, bcc=["bob@example.org"]))

    assert b"multipart/signed" in found.mime
    assert ("ann@example.org", "bob@example.org") == tuple(one.email for one in found.to)


@each("field", ["to", "cc", "bcc", "reply_to"])
def test_an_address_that_is_none_is_refused(field: str) -> None:
    """
    The error names the field.
    """
    with pytest.raises(InvalidMessage) as caught:
        _read(_mail(**{field: ["nobody"]}))

    assert field == caught.value.field
