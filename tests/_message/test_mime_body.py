from __future__ import annotations

import email
from email import policy
from email.message import EmailMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

import pytest

from mailfailover._message.address import Address
from mailfailover._message.alternative import Alternative
from mailfailover._message.attachment import Attachment
from mailfailover._message.message import Message
from mailfailover.errors import InvalidMessage
from tests.samples import each


def read(source: str) -> Message:
    """
    Read *source* as the bytes of a file, whatever its policy.
    """
    return Message.from_email_message(source.encode("utf-8", "surrogateescape"))


def contents(message: Message) -> tuple[str, str, tuple[Attachment, ...]]:
    """
    What the body of a mail became.
    """
    return message.text, message.html, message.attachments


def goes_as_it_is(source: str) -> bool:
    """
    Whether *source* stays a mail, of which no byte changes.
    """
    raw = f"To: a@b.example\n{source}".encode("utf-8", "surrogateescape")
    message = Message.from_email_message(raw)
    return message.mime == raw and message.to == (Address("a@b.example"),)


def part(head: str, body: str) -> str:
    """
    One part of a multipart.
    """
    return f"{head}\n\n{body}\n"


def multipart(kind: str, *parts: str, boundary: str = "b1") -> str:
    """
    A multipart of *parts*.
    """
    head = f'Content-Type: multipart/{kind}; boundary="{boundary}"\n\n'
    return head + "".join(f"--{boundary}\n{one}" for one in parts) + f"--{boundary}--\n"


TEXT = part("Content-Type: text/plain", "text")
HTML = part("Content-Type: text/html", "<p>html")
IMAGE = part(
    "Content-Type: image/png; name=l.png\nContent-ID: <logo>\nContent-Transfer-Encoding: base64",
    "iVBO",
)


def test_plain_text() -> None:
    """
    A mail without MIME is ASCII text, its line end included.
    """
    assert ("Hello\n", "", ()) == contents(read("Subject: x\n\nHello\n"))


def test_network_line_ends() -> None:
    """
    Text has Python's line ends.
    """
    assert ("a\nb\n", "", ()) == contents(read("Subject: x\r\n\r\na\r\nb\r\n"))


def test_alternative() -> None:
    """
    Text and HTML that say the same become the two fields.
    """
    assert ("text", "<p>html", ()) == contents(read(multipart("alternative", TEXT, HTML)))


@pytest.mark.parametrize("preferred", [False, True], ids=["before HTML", "after HTML"])
def test_invitation_among_the_forms(preferred: bool) -> None:
    """
    A calendar is one more form of the text, with its method and at its place.
    """
    calendar = part("Content-Type: text/calendar; method=REQUEST; charset=utf-8", "BEGIN")
    forms = (HTML, calendar) if preferred else (calendar, HTML)
    raw = multipart("alternative", TEXT, *forms)

    message = read(raw)

    found = Alternative("text/calendar; method=REQUEST", "BEGIN", preferred=preferred)
    assert ("text", "<p>html", (found,)) == (message.text, message.html, message.alternatives)
    assert [preferred] == [one.preferred for one in message.alternatives]
    kinds = [one.get_content_type() for one in message.as_email_message().iter_parts()]
    assert kinds == (
        ["text/plain", "text/html", "text/calendar"]
        if preferred
        else ["text/plain", "text/calendar", "text/html"]
    )


def test_invitation_alone() -> None:
    """
    A mail may be nothing but an invitation.
    """
    message = read(part("Content-Type: text/calendar; method=CANCEL", "BEGIN"))

    assert (Alternative("text/calendar; method=CANCEL", "BEGIN\n"),) == message.alternatives


