"""
Raw MIME: the bytes of a message that go out as they are.

Only its header is looked at, and only by its lines, so that no parser and no writer can
change a byte of what is signed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mailfailover.errors import InvalidMessage

if TYPE_CHECKING:
    from collections.abc import Callable

_END_OF_HEADER = re.compile(rb"(?:\r\n|\n)(?:\r\n|\n)")
_HEADER = re.compile(rb"([!-9;-~]+)[ \t]*:[^\n]*(?:\n[ \t][^\n]*)*(?:\n|\Z)")
_LONE_CR = re.compile(rb"\r(?!\n)")
_LINE_END = re.compile(rb"\r?\n")
_FOLD = re.compile(rb"\r?\n(?=[ \t])")
_HIDDEN = ("bcc", "resent-bcc")


def check_raw(value: object) -> bytes:
    """
    Return the bytes of a MIME message, without a Bcc header.

    Raises:
        InvalidMessage: If they are no message, or no line of SMTP can carry them.
    """
    if not isinstance(value, (bytes, bytearray, memoryview)):
        message = (
            f"mime must be bytes, not {type(value).__name__}: "
            "read the file in binary mode, or use as_bytes() of a message"
        )
        raise InvalidMessage(message, field="mime")
    raw = bytes(value)
    if b"\0" in raw:
        message = "mime contains a NUL: encode that part as base64"
        raise InvalidMessage(message, field="mime")
    if _LONE_CR.search(raw):
        message = "mime contains a CR without LF: end its lines alike, or encode the part as base64"
        raise InvalidMessage(message, field="mime")
    if not _HEADER.match(raw):
        message = "mime does not begin with a header: pass a whole message, From and all"
        raise InvalidMessage(message, field="mime")
    return without_headers(raw, _HIDDEN.__contains__)


def split_raw(raw: bytes) -> tuple[bytes, bytes]:
    """
    Return the header of *raw*, its last line end included, and all that follows.
    """
    found = _END_OF_HEADER.search(raw)
    if not found:
        return raw, b""
    end = raw.index(b"\n", found.start()) + 1
    return raw[:end], raw[end:]


def raw_headers(raw: bytes, name: str) -> list[str]:
    """
    Return each value of the header *name*, on one line, not decoded.
    """
    header, _ = split_raw(raw)
    wanted = name.lower().encode()
    found = []
    for line in _HEADER.finditer(header):
        if line[1].lower() == wanted:
            value = _FOLD.sub(b"", line[0]).partition(b":")[2]
            found.append(value.strip(b" \t\r\n").decode("utf-8", "surrogateescape"))
    return found


def raw_header(raw: bytes, name: str) -> str:
    """
    Return the first value of the header *name*, "" where there is none.
    """
    return next(iter(raw_headers(raw, name)), "")


def with_network_line_ends(raw: bytes) -> bytes:
    """
    Return *raw* with each line ended by CRLF, as it goes over a wire and as it is signed.
    """
    count = raw.count(b"\n")
    return raw if count == raw.count(b"\r\n") else _LINE_END.sub(b"\r\n", raw)


def without_headers(raw: bytes, is_unwanted: Callable[[str], bool]) -> bytes:
    """
    Return *raw* without the headers whose name, in lower case, is unwanted.
    """
    header, rest = split_raw(raw)

    def keep(line: re.Match[bytes]) -> bytes:
        return b"" if is_unwanted(line[1].lower().decode()) else line[0]

    kept = _HEADER.sub(keep, header)
    return raw if kept == header else kept + rest
