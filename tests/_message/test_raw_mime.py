from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from mailfailover import Address, InvalidMessage, Message
from tests.samples import each

RAW = (
    b"From: Shop <shop@example.com>\nTo: a@example.org\nSubject: x\n"
    b"Date: Tue, 24 Nov 2026 08:30:00 +0000\nMessage-ID:\n <own@example.com>\n\nHello\n"
)


def test_bytes_are_kept_and_the_header_is_read() -> None:
    """
    The sender, the time and the Message-ID are those of the mail.
    """
    message = Message.from_mime(
        RAW, to="b@example.org", tags="order", envelope_from="e@example.com"
    )

    assert (
        RAW,
        (Address("b@example.org"),),
        Address("shop@example.com", "Shop"),
        datetime(2026, 11, 24, 8, 30, tzinfo=UTC),
        "<own@example.com>",
        "e@example.com",
        ("order",),
    ) == (
        message.mime,
        message.to,
        message.from_email,
        message.created,
        message.message_id,
        message.envelope_from,
        message.tags,
    )


def test_lines_end_in_crlf_on_the_wire() -> None:
    """
    That is the form which is signed, and which SMTP demands.
    """
    expected = RAW.replace(b"\n", b"\r\n")

    assert [expected, expected] == [
        Message.from_mime(RAW, to="a@example.org").as_bytes(),
        Message.from_mime(expected, to="a@example.org").as_bytes(),
    ]


@each(
    "hidden",
    [
        b"Bcc: secret@example.org\n",
        b"BCC:\n\tsecret@example.org,\n other@example.org\n",
        b"Bcc : secret@example.org\r\n",
        b"Resent-Bcc: secret@example.org\n",
    ],
)
def test_hidden_recipients_never_leave(hidden: bytes) -> None:
    """
    A Bcc header is taken out, whatever its spelling; a word in the text is none.
    """
    raw = b"X-A: 1\n" + hidden + b"X-B: 2\n\nBcc: text\n"

    message = Message.from_mime(raw, to="a@example.org", from_email="b@example.com")

    assert b"X-A: 1\nX-B: 2\n\nBcc: text\n" == message.mime


def test_header_without_a_body() -> None:
    """
    A mail may be nothing but its header.
    """
    message = Message.from_mime(b"Subject: x\nBcc: y@example.org", to="a@example.org")

    assert b"Subject: x\n" == message.mime


def test_sender_given_is_the_sender() -> None:
    """
    It says who sends, the bytes stay.
    """
    message = Message.from_mime(RAW, to="a@example.org", from_email="x@example.com")

    assert ("x@example.com", RAW) == (message.sender.email, message.mime)


@each("line", [b"From: root", b"From: a b <", b"From: \xff@x", b"Date: never"])
def test_header_that_cannot_be_read_is_no_obstacle(line: bytes) -> None:
    """
    What the header does not tell, the caller or the mailer does.
    """
    raw = line + b"\n\nx"

    message = Message.from_mime(raw, to="a@example.org")

    assert (raw, None) == (message.mime, message.from_email)


def test_message_id_is_made_where_there_is_none() -> None:
    """
    It is a hint to find the mail again, and not written into it.
    """
    message = Message.from_mime(b"From: a@example.com\n\nx", to="b@example.org", id="7")

    assert "<7@example.com>" == message.message_id


def test_as_the_object_of_the_standard_library() -> None:
    """
    It can be read with the tools of Python; as_bytes() is what goes out.
    """
    found = Message.from_mime(RAW, to="a@example.org").as_email_message()

    assert ("x", "Hello\n") == (found["Subject"], found.get_content())


@each(
    ("field", "value"),
    [
        ("subject", "x"),
        ("text", "x"),
        ("html", "x"),
        ("headers", {"X-A": "x"}),
        ("cc", "x@example.org"),
        ("bcc", "x@example.org"),
        ("reply_to", "x@example.org"),
        ("unsubscribe", "https://example.org/u"),
        ("template_id", "x"),
        ("template_data", {"x": "y"}),
        ("merge_data", {"a@example.org": {"x": "y"}}),
        ("merge_metadata", {"a@example.org": {"x": "y"}}),
        ("merge_headers", {"a@example.org": {"X-A": "y"}}),
    ],
)
def test_field_that_would_change_the_bytes_is_refused(field: str, value: Any) -> None:
    """
    The error names it.
    """
    with pytest.raises(InvalidMessage, match="mime are both given") as raised:
        Message.from_mime(RAW, to="a@example.org", **{field: value})

    assert field == raised.value.field


@each(
    ("raw", "problem"),
    [
        ("From: a", "mime must be bytes, not str: read the file in binary mode"),
        (None, "mime must be bytes, not NoneType"),
        (b"From: a\n\n\0", "mime contains a NUL: encode that part as base64"),
        (b"From: a\n\nx\ry", "mime contains a CR without LF"),
        (b"", "mime does not begin with a header"),
        (b"Hello\n", "mime does not begin with a header"),
        (b"From a@b Tue Nov 24\nFrom: a\n\n", "mime does not begin with a header"),
    ],
)
def test_what_is_no_mail_is_refused(raw: Any, problem: str) -> None:
    """
    Before anything is sent, with the remedy.
    """
    with pytest.raises(InvalidMessage, match=problem) as raised:
        Message.from_mime(raw, to="a@example.org")

    assert "mime" == raised.value.field


def test_json_form_carries_it() -> None:
    """
    Bytes of any kind survive.
    """
    message = Message.from_mime(b"X: \xff\n\n\xfe", to="a@example.org", from_email="b@example.com")

    assert message == Message.from_dict(message.to_dict())
    assert "WDog/woK/g==" == message.to_dict()["mime"]
