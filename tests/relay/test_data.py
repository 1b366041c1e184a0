"""
The content of a mail, between DATA and the lone dot.
"""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailfailover.relay.data import MAX_LINE, LineTooLong, MailTooLarge, read_content

SMALL = 16
"""So little waits to be read that most mails come in pieces."""


def read(sent: bytes, limit: int = 10_000) -> tuple[bytes, bytes]:
    """
    The mail that *sent* begins with, and what is left behind it.
    """

    async def run() -> tuple[bytes, bytes]:
        reader = asyncio.StreamReader(limit=SMALL)
        reader.feed_data(sent)
        reader.feed_eof()
        return await read_content(reader, limit), await reader.read()

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("sent", "content"),
    [
        (b".\r\n", b""),
        (b"\r\n.\r\n", b"\r\n"),
        (b"a\r\n.\r\n", b"a\r\n"),
        (b"..\r\n.\r\n", b".\r\n"),
        (b"a\r\n..b\r\n...\r\n.\r\n", b"a\r\n.b\r\n..\r\n"),
        (b"\r\r\n.\r\n", b"\r\r\n"),
        (b".\r\r\n.\r\n", b"\r\r\n"),
        (b"\n.\n\r\n.\r\n", b"\n.\n\r\n"),
        (b"a\n.\r\nb\r.\r\r\n.\r\n", b"a\n.\r\nb\r.\r\r\n"),
        (b"x" * 100 + b"\r\n.\r\n", b"x" * 100 + b"\r\n"),
    ],
)
def test_mail_ends_at_the_lone_dot(sent: bytes, content: bytes) -> None:
    """
    Nowhere else, and what comes behind it is the next command.
    """
    assert (content, b"NOOP\r\n.\r\n") == read(sent + b"NOOP\r\n.\r\n")


@given(st.lists(st.sampled_from([b"\r", b"\n", b".", b"\r\n", b"a", b"\r\n."]), max_size=60))
def test_any_mail_comes_back(pieces: list[bytes]) -> None:
    """
    Whatever it is made of, as a client writes it: each dot at a line's start is doubled.
    """
    mail = b"".join(pieces) + b"\r\n"
    sent = (b"\r\n" + mail).replace(b"\r\n.", b"\r\n..").removeprefix(b"\r\n") + b".\r\n"

    assert (mail, b"QUIT\r\n") == read(sent + b"QUIT\r\n")


def test_large_mail_is_read_to_its_end() -> None:
    """
    The next command is not taken for a part of it.
    """

    async def run() -> bytes:
        reader = asyncio.StreamReader(limit=SMALL)
        reader.feed_data(b"ab\r\n" * 100 + b".\r\nQUIT\r\n")
        reader.feed_eof()
        with pytest.raises(MailTooLarge):
            await read_content(reader, 399)
        return await reader.read()

    assert b"QUIT\r\n" == asyncio.run(run())
    assert b"ab\r\n" * 100 == read(b"ab\r\n" * 100 + b".\r\n", 400)[0]


def test_long_line_is_refused() -> None:
    """
    A line of 998 octets and a dot is not yet too long.
    """
    longest = b"x" * 998 + b"\r\n"

    assert longest == read(longest + b".\r\n")[0]
    with pytest.raises(LineTooLong):
        read(b"y" * MAX_LINE + b"\r\n.\r\n")


def test_client_that_hangs_up() -> None:
    """
    Half a mail is no mail.
    """
    with pytest.raises(asyncio.IncompleteReadError):
        read(b"half\r\n")