BEYOND_FIELDS = {
    "two plain texts": multipart("alternative", TEXT, TEXT),
    "two in HTML": multipart("alternative", HTML, HTML),
    "two invitations": multipart(
        "alternative", *[part("Content-Type: text/calendar", "BEGIN")] * 2
    ),
    "plain text last": multipart("alternative", HTML, TEXT),
    "a form that is no text": multipart(
        "alternative",
        TEXT,
        part("Content-Type: image/png\nContent-Transfer-Encoding: base64", "/w=="),
    ),
    "a form with a file name": multipart(
        "alternative",
        TEXT,
        part("Content-Type: text/calendar\nContent-Disposition: inline; filename=i.ics", "BEGIN"),
    ),
    "a form with an id": multipart(
        "alternative", TEXT, part("Content-Type: text/html\nContent-ID: <a>", "x")
    ),
    "a mail among the forms": multipart(
        "alternative", TEXT, part("Content-Type: message/rfc822", "Subject: x\n\nx")
    ),
    "files among the forms": multipart(
        "alternative", TEXT, multipart("mixed", HTML, IMAGE, boundary="b2")
    ),
    "text after a file": multipart("mixed", TEXT, IMAGE, TEXT),
    "text after HTML": multipart("mixed", HTML, TEXT),
    "a footer": multipart("mixed", multipart("alternative", TEXT, HTML, boundary="b2"), TEXT),
    "a body after a file": multipart("mixed", IMAGE, multipart("alternative", TEXT, boundary="b2")),
    "a root that is not the first": multipart("related", IMAGE, HTML),
    "a related part without an id": multipart(
        "related", HTML, part("Content-Type: image/png", "x")
    ),
    "a related file": multipart(
        "related", HTML, IMAGE.replace("\n\n", "\nContent-Disposition: attachment\n\n")
    ),
    "images after an invitation": multipart(
        "related",
        multipart("alternative", HTML, part("Content-Type: text/calendar", ""), boundary="b2"),
        IMAGE,
    ),
    "the same id twice": multipart("related", HTML, IMAGE, IMAGE),
    "images of an invitation": multipart("related", part("Content-Type: text/calendar", ""), IMAGE),
    "an invitation among files": multipart("mixed", TEXT, part("Content-Type: text/calendar", "")),
    "files among the images": multipart("related", HTML, multipart("mixed", IMAGE, boundary="b2")),
    "an image after a file": multipart(
        "mixed",
        part("Content-Type: text/html", "<img src='cid:logo'>"),
        part("Content-Disposition: attachment; filename=a.txt", "x"),
        IMAGE,
    ),
    "an inline file": multipart(
        "mixed", TEXT, part("Content-Disposition: inline; filename=a.txt", "x")
    ),
    "the date of a file": multipart(
        "mixed",
        TEXT,
        part('Content-Disposition: attachment; filename=a; creation-date="x"', "x"),
    ),
    "a described part": multipart(
        "mixed", TEXT, part("Content-Description: a\nContent-Type: a/b", "x")
    ),
    "a language": part("Content-Language: de", "x"),
    "flowed text": part("Content-Type: text/plain; format=flowed", "x"),
    "a parameter of the text": part("Content-Type: text/plain; delsp=yes", "x"),
    "a parameter of a multipart": multipart("mixed", TEXT).replace('b1"\n', 'b1"; x=y\n'),
    "an unknown charset": part("Content-Type: text/html; charset=x-no", "\udcff"),
    "an unknown encoding": part("Content-Transfer-Encoding: x-uuencode", "x"),
    "a nameless file alone": part("Content-Type: application/pdf", "x"),
    "a delivery report": multipart(
        "report", TEXT, part("Content-Type: message/delivery-status", "Final-Recipient: x\n")
    ),
    "a report among files": multipart(
        "mixed", TEXT, part("Content-Type: message/delivery-status", "Final-Recipient: x\n")
    ),
    "a digest": multipart("digest", "\nSubject: x\n\nbody\n"),
    "signed (PGP)": multipart("signed", TEXT, part("Content-Type: application/pgp-signature", "x")),
    "encrypted (PGP)": multipart("encrypted", TEXT, TEXT),
    "sealed (S/MIME)": part("Content-Type: application/pkcs7-mime; name=smime.p7m", "x"),
    "sealed, by its old name": part("Content-Type: Application/X-PKCS7-MIME", "x"),
    "sealed inside": multipart("mixed", TEXT, part("Content-Type: application/pkcs7-mime", "x")),
}


@each("source", BEYOND_FIELDS.values(), ids=list(BEYOND_FIELDS))
def test_mail_that_no_fields_hold_goes_as_it_is(source: str) -> None:
    """
    Where reading would lose a part, an order, a type or a parameter, nothing is taken apart.
    """
    assert goes_as_it_is(source)


def test_related_image_is_inline() -> None:
    """
    An image beside the HTML keeps its Content-ID, shown or not.
    """
    source = multipart("related", HTML, IMAGE)

    image = Attachment("l.png", b"\x89PN", "image/png", "logo")

    assert ("", "<p>html", (image,)) == contents(read(source))


def test_alternatives_inside_a_related_part() -> None:
    """
    Some write the alternative into the related part, some the other way round.
    """
    inner = multipart("alternative", TEXT, HTML, boundary="b2")

    message = read(multipart("related", inner, IMAGE))

    assert ("text", "<p>html") == (message.text, message.html)


