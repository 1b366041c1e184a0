"""
The headers of an answer, read without the standard library's parser of e-mail.

That parser takes a third of the CPU of a whole call: it knows MIME, defects and policies,
none of which HTTP has (RFC 9112, 5).
"""

from __future__ import annotations

from http.client import HTTPException, HTTPMessage, LineTooLong
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from io import BufferedReader

MAX_LINE = 65536
MAX_HEADERS = 100
"""The limits of the standard library's parser, kept."""

_SPACE = " \t\r\n"  # str.strip alone takes away a no-break space too
_ENDS = (b"\r\n", b"\n", b"")


def read_headers(stream: BufferedReader) -> HTTPMessage:
    """
    Read header lines up to the empty one.

    A line that is no header is passed by: the status came first, and it counts.

    Raises:
        LineTooLong: If a line is longer than 64 KiB.
        HTTPException: If there are more than 100 lines.
    """
    message = HTTPMessage()
    name = value = ""
    for _ in range(MAX_HEADERS + 1):
        line = stream.readline(MAX_LINE + 1)
        if len(line) > MAX_LINE:
            raise LineTooLong("header line")
        text = line.decode("iso-8859-1")
        if (
            text[:1] in (" ", "\t") and name and text.strip(_SPACE)
        ):  # folded, which was allowed once
            value = f"{value} {text.strip(_SPACE)}"
            continue
        if name:
            message.set_raw(name, value)  # meant for parsers, as this is one
        if line in _ENDS:
            return message
        name, colon, value = text.partition(":")
        name = name if colon and name == name.strip(_SPACE) else ""
        value = value.strip(_SPACE)
    raise HTTPException(f"got more than {MAX_HEADERS} headers")
