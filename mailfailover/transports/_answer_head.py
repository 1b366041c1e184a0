"""
The headers of an answer, read without the standard library's parser of e-mail.

That parser takes a third of the CPU of a whole call: it knows MIME, defects and policies,
none of which HTTP has (RFC 9112, 5).
"""

from __future__ import annotations

from http.client import HTTPException, LineTooLong
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from io import BufferedReader

MAX_LINE = 65536
MAX_HEADERS = 100
"""The limits of the standard library's parser, kept."""

_SPACE = " \t\r\n"  # str.strip alone takes away a no-break space too
_ENDS = (b"\r\n", b"\n", b"")


def read_headers(stream: BufferedReader) -> dict[str, str]:
    """
    Read header lines up to the empty one; the names come in lower case.

    Repeated ones are joined with a comma (RFC 9110, 5.3). A line that is no header is passed
    by: the status came first, and it counts.

    Raises:
        LineTooLong: If a line is longer than 64 KiB.
        HTTPException: If there are more than 100 lines.
    """
    headers: dict[str, str] = {}
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
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        if line in _ENDS:
            return headers
        name, colon, value = text.partition(":")
        name = name.lower() if colon and name == name.strip(_SPACE) else ""
        value = value.strip(_SPACE)
    raise HTTPException(f"got more than {MAX_HEADERS} headers")