@pytest.mark.parametrize(
    ("html", "content_id"),
    [("<img src='cid:logo'>", "logo"), ("<img src='x.png'>", "")],
    ids=["shown", "not shown"],
)
def test_content_id_in_a_mixed_part(html: str, content_id: str) -> None:
    """
    Mailers give one to every attachment: it is an image only if the HTML shows it.
    """
    source = multipart("mixed", part("Content-Type: text/html", html), IMAGE)

    assert content_id == read(source).attachments[0].content_id


@each(
    "head",
    [
        "Content-Disposition: attachment",
        "Content-Disposition: attachment; filename=a.txt",
        "Content-Type: text/plain; name=a.txt",
    ],
)
def test_text_file_is_an_attachment(head: str) -> None:
    """
    Text with a name, or of an unknown kind, is not part of the body.
    """
    message = read(multipart("mixed", TEXT, part(head, "log")))

    assert ("text", b"log") == (message.text, message.attachments[0].content)


@each(
    ("disposition", "filename"),
    [
        ("attachment; filename=a.pdf", "a.pdf"),
        ("attachment; filename=a b.pdf", "a b.pdf"),
        (r'attachment; filename="a\"b.pdf"', 'a"b.pdf'),
        ("attachment; filename*=utf-8''%C3%BC.pdf", "ü.pdf"),
        ("attachment; filename*0*=utf-8''%C3; filename*1*=%BC.pdf", "ü.pdf"),
        ('attachment; filename="=?utf-8?q?=C3=BC?=.pdf"', "ü.pdf"),
        ('attachment; filename="ü.pdf"', "ü.pdf"),
        ('attachment;\n\tfilename="a\n\tb.pdf"', "a b.pdf"),
        ("ATTACHMENT (x); FILENAME=a.pdf", "a.pdf"),
        ("attachment", "attachment-1.pdf"),
    ],
)
def test_file_names(disposition: str, filename: str) -> None:
    """
    File names as mailers write them; one is made up where there is none.
    """
    head = f"Content-Type: application/pdf\nContent-Disposition: {disposition}"

    assert filename == read(multipart("mixed", part(head, "x"))).attachments[0].filename


def test_attached_mail_is_kept_as_it_is() -> None:
    """
    A forwarded mail is not taken apart, not even a signed one.
    """
    inner = multipart("signed", TEXT, IMAGE, boundary="b2").replace("l.png", "ü.png")
    source = multipart("mixed", part("Content-Type: message/rfc822", inner))

    attached = Attachment("attachment-1.eml", inner.encode(), "message/rfc822")

    assert (attached,) == read(source).attachments


@each(
    ("source", "problem"),
    [
        ("Content-Type: multipart/mixed\n\n--b\n\nx\n--b--\n", "names no boundary"),
        ("Content-Type: multipart/mixed; boundary=b\n\nx\n", "is nowhere in it"),
        ("Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n", "as if it was cut off"),
        (" x\nSubject: a\n\nbody", "begins with a continuation line"),
        ("Subject: a\nTo x\nCc: y\n\nbody", "has no name and colon"),
        (
            multipart("mixed", part("Content-Type: message/rfc822", " x\nSubject: a\n\nbody")),
            "begins with a continuation line",
        ),
    ],
)
def test_broken_mail_is_refused(source: str, problem: str) -> None:
    """
    A mail of which something was lost is not sent as if it was whole.
    """
    with pytest.raises(InvalidMessage, match="the MIME message is broken: ") as raised:
        read(source)

    assert problem in str(raised.value)


def test_body_without_a_header_is_whole() -> None:
    """
    A line that begins the body at once loses nothing.
    """
    assert "hello\n" == read("hello\n").text


def test_truncated_mail_may_be_attached() -> None:
    """
    A bounce holds what is left of a mail.
    """
    inner = "Content-Type: multipart/mixed; boundary=b2\n\n--b2\n\nx"
    source = multipart("mixed", TEXT, part("Content-Type: message/rfc822", inner))

    assert read(source).attachments[0].read().startswith(inner.encode())


