from __future__ import annotations

import email
import re
from datetime import UTC, datetime
from email import policy
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings

from mailfailover._message.address import Address
from mailfailover._message.alternative import Alternative
from mailfailover._message.attachment import Attachment
from mailfailover._message.message import Message
from mailfailover._message.mime_reader import read_fields
from mailfailover._message.mime_writer import build_email_message
from mailfailover.errors import InvalidMessage
from tests.samples import each
from tests.strategies import addresses, lines, mime_messages

if TYPE_CHECKING:
    from email.message import EmailMessage
    from pathlib import Path

CREATED = datetime(2026, 11, 24, 8, 30, tzinfo=UTC)


def read_again(message: Message, source: EmailMessage | bytes) -> Message:
    """
    Read *source*, with the id that MIME does not carry and the Message-ID made of it.
    """
    found = Message.from_email_message(source, id=message.id)
    headers = {name: value for name, value in found.headers.items() if name != "Message-ID"}
    return found.replace(headers=headers)


@given(mime_messages)
def test_round_trip_through_bytes(message: Message) -> None:
    """
    What is written as MIME and read again is the same message.
    """
    source = message.as_email_message().as_bytes()

    assert message == read_again(message, source)


def test_a_form_that_is_no_text_is_no_file() -> None:
    """
    Data alone would be read as a file, so that an empty text comes before them.
    """
    message = Message(alternatives=[Alternative("application/ld+json", "{}")])

    assert message == read_again(message, message.as_email_message().as_bytes())


@settings(max_examples=30)
@given(mime_messages)
def test_round_trip_through_network_line_ends(message: Message) -> None:
    """
    The same with the line ends of SMTP.
    """
    built = message.as_email_message()

    source = built.as_bytes(policy=built.policy.clone(linesep="\r\n"))

    assert message == read_again(message, source)


@settings(max_examples=30)
@given(mime_messages)
def test_round_trip_through_the_object(message: Message) -> None:
    """
    The object need not be written to be read.
    """
    assert message == read_again(message, message.as_email_message())


@each("text", ["\ufeff", "\ufeffa", "a\ufeff"])
def test_a_byte_order_mark_of_the_text_survives(text: str) -> None:
    """
    A U+FEFF that the text begins with is not taken for the signature of its encoding.
    """
    message = Message(text=text, html=text)

    assert message == read_again(message, message.as_email_message().as_bytes())


@settings(max_examples=50)
@given(mime_messages)
def test_lines_are_of_legal_length(message: Message) -> None:
    """
    No line is longer than RFC 5322 allows, and header lines are ASCII unless an address is not.
    """
    source = message.as_email_message().as_bytes()

    assert max(map(len, source.split(b"\n"))) <= 998
    emails = [one.email for one in (*message.recipients, *message.reply_to, message.sender)]
    if "".join(emails).isascii():
        assert source.partition(b"\n\n")[0].isascii()


@given(addresses, lines)
def test_standard_library_reads_the_same_addresses(address: Address, subject: str) -> None:
    """
    Header and envelope agree, also as another parser reads them.
    """
    message = Message(address, from_email="a@b.example", subject=subject)
    source = message.as_email_message().as_bytes()

    read = email.message_from_bytes(source, policy=policy.default)

    assert [address.email] == [f"{one.username}@{one.domain}" for one in read["To"].addresses] or (
        '"' in address.email or not address.email.isascii()
    )
    assert 1 == len(read["To"].addresses)


def test_whole_message_as_text() -> None:
    """
    Each field has its place; Bcc has none.
    """
    message = Message(
        [Address("jane@example.com", "Doe, Jane"), Address("jo@example.com", "Jö")],
        cc="c@example.com",
        bcc="secret@example.com",
        reply_to="r@example.com",
        from_email="Shop <shop@example.com>",
        subject="Grüße",
        text="Hello\n",
        headers={"X-A": ("1", "2"), "Message-ID": "<own@example.com>"},
        unsubscribe="https://example.com/u",
        created=CREATED,
    )

    assert (
        "From: Shop <shop@example.com>\n"
        'To: "Doe, Jane" <jane@example.com>, =?utf-8?b?SsO2?= <jo@example.com>\n'
        "Cc: c@example.com\n"
        "Reply-To: r@example.com\n"
        "Subject: =?utf-8?b?R3LDvMOfZQ==?=\n"
        "Date: Tue, 24 Nov 2026 08:30:00 +0000\n"
        "Message-ID: <own@example.com>\n"
        "X-A: 1\n"
        "X-A: 2\n"
        "List-Unsubscribe: <https://example.com/u>\n"
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click\n"
        "MIME-Version: 1.0\n"
        'Content-Type: text/plain; charset="utf-8"\n'
        "Content-Transfer-Encoding: 7bit\n"
        "\n"
        "Hello\n"
    ) == message.as_email_message().as_string()


def test_structure_of_a_full_message() -> None:
    """
    Images belong to the HTML, the HTML is an alternative to the text, files come last.
    """
    message = Message(
        text="a",
        html="b",
        attachments=[
            Attachment("l.png", b"", content_id="l"),
            Attachment("a.pdf", b""),
        ],
    )

    kinds = [part.get_content_type() for part in build_email_message(message).walk()]

    assert [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "multipart/related",
        "text/html",
        "image/png",
        "application/pdf",
    ] == kinds


