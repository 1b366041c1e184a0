"""
The head of an answer: its status line, its fields, and how long a body they announce.

Nothing is forgiven that two readers could understand differently (RFC 9112, 11.2): what one
of them takes for the end of an answer, the other takes for the answer to the next mail.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from http.client import HTTPException
from typing import TYPE_CHECKING, Any

from mailfailover._values.frozen import FrozenDict

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_HEAD = 64 * 1024
"""The largest head, and the largest part of a body that is not the body's own bytes."""

MAX_FIELDS = 100


class UnreadableAnswerError(Exception):
    """
    The vendor answered, and the rest of its answer cannot be relied on.
    """


_VALUE = r"[\t\x20-\x7e\x80-\xff]*"
_FRAMING = r"transfer-encoding|content-encoding|connection(?!: keep-alive\r)"
"""What says how to read a body, except for its length."""

_STATUS_LINE = re.compile(rf"HTTP/1\.([01]) ([1-9][0-9]{{2}})(?: {_VALUE})?\r\n")
_FIELD = re.compile(rf"^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*({_VALUE})\r\n", re.MULTILINE)
_USUAL_FIELD = rf"(?!{_FRAMING})[!#$%&'*+.^_`|~0-9a-z-]++:{_VALUE}+\r\n"
_USUAL = re.compile(rf"\r\n(?:{_USUAL_FIELD}){{1,{MAX_FIELDS}}}+")
_FOLD = re.compile(r"[ \t]*\r\n[ \t]+")  # obsolete, but to be read as a space (RFC 9112, 5.2)
_BARE = re.compile(rb"(?<!\r)\n|\r(?=[^\n])")
_LENGTHS = re.compile(r"([0-9]{1,20})(?:[ \t]*,[ \t]*\1)*")


def read_status_line(text: str) -> tuple[str, int, int]:
    """
    Return the minor version, the status, and where the first field of the head *text* starts.

    Raises:
        HTTPException: If *text* begins with anything but a whole status line of HTTP/1.
    """
    found = _STATUS_LINE.match(text)
    if found is None:
        raise HTTPException("no status line")
    return found[1], int(found[2]), found.end()


def read_fields(text: str) -> dict[str, str]:
    """
    Return the fields of *text* by their names in lower case; repeated ones are joined (5.3).

    Raises:
        UnreadableAnswerError: If a line is no field, or there are more than 100.
    """
    if "\r\n " in text or "\r\n\t" in text:
        text = _FOLD.sub(" ", text)
    found = _FIELD.findall(text)
    # Each match is one line from its start to its end: all lines are fields if none is left.
    if len(found) != text.count("\n"):
        raise UnreadableAnswerError("a line of its head is no field")
    if len(found) > MAX_FIELDS:
        raise UnreadableAnswerError(f"its head has more than {MAX_FIELDS} fields")
    fields: dict[str, str] = {}
    for given, value in found:
        name = given.lower()
        own = value.rstrip(" \t")
        fields[name] = f"{fields[name]}, {own}" if name in fields else own
    return fields


def is_usual(text: str, size: int) -> bool:
    """
    Whether *text*, from the end of its status line on, announces a plain body of *size* bytes.

    No field of such a head matters to the reader of the body, and all of them can be read later.
    """
    lower = text.lower()
    return (
        f"\ncontent-length: {size}\r" in lower
        and lower.count("content-length") == 1
        and _USUAL.fullmatch(lower) is not None
    )


class LazyFields(Mapping[str, str]):
    """
    The fields of a usual head, read when somebody asks for one: for most mails, nobody does.
    """

    __slots__ = ("_found", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        self._found: dict[str, str] | None = None

    def _fields(self) -> dict[str, str]:
        if self._found is None:
            self._found = read_fields(self._text)
        return self._found

    def __getitem__(self, name: str) -> str:
        return self._fields()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields())

    def __len__(self) -> int:
        return len(self._fields())

    def __hash__(self) -> int:
        return hash(FrozenDict(self))

    def __reduce__(self) -> tuple[Any, ...]:
        return FrozenDict, (self._fields(),)

    def __repr__(self) -> str:
        return repr(self._fields())


def read_length(fields: dict[str, str]) -> int | None:
    """
    Return the Content-Length of *fields*, None where they have none.

    Raises:
        UnreadableAnswerError: If it is no number, or there are two that differ.
    """
    value = fields.get("content-length")
    if value is None:
        return None
    found = _LENGTHS.fullmatch(value)
    if found is None:
        raise UnreadableAnswerError("its Content-Length is no number, or several that differ")
    return int(found[1])


def is_chunked(fields: dict[str, str]) -> bool:
    """
    Whether the body comes in chunks.

    Raises:
        UnreadableAnswerError: If *fields* name any other transfer coding, or this one twice.
    """
    coding = fields.get("transfer-encoding")
    if coding is None:
        return False
    if coding.lower() != "chunked":
        raise UnreadableAnswerError("its Transfer-Encoding is not exactly chunked")
    return True


def check_line_ends(data: bytes | bytearray, start: int = 0) -> None:
    """
    Check that no line of *data* ends in a bare CR or LF.

    Raises:
        UnreadableAnswerError: If one does.
    """
    if _BARE.search(data, max(start - 1, 0)):
        raise UnreadableAnswerError("a line of it does not end in CR LF")
