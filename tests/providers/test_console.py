from __future__ import annotations

import io
import sys

import pytest

from mailfailover.errors import ConfigurationError, OutcomeUnknown, ProviderUnavailable
from mailfailover.plugin import Attachment, Message
from mailfailover.providers.console import Console
from mailfailover.testing import PLAIN, RICH, ProviderContract
from mailfailover.testing._marked import MARKED, find_marks

RULE = "-" * 72
PLAIN_TEXT = f"""\
{RULE}
From: The Shop <shop@example.com>
To: Ann <ann@example.org>
Subject: Your order
Message-ID: <plain@example.com>
Mail-Id: plain
Envelope-From: shop@example.com
Envelope-To: ann@example.org
Stream: transactional
[text]
    It is on its way.

{RULE}
"""
RICH_TEXT = f"""\
{RULE}
From: The Shop <shop@example.com>
To: Ann <ann@example.org>, Bob <bob@example.net>
Cc: Cat <cat@example.edu>
Reply-To: help@example.com
Subject: Your order
Message-ID: <rich@example.com>
X-Order: 1234
Mail-Id: rich
Envelope-From: shop@example.com
Envelope-To: ann@example.org, bob@example.net, cat@example.edu, dan@example.org
Bcc: dan@example.org
Tag: order
Stream: transactional
Metadata: {{"order": "1234"}}
Track-Opens: yes
Track-Clicks: no
Attachment: report.pdf (application/pdf, 15 bytes)
Attachment: logo.png (image/png, 68 bytes, inline as cid:logo)
[text]
    It is on its way.

[html]
    <p>It is <b>on its way</b>.</p><img src="cid:logo">
{RULE}
"""


class TestConsole(ProviderContract):
    provider = Console()


@pytest.mark.parametrize(("message", "text"), [(PLAIN, PLAIN_TEXT), (RICH, RICH_TEXT)], ids=str)
def test_mail_is_printed_readably(
    message: Message, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    All of a mail is printed to standard error, its files by name and size.
    """
    Console().send(message)

    assert ("", text) == capsys.readouterr()


def test_standard_output_can_be_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    """
    With ``stream="stdout"`` it prints there.
    """
    Console(stream="stdout").send(PLAIN)

    assert (PLAIN_TEXT, "") == capsys.readouterr()


@pytest.mark.parametrize("message", MARKED.values(), ids=MARKED)
def test_nothing_is_lost(message: Message, capsys: pytest.CaptureFixture[str]) -> None:
    """
    Every field is printed; of files it is name, type and size.
    """
    unseen = {"zqcontentqz", "zqothercontentqz", "zqimageqz"}

    Console().send(message)

    printed = capsys.readouterr().err.lower()
    assert {mark for mark in find_marks(message) if mark not in printed} <= unseen


def test_terminal_is_safe(capsys: pytest.CaptureFixture[str]) -> None:
    """
    No character of a mail moves the cursor, colours the terminal or reverses the text.
    """
    evil = "\x1b[2J\x1b]0;title\x07 \x9b31m \r \x08 \u202egnp.exe \x7f\tend"

    Console().send(PLAIN.replace(text=evil, subject="a\u202eb"))

    printed = capsys.readouterr().err
    assert {"\n", "\t"} == {c for c in printed if not c.isprintable()}
    assert r"    \x1b[2J\x1b]0;title\x07 \x9b31m \r \x08 \u202egnp.exe \x7f" + "\tend\n" in printed


def test_body_cannot_pass_for_a_header(capsys: pytest.CaptureFixture[str]) -> None:
    """
    Every line of a body is indented.
    """
    Console().send(PLAIN.replace(text=f"a\r\n{RULE}\nBcc: eve@example.com"))

    assert f"    a\n    {RULE}\n    Bcc: eve@example.com\n" in capsys.readouterr().err


def test_files_are_not_read(capsys: pytest.CaptureFixture[str]) -> None:
    """
    A file's name and size do.
    """
    Console().send(PLAIN.replace(attachments=Attachment("big.bin", bytes(10**6))))

    assert "big.bin (application/octet-stream, 1000000 bytes)" in capsys.readouterr().err


def test_stream_of_small_encoding_gets_escapes(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A terminal that cannot show a character shows its number.
    """
    stream = io.TextIOWrapper(io.BytesIO(), "ascii")
    monkeypatch.setattr(sys, "stderr", stream)

    Console().send(PLAIN.replace(subject="für"))

    stream.seek(0)
    assert "Subject: f\\xfcr\n" in stream.read()


@pytest.mark.parametrize("stream", [None, "closed"])
def test_missing_stream_is_told(stream: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Without a stream nothing is printed, and it says so.
    """
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stderr", closed if stream else None)

    for call in (Console().ping, lambda: Console().send(PLAIN)):
        with pytest.raises(ProviderUnavailable, match="nothing was printed"):
            call()


def test_broken_stream_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    When the disk behind the stream is full, nobody knows how much of the mail is printed.
    """
    with open("/dev/full", "w", encoding="utf-8") as full:  # noqa: PTH123 -- a device
        monkeypatch.setattr(sys, "stderr", full)

        with pytest.raises(OutcomeUnknown, match=r"No space left on device.*printed in part"):
            Console().send(PLAIN)

        monkeypatch.undo()
        with pytest.raises(OSError, match="No space"):
            full.close()


def test_ping_succeeds(capsys: pytest.CaptureFixture[str]) -> None:
    """
    A ping prints nothing.
    """
    Console().ping()

    assert ("", "") == capsys.readouterr()


def test_other_stream_is_refused() -> None:
    """
    Only the two standard streams can be named.
    """
    with pytest.raises(ConfigurationError, match="'stderr' or 'stdout'"):
        Console(stream="/etc/passwd")