def test_same_message_same_bytes() -> None:
    """
    Every attempt sends the same bytes.
    """
    message = Message(text="a", html="b")

    assert message.as_email_message().as_bytes() == message.as_email_message().as_bytes()


def test_international_addresses_are_written_as_utf_8() -> None:
    """
    An address that needs SMTPUTF8 is written by RFC 6532; names stay encoded words.
    """
    message = Message(Address("jörg@example.com", "Jörg"))

    assert (
        "To: =?utf-8?b?SsO2cmc=?= <jörg@example.com>".encode()
        in message.as_email_message().as_bytes()
    )


def test_own_message_id_is_not_written_twice() -> None:
    """
    A Message-ID in any spelling replaces the generated one.
    """
    built = Message(headers={"message-id": "<a@b.example>"}).as_email_message()

    assert ["<a@b.example>"] == built.get_all("Message-ID")


@pytest.mark.parametrize(
    "content", [b"Subject: x\n\nbody\n", "Subject: ü\n\nü\n".encode()], ids=["ascii", "utf-8"]
)
def test_attached_mail_is_not_encoded(content: bytes) -> None:
    """
    RFC 2046 forbids base64 for message/rfc822.
    """
    message = Message(attachments=[Attachment("m.eml", content, "message/rfc822")])

    source = message.as_email_message().as_bytes()

    assert content in source
    assert message.attachments == Message.from_email_message(source).attachments


def test_attached_garbage_survives() -> None:
    """
    What claims to be a mail and is none still arrives byte by byte.
    """
    content = b" no header\r\nat all \x00\xff"
    message = Message(attachments=[Attachment("m.eml", content, "message/rfc822")])

    source = message.as_email_message().as_bytes()

    assert message.attachments == Message.from_email_message(source).attachments


def test_damaged_header_is_refused() -> None:
    """
    A header that would be read as two is never given out, whatever let it through.
    """
    message = Message().bound(headers={"X-A\nBcc": "x@example.com"})

    with pytest.raises(InvalidMessage, match="would not come out as they are set") as raised:
        message.as_email_message()

    assert "headers" == raised.value.field


def test_line_break_in_an_encoded_word_stays_in_it() -> None:
    """
    CVE-2024-6923: a subject that passed unchecked makes no Bcc header.
    """
    message = Message().bound(subject="=?UTF-8?Q?=0A?=Bcc: x@example.com")

    built = email.message_from_bytes(message.as_email_message().as_bytes())

    assert built.get_all("Bcc") is None


def test_long_identifiers_stay_as_they_are() -> None:
    """
    Message-ID and URLs are compared by others, so they are never encoded.
    """
    long = f"<{'a' * 200}@example.com>"
    url = f"https://example.com/{'b' * 300}"
    built = Message(headers={"Message-ID": long}, unsubscribe=url).as_email_message()

    source = built.as_bytes()

    assert f"Message-ID: {long}\n".encode() in source
    assert f"List-Unsubscribe: <{url}>\n".encode() in source


def test_identifier_beyond_a_line_is_refused() -> None:
    """
    A line has 998 characters, and an encoded URL is no URL.
    """
    message = Message(unsubscribe=f"https://example.com/{'b' * 1000}")

    with pytest.raises(InvalidMessage, match=r"List-Unsubscribe.*shorten it") as raised:
        message.as_email_message()

    assert "headers" == raised.value.field


def test_long_lines_and_controls_of_a_text_survive() -> None:
    """
    Whatever SMTP would break is encoded.
    """
    text = "x" * 2000 + " \t\n\f.\n\x1f\x85\u2028\n.\n"
    message = Message(text=text)

    assert text == Message.from_email_message(message.as_email_message().as_bytes()).text


def test_line_ends_become_those_of_mime() -> None:
    """
    Text has lines, however they ended.
    """
    message = Message(text="a\r\nb\rc")

    assert "a\nb\nc" == Message.from_email_message(message.as_email_message()).text


def test_missing_file_is_named(tmp_path: Path) -> None:
    """
    A file that vanished is a clear error.
    """
    path = tmp_path / "gone.txt"
    path.write_bytes(b"x")
    message = Message(attachments=[Attachment.from_path(path)])
    path.unlink()

    with pytest.raises(InvalidMessage, match=re.escape("'gone.txt' cannot be read")):
        message.as_email_message()


def test_only_bytes_and_messages_are_read() -> None:
    """
    Text was decoded by somebody who guessed the charset.
    """
    with pytest.raises(InvalidMessage, match="not str: read the file in binary mode"):
        read_fields("Subject: x\n\n")  # type: ignore[arg-type]  # what the test is about


def test_deep_nesting_is_refused() -> None:
    """
    A bomb of multiparts is an InvalidMessage like any other.
    """
    part = email.message.Message()
    part.set_payload("x")
    for _ in range(3000):
        outer = email.message.Message()
        outer["Content-Type"] = "multipart/mixed; boundary=b"
        outer.set_payload([part])
        part = outer

    with pytest.raises(InvalidMessage, match="nested too deep"):
        read_fields(part)


def test_boundary_in_unreadable_pieces_is_refused() -> None:
    """
    The standard library raises a TypeError there.
    """
    source = b"Content-Type: multipart/mixed; boundary*=a; boundary*0=b\n\n"

    with pytest.raises(InvalidMessage, match="Content-Type of the MIME message cannot be read"):
        read_fields(source)
