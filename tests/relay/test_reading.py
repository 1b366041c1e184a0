from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from mailfailover import Address, Feature, InvalidMessage
from mailfailover.relay.commands import read_commands
from mailfailover.relay.reading import read_mail, received
from tests.samples import each

HEAD = b"From: a@example.com\r\nTo: b@example.org\r\nSubject: x\r\n"
MAIL = HEAD + b"\r\nHello\r\n"


def test_commands_become_fields_and_leave_the_mail() -> None:
    """
    Nothing of them is left, whatever the case of their names.
    """
    raw = (
        b"X-MF-Tag: order\r\nX-mf-tag: =?utf-8?q?=C3=BC?=\r\n"
        b'X-MF-Metadata: {"order":\r\n "4711", "n": 2}\r\nX-MF-Stream: bulk\r\n'
        b"X-MF-Send-At: 2027-01-31T09:00:00+00:00\r\nX-MF-Track: opens\r\n" + MAIL
    )

    left, fields = read_commands(raw)

    assert MAIL == left
    assert {
        "tags": ("order", "ü"),
        "metadata": {"order": "4711", "n": 2},
        "stream": "bulk",
        "send_at": datetime(2027, 1, 31, 9, tzinfo=UTC),
        "track_opens": True,
        "track_clicks": False,
    } == fields


def test_time_as_mails_have_it() -> None:
    """
    A date of RFC 5322 is one too.
    """
    _, fields = read_commands(b"X-MF-Send-At: Sun, 31 Jan 2027 09:00:00 +0000\r\n" + MAIL)

    assert datetime(2027, 1, 31, 9, tzinfo=UTC) == fields["send_at"]


@each(
    ("line", "field"),
    [
        (b"X-MF-Metadata: {", "metadata"),
        (b"X-MF-Metadata: [1]", "metadata"),
        (b"X-MF-Send-At: tomorrow", "send_at"),
        (b"X-MF-Track: all", "track_opens"),
    ],
)
def test_wrong_command_is_refused(line: bytes, field: str) -> None:
    """
    The error names the header.
    """
    with pytest.raises(InvalidMessage, match=line.decode().partition(":")[0]) as raised:
        read_commands(line + b"\r\n" + MAIL)

    assert field == raised.value.field


def test_commands_to_a_vendor_are_taken_out() -> None:
    """
    They could change who gets the mail; whoever may give options to a provider keeps them.
    """
    raw = b"X-SMTPAPI: {}\r\nX-MC-Tags: a\r\n" + MAIL

    assert (MAIL, raw) == (read_commands(raw)[0], read_commands(raw, keep_vendors=True)[0])


@each(
    ("raw", "recipients", "to", "bcc"),
    [
        (MAIL, ["b@example.org"], ["b@example.org"], []),
        (MAIL, ["B@example.org", "c@example.org"], ["b@example.org"], ["c@example.org"]),
        (b"Subject: x\r\n\r\nx", ["c@example.org"], ["c@example.org"], []),
        (
            b"Subject: x\r\n\r\nx",
            ["c@example.org", "d@example.org"],
            [],
            ["c@example.org", "d@example.org"],
        ),
    ],
)
def test_envelope_decides_who_gets_it(
    raw: bytes, recipients: list[str], to: list[str], bcc: list[str]
) -> None:
    """
    Who is not in the header stays hidden.
    """
    message = read_mail(raw, "a@example.com", recipients)

    assert (to, bcc) == ([one.email for one in message.to], [one.email for one in message.bcc])


@each(
    "raw",
    [
        HEAD + b"Cc: list@example.net\r\n\r\nx\r\n",
        HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\ncut off\r\n",
        HEAD + b"Content-Type: text/plain; format=flowed\r\n\r\nx\r\n",
        b"To: root\r\n" + MAIL,
    ],
    ids=["names others", "broken", "flowed", "local name"],
)
def test_mail_that_fields_do_not_hold_goes_as_it_is(raw: bytes) -> None:
    """
    With the trace of this port above it.
    """
    trace = received("192.0.2.1", "client\r\nX: y", "ESMTPSA", "m1", "now")

    message = read_mail(raw, "a@example.com", ["b@example.org"], trace=trace)

    assert (
        b"Received: from client??X:?y ([192.0.2.1])\r\n"
        b"\tby mailfailover with ESMTPSA id m1; now\r\n" + raw
    ) == message.mime
    assert (Address("b@example.org"),) == message.to


@each(
    ("sender", "expected"),
    [
        ("a@example.com", {"envelope_from": ""}),
        ("A@example.com", {"envelope_from": ""}),
        ("", {"envelope_from": ""}),
        ("bounce@example.com", {"envelope_from": "bounce@example.com"}),
    ],
)
def test_sender_of_the_envelope(sender: str, expected: dict[str, Any]) -> None:
    """
    It says where bounces go if it is not the author; a provider that cannot do so may leave it off.
    """
    message = read_mail(MAIL, sender, ["b@example.org"])

    assert expected["envelope_from"] == message.envelope_from
    assert bool(expected["envelope_from"]) == (Feature.ENVELOPE_FROM in message.droppable)


def test_mail_of_cron_is_from_the_sender_of_its_envelope() -> None:
    """
    A From without a domain is nobody.
    """
    message = read_mail(b"From: root (Cron)\r\n\r\nx", "root@example.com", ["b@example.org"])

    assert "root@example.com" == message.sender.email