@each(
    ("head", "body", "text"),
    [
        ("Content-Type: text/plain; charset=iso-8859-1", b"\xfc", "ü"),
        ("Content-Type: text/plain; charset='utf-8'", "ü".encode(), "ü"),
        ("Content-Type: text/plain; charset=utf-8", b"\xef\xbb\xbfx", "x"),
        ("Content-Type: text/plain", "ü".encode(), "ü"),
        ("Content-Type: nonsense", b"x", "x"),
        ("Content-Transfer-Encoding: 8bit", "ü".encode(), "ü"),
        ("Content-Transfer-Encoding: Quoted-Printable", b"=C3=BC=\r\nx", "üx"),
        ("Content-Transfer-Encoding: BASE64 (x)", b"w7\n w8\n", "ü<"),
        ("Content-Transfer-Encoding: base64", b"w7w", "ü"),
    ],
)
def test_decoding(head: str, body: bytes, text: str) -> None:
    """
    Charsets and transfer encodings as they come.
    """
    assert text == Message.from_email_message(head.encode() + b"\n\n" + body).text


@each(
    ("head", "body", "problem"),
    [
        ("Content-Type: text/plain; charset=utf-8", b"\xff", "text does not fit its charset"),
        ("Content-Transfer-Encoding: base64", b"%%%%", "text is damaged base64: take"),
        ("Content-Transfer-Encoding: base64", b"YQ==YQ==", "text is damaged base64: take"),
        (
            "Content-Type: image/png; name=a\nContent-Transfer-Encoding: base64",
            b"!",
            "attachments is",
        ),
        ("Content-Type: a/b\nContent-Type: c/d", b"", "attachments have a part with two"),
        (
            "Content-Type: a/b; name=c\nContent-ID: <x>\nContent-ID: <y>",
            b"",
            "attachments have a part",
        ),
        (
            "Content-Disposition: attachment; filename*=utf-8''%FF",
            b"",
            "attachments have a file name that does not fit its charset",
        ),
        (
            "Content-Disposition: attachment; filename*0=a; filename*=utf-8''b",
            b"",
            "attachments have a part with a broken 'Content-Disposition' header",
        ),
    ],
)
def test_undecodable_part_is_refused(head: str, body: bytes, problem: str) -> None:
    """
    The error names the field and what is wrong.
    """
    with pytest.raises(InvalidMessage) as raised:
        Message.from_email_message(head.encode() + b"\n\n" + body)

    assert str(raised.value).startswith(problem)
    assert problem.split(maxsplit=1)[0] == raised.value.field


def modern() -> EmailMessage:
    """
    A message as a program builds it today.
    """
    message = EmailMessage()
    message.set_content("tëxt")
    message.add_alternative("<img src='cid:logo'>", subtype="html")
    message.add_attachment(b"%PDF", "application", "pdf", filename='ü "x".pdf')
    return message


def old() -> MIMEMultipart:
    """
    The same with the older interface.
    """
    message = MIMEMultipart("mixed")
    body = MIMEMultipart("alternative")
    body.attach(MIMEText("tëxt\n"))
    body.attach(MIMEText("<img src='cid:logo'>\n", "html"))
    message.attach(body)
    file = MIMEText("%PDF", "plain")
    file.replace_header("Content-Type", "application/pdf")
    file.add_header("Content-Disposition", "attachment", filename=("utf-8", "", 'ü "x".pdf'))
    message.attach(file)
    return message


@pytest.mark.parametrize("build", [modern, old])
def test_messages_made_by_programs(build: type[email.message.Message]) -> None:
    """
    Both interfaces of the standard library are read, as objects and as their bytes.
    """
    expected = (
        "tëxt\n",
        "<img src='cid:logo'>\n",
        (Attachment('ü "x".pdf', b"%PDF", "application/pdf"),),
    )
    message = build()

    assert expected == contents(Message.from_email_message(message))
    assert expected == contents(Message.from_email_message(message.as_bytes()))


def test_parsed_with_any_policy() -> None:
    """
    Whoever parsed the mail, it is the same mail.
    """
    source = multipart("mixed", part("Content-Type: text/plain; charset=koi8-r", "\udcd0\udcd2"))
    raw = source.encode("utf-8", "surrogateescape")

    found = [
        Message.from_email_message(email.message_from_bytes(raw, policy=one)).text
        for one in (policy.compat32, policy.default, policy.SMTP)
    ]

    assert ["пр"] * 3 == found


def test_unicode_without_a_charset_is_refused() -> None:
    """
    A payload that was set as Unicode has no bytes yet.
    """
    message = email.message.Message()
    message.set_payload("ü\u20ac")

    with pytest.raises(InvalidMessage, match="text is Unicode without a charset: use"):
        Message.from_email_message(message)


def test_multipart_without_parts_is_refused() -> None:
    """
    A program forgot to attach any.
    """
    message = email.message.Message()
    message["Content-Type"] = "multipart/mixed"

    with pytest.raises(InvalidMessage, match="a multipart has no parts"):
        Message.from_email_message(message)
