from __future__ import annotations

import email
from datetime import UTC, datetime, timedelta, timezone
from email import headerregistry
from email.header import Header
from email.message import EmailMessage
from typing import Any

import pytest

from mailfailover._message.address import Address
from mailfailover._message.message import Message
from mailfailover._message.mime_reader import read_fields
from mailfailover.errors import InvalidMessage
from tests.samples import each

BODY = {"text": "", "html": "", "alternatives": (), "attachments": ()}


def read(head: str) -> dict[str, Any]:
    """
    The fields of a mail with this header and no body.
    """
    fields = read_fields(f"{head}\n\n".encode("utf-8", "surrogateescape"))
    assert BODY.items() <= fields.items()
    return {name: value for name, value in fields.items() if name not in BODY and value != {}}


@each(
    ("head", "expected"),
    [
        ("To: a@b.example", {"to": (Address("a@b.example"),)}),
        ("CC: Jane <a@B.example>", {"cc": (Address("a@b.example", "Jane"),)}),
        ("Bcc: a@b.example", {"bcc": (Address("a@b.example"),)}),
        ("Reply-To: a@b.example", {"reply_to": (Address("a@b.example"),)}),
        (
            "To: a@b.example\nTo: c@d.example",
            {"to": (Address("a@b.example"), Address("c@d.example"))},
        ),
        (
            "To: =?utf-8?q?J=C3=B6?=\n =?utf-8?q?rg=2C_D?= <a@b.example>",
            {"to": (Address("a@b.example", "Jörg, D"),)},
        ),
        (
            'To: "=?utf-8?q?J=C3=B6?=" <a@b.example>',
            {"to": (Address("a@b.example", "Jö"),)},
        ),
        ("To: Jö <jö@b.example>", {"to": (Address("jö@b.example", "Jö"),)}),
        ("To: undisclosed-recipients:;", {"to": ()}),
        ("To: a@b.example (Jane D)", {"to": (Address("a@b.example", "Jane D"),)}),
        ("To: root", {"to": ("root",)}),
        ("From: a@b.example", {"from_email": Address("a@b.example")}),
        ("From: root (Cron Daemon)", {"from_email": None}),
        ("From:", {"from_email": None}),
        ("Subject: =?iso-8859-1?q?Gr=FC=DFe?=\n\taus Bonn", {"subject": "Grüße aus Bonn"}),
        ("Subject:", {"subject": ""}),
        (
            "Date: Tue, 24 Nov 2026 09:30:00 +0100",
            {"created": datetime(2026, 11, 24, 9, 30, tzinfo=timezone(timedelta(hours=1)))},
        ),
        (
            "Date: Tue, 24 Nov 2026 08:30:00 -0000",
            {"created": datetime(2026, 11, 24, 8, 30, tzinfo=UTC)},
        ),
        ("Message-ID: <a@b.example>", {"headers": {"Message-ID": ("<a@b.example>",)}}),
        ("X-A: =?utf-8?q?=C3=BC?=", {"headers": {"X-A": ("ü",)}}),
        (
            "X-Cron-Env: <A=1>\nx-cron-env: <B=2>",
            {"headers": {"X-Cron-Env": ("<A=1>", "<B=2>")}},
        ),
    ],
)
def test_header(head: str, expected: dict[str, Any]) -> None:
    """
    Each header becomes its field; what has none stays a header.
    """
    assert expected == read(head)


@each(
    "name",
    [
        "Received",
        "Return-Path",
        "Delivered-To",
        "ARC-Seal",
        "Authentication-Results",
        "Received-SPF",
        "X-Mailgun-Sid",
        "X-SMTPAPI",
        "X-MC-Tags",
        "MIME-Version",
    ],
)
def test_trace_of_another_journey_is_left_out(name: str) -> None:
    """
    What servers and vendors wrote, or would obey, does not travel again.
    """
    assert {} == read(f"{name}: x")


@each(
    ("head", "expected"),
    [
        (
            (
                "List-Unsubscribe: <https://a.example/u>, <mailto:u@a.example>\n"
                "List-Unsubscribe-Post: List-Unsubscribe=One-Click"
            ),
            {"unsubscribe": ("https://a.example/u", "mailto:u@a.example")},
        ),
        ("List-Unsubscribe: <mailto:u@a.example>", {"unsubscribe": ("mailto:u@a.example",)}),
        (
            "List-Unsubscribe: <https://a.example/u>",
            {"headers": {"List-Unsubscribe": ("<https://a.example/u>",)}},
        ),
        (
            "List-Unsubscribe: <http://a.example/u>",
            {"headers": {"List-Unsubscribe": ("<http://a.example/u>",)}},
        ),
        (
            "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
            {"headers": {"List-Unsubscribe-Post": ("List-Unsubscribe=One-Click",)}},
        ),
    ],
)
def test_unsubscribe(head: str, expected: dict[str, Any]) -> None:
    """
    It becomes the field only where the field writes the same again.
    """
    assert expected == read(head)


