"""
The headers of an answer, read without the standard library's parser of e-mail.

That parser takes a third of the CPU of a whole call: it knows MIME, defects and policies,
none of which HTTP has (RFC 9112, 5).
"""

from __future__ import annotations

import re
from http.client import HTTPException, LineTooLong
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from io import BufferedReader

MAX_LINE = 65536
MAX_HEADERS = 100
"""The limits of the standard library's parser, kept."""

_ENDS = (b"\r\n", b"\n", b"")
_FOLD = re.compile(r"\r?\n[ \t]+")  # which was allowed once
_FIELD = re.compile(r"^([^\s:]+):(.*)$", re.MULTILINE)
_SPACE = " \t\r"


def read_headers(stream: BufferedReader) -> dict[str, str]:
    """
    Read header lines up to the empty one, as :func:`read_fields` does.

    Raises:
        LineTooLong: If a line is longer than 64 KiB.
        HTTPException: If there are more than 100 lines.
    """
    lines: list[bytes] = []
    while (line := stream.readline(MAX_LINE + 1)) not in _ENDS:
        if len(line) > MAX_LINE:
            raise LineTooLong("header line")
        lines.append(line)
        if len(lines) > MAX_HEADERS:
            raise HTTPException(f"got more than {MAX_HEADERS} headers")
    return read_fields(b"".join(lines))


def read_fields(head: bytes) -> dict[str, str]:
    """
    Return the fields by their names in lower case; those given twice are joined (5.3).

    A line that is none is passed by: the status came first, and it counts.

    Raises:
        HTTPException: If there are more than 100.
    """
    text = head.decode("iso-8859-1")
    if "\n " in text or "\n\t" in text:
        text = _FOLD.sub(" ", text)
    found = _FIELD.findall(text)
    if len(found) > MAX_HEADERS:
        raise HTTPException(f"got more than {MAX_HEADERS} headers")
    fields: dict[str, str] = {}
    for given, value in found:
        name = given.lower()
        own = value.strip(_SPACE)
        fields[name] = f"{fields[name]}, {own}" if name in fields else own
    return fields
