"""
The reader of a mail's content: what stands between DATA and the lone dot (RFC 5321, 4.1.1.4).

Only CRLF, a dot and CRLF end a mail. They are looked for in what has come so far, not line by line:
most of what a server costs would be the lines.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asyncio import StreamReader
    from collections.abc import AsyncIterator

__all__ = ["LineTooLong", "MailTooLarge", "read_content"]

MAX_LINE = 1001
"""The octets of a line, with its end and with the dot that is put before a dot."""

_LONE_DOT = b".\r\n"
_END = b"\r\n" + _LONE_DOT
_LONG_LINE = re.compile(rb"(?:\A|\n)[^\n]{%d}" % MAX_LINE)


class LineTooLong(Exception):
    """
    A line of the mail is longer than SMTP allows.
    """


class MailTooLarge(Exception):
    """
    The mail has more octets than this server takes.
    """


async def read_content(reader: StreamReader, limit: int) -> bytes:
    """
    Read a mail to its end, and return it without the dots that were put before dots.

    Whatever is wrong with it, it is read to its end, and no more than *limit* octets are kept.

    Args:
        reader: The connection, behind the line with DATA.

        limit: The most octets of a mail.

    Raises:
        MailTooLarge, LineTooLong: If it is.
    """
    chunks: list[bytes] = []
    size = -len(_LONE_DOT)
    async for chunk in _chunks(reader):
        size += len(chunk)
        if size > limit:
            chunks.clear()
        else:
            chunks.append(chunk)
    if size > limit:
        raise MailTooLarge
    content = b"".join(chunks).removesuffix(_LONE_DOT)
    if _LONG_LINE.search(content):
        raise LineTooLong
    return content.removeprefix(b".").replace(b"\r\n.", b"\r\n")


async def _chunks(reader: StreamReader) -> AsyncIterator[bytes]:
    """
    Yield the content of a mail in pieces, and last those three octets that end it.
    """
    # The line end of DATA may be the beginning of what ends an empty mail.
    read = b"\r\n"
    while read[-1:] in b"\r\n.":
        yield (byte := await reader.readexactly(1))
        read = read[1 - len(_END) :] + byte
        if read == _END:
            return
    while True:
        try:
            chunk = await reader.readuntil(_END)
        except asyncio.LimitOverrunError as exc:
            yield await reader.readexactly(exc.consumed)
        else:
            yield chunk
            return