@each(
    ("head", "field", "problem"),
    [
        (
            "From: a@b.example\nFrom: c@d.example",
            "from_email",
            "'From' stands there more than once",
        ),
        ("Subject: a\nsubject: b", "subject", "'Subject' stands there more than once: keep one"),
        ("Date: a\nDate: b", "created", "more than once"),
        ("Message-ID: <a>\nMessage-ID: <b>", "headers", "more than once"),
        ("Date: yesterday", "created", "is no RFC 5322 date: correct it or take it out"),
        ("Date: Tue, 24 Nov 2026 99:30:00 +0100", "created", "is no RFC 5322 date"),
        ("To: a b@c.example", "to", "to is not a valid address"),
        ("To: a@evil.example <b@c.example>", "to", "a special character outside quotes"),
        ("To: a@b.example; c@d.example", "to", "to is not a valid address"),
        ("To: =?utf-8?q?a=2C?= b@c.example", "to", "to is not a valid address"),
        ("Subject: \udcff", "subject", "subject does not fit its charset 'utf-8'"),
        ("X-A: \udcff", "headers", "headers['X-A'] does not fit its charset 'utf-8'"),
        ("Subject: =?x-no?q?a?=", "subject", "subject has the unknown charset 'x-no'"),
    ],
)
def test_broken_header_is_refused(head: str, field: str, problem: str) -> None:
    """
    The error names the field and the problem, never the address.
    """
    with pytest.raises(InvalidMessage) as raised:
        read(head)

    assert problem in str(raised.value)
    assert field == raised.value.field
    assert "c.example" not in str(raised.value)


@each(
    ("head", "sender"),
    [
        ("From: a@b.example\nSender: s@b.example", "a@b.example"),
        ("From: a@b.example, c@d.example\nSender: s@b.example", "a@b.example"),
        ("From: a@b.example\nDKIM-Signature: v=1", "a@b.example"),
        ("From: a@b.example\nResent-To: c@d.example", "a@b.example"),
        ("From: a@b.example\nContent-Language: de", "a@b.example"),
        ("From: a@b.example\nReply-To: Team: c@d.example;", "a@b.example"),
        ("Sender: s@b.example", "s@b.example"),
    ],
)
def test_header_that_no_field_holds(head: str, sender: str) -> None:
    """
    The whole mail goes as it is, to all that its header names.
    """
    raw = f"{head}\nTo: x@y.example\nCc: x@y.example, z@y.example\n\nx".encode()

    message = Message.from_email_message(raw)

    assert (raw, ("x@y.example", "z@y.example"), sender) == (
        message.mime,
        tuple(one.email for one in message.to),
        message.sender.email,
    )


def test_sender_that_is_the_author_says_nothing_more() -> None:
    """
    Some programs write both.
    """
    assert {"from_email": Address("a@b.example")} == read("From: a@b.example\nSender: a@b.example")


@each(
    "head",
    [
        "Subject: =?utf-8?q?a=0D=0ABcc=3A_x=40y.example?=",
        "X-A: =?utf-8?q?a=0A?=",
        "To: =?utf-8?q?a=0A?= <a@b.example>",
    ],
)
def test_line_break_in_an_encoded_word_is_refused(head: str) -> None:
    """
    No header of the new mail can be made that way.
    """
    with pytest.raises(InvalidMessage, match="contains the control character U\\+000"):
        Message.from_email_message(f"{head}\n\n".encode())


def test_field_given_beside_takes_precedence() -> None:
    """
    A mail of cron goes where its reader says.
    """
    message = Message.from_email_message(b"From: root\nTo: root\n\nx", to="admin@a.example")

    assert (Address("admin@a.example"),) == message.to


def test_recipient_without_a_domain_is_refused() -> None:
    """
    Nobody but the local machine knows whose it is.
    """
    with pytest.raises(InvalidMessage, match="it is not of the form local@domain") as raised:
        Message.from_email_message(b"To: root\n\nx")

    assert "to" == raised.value.field


def test_headers_set_by_a_program_are_plain_unicode() -> None:
    """
    What looks like an encoded word there is text.
    """
    message = EmailMessage()
    message["Subject"] = "Grüße"
    message["To"] = headerregistry.Address("Doe, Jö", "jane", "b.example")
    message["X-A"] = Header("ü", "utf-8").encode()

    found = Message.from_email_message(message)

    assert ("Grüße", (Address("jane@b.example", "Doe, Jö"),), {"X-A": "ü"}) == (
        found.subject,
        found.to,
        found.headers,
    )


def test_headers_of_the_older_interface() -> None:
    """
    A Header object is Unicode, a str is what stands in the file.
    """
    message = email.message.Message()
    message["Subject"] = Header("Grüße", "utf-8")  # type: ignore[assignment]  # as programs do
    message["X-A"] = "=?utf-8?q?=C3=BC?="

    found = Message.from_email_message(message)

    assert ("Grüße", {"X-A": "ü"}) == (found.subject, found.headers)
