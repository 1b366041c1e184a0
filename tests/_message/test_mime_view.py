from __future__ import annotations

from mailfailover import Message
from mailfailover._message.mime_view import readable
from tests.samples import each

HEAD = b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\nMIME-Version: 1.0\n"


@each(
    ("body", "text", "html"),
    [
        (b"Content-Type: text/plain; charset=utf-8\n\n\xc3\xbc\n", "ü\n", ""),
        (b"Content-Type: text/html\n\n<p>x\n", "", "<p>x\n"),
        (b"Content-Type: text/plain; charset=x-no\n\nx\n", "", ""),
        (b"Content-Type: application/pdf\n\nx\n", "", ""),
    ],
)
def test_what_a_person_reads_of_it(body: bytes, text: str, html: str) -> None:
    """
    Subject, text and HTML as far as they can be decoded; the bytes stay.
    """
    raw = HEAD + body

    found = readable(Message.from_mime(raw, to="a@example.org"))

    assert ("Grüße", text, html, raw) == (found.subject, found.text, found.html, found.mime)


def test_mail_of_fields_is_readable() -> None:
    """
    It is returned as it is.
    """
    message = Message("a@example.org", text="x")

    assert message is readable(message)
