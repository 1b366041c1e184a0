"""
The parts of a report: what a server wrote in words and in fields, and the header it returned.

Only so much of each part is looked at as a report needs, whatever comes: a returned mail of
50 MB costs a search for its boundary.
"""

from __future__ import annotations

import quopri
import re
from base64 import b64decode
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from mailfailover.bounces.fields import Fields
from mailfailover.bounces.paragraphs import returned_header
from mailfailover.bounces.part_text import decoded, without_tags

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Report", "open_report"]

MAX_HEADER = 64 * 1024
MAX_TEXT = 128 * 1024
MAX_PARTS = 32
MAX_DEPTH = 4
MAX_GROUPS = 1000

_END_OF_HEADER = re.compile(rb"(?:(?<=\n)|\A)\r?\n")
_FIRST_LINE = re.compile(rb"\s*--([^\r\n]{1,70})\r?\n")
_BLANK_LINE = re.compile(r"\n[ \t]*\n")
_RECIPIENT = re.compile(r"^((?:final|original)-recipient)[ \t]*:", re.IGNORECASE | re.MULTILINE)
_NO_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")
_REPORTS = ("message/delivery-status", "message/global-delivery-status")
_COMPLAINTS = ("message/feedback-report",)
_RETURNED = (
    "message/rfc822",
    "message/global",
    "text/rfc822-headers",
    "text/rfc822-header",
    "message/rfc822-headers",
    "message/global-headers",
)


@dataclass(slots=True)
class Report:
    """
    A mail that may be a report.

    Attributes:
        header: Its own header.

        text: What it says in words, with the mail that it returns if that stands in its text.

        groups: The fields of its delivery reports: those of the mail, then of each recipient.

        complaint: The fields of a complaint.

        returned: The header of the mail that it returns, empty where it returns none.
    """

    header: Fields
    text: str = ""
    groups: tuple[Fields, ...] = ()
    complaint: Fields | None = None
    returned: Fields = field(default_factory=partial(Fields, ""))


class _Span(NamedTuple):
    """
    A part of a mail: its header, and where its content lies.
    """

    header: Fields
    start: int
    end: int


def open_report(raw: bytes) -> Report:
    """
    Read the parts of a mail. Whatever *raw* is, there is a report, and no exception.
    """
    start = len(raw[:MAX_HEADER]) - len(raw[:MAX_HEADER].lstrip())
    if raw.startswith((b"From ", b">From "), start):  # what mbox and pipes put before a mail
        start = raw.find(b"\n", start, start + 1000) + 1
    whole = _open(raw, start, len(raw))
    report = Report(whole.header)
    plain: list[str] = []
    rich: list[str] = []
    for part in _leaves(raw, whole):
        kind = part.header.content_type
        if kind in _RETURNED:
            report.returned = report.returned or _returned(raw, part)
        elif kind in _REPORTS:
            report.groups += _groups(_content(raw, part, MAX_TEXT))
        elif kind in _COMPLAINTS:
            # Some servers put a blank line between the fields.
            text = _BLANK_LINE.sub("\n", _content(raw, part, MAX_HEADER).strip())
            report.complaint = report.complaint or Fields(text)
        elif kind == "text/html":
            rich.append(without_tags(_content(raw, part, MAX_TEXT)))
        elif kind.startswith(("text/", "multipart/")):  # one that could not be cut
            plain.append(_content(raw, part, MAX_TEXT))
    report.text = "\n".join(plain if any(map(str.strip, plain)) else rich)[:MAX_TEXT]
    report.returned = report.returned or Fields(returned_header(report.text))
    if not report.groups and whole.header.parameter("report-type") == "delivery-status":
        # A relay on the way has damaged the boundaries.
        report.groups = tuple(one for one in _groups(report.text) if one.get("final-recipient"))
    return report


def _open(raw: bytes, start: int, end: int) -> _Span:
    """
    Read the header of the part that lies between *start* and *end*.
    """
    limit = min(end, start + MAX_HEADER)
    found = _END_OF_HEADER.search(raw, start, limit)
    stop = found.end() if found else limit
    return _Span(Fields(decoded(raw[start:stop])), stop, end)


def _leaves(raw: bytes, whole: _Span) -> Iterator[_Span]:
    """
    Yield the parts that hold no others, in their order.
    """
    waiting = [(whole, 0)]
    is_report = whole.header.content_type == "multipart/report"
    for _ in range(MAX_PARTS):
        if not waiting:
            return
        part, depth = waiting.pop(0)
        if part.header.content_type == "message/rfc822" and not is_report:
            inner = _open(raw, part.start, part.end)
            # The report was forwarded by another mail.
            part = inner if inner.header.content_type == "multipart/report" else part
        if part.header.content_type.startswith("multipart/") and depth < MAX_DEPTH:
            waiting[:0] = [(one, depth + 1) for one in _inner(raw, part)]
        else:
            yield part


def _inner(raw: bytes, part: _Span) -> list[_Span]:
    """
    Cut a multipart into its parts; where its boundary is not in it, it is one text.

    Servers that fold the header in a wrong way lose the boundary: then the first line tells it.
    """
    boundary = part.header.parameter("boundary").encode("utf-8", "surrogateescape")
    guess = _FIRST_LINE.match(raw, part.start, min(part.end, part.start + 200))
    if not boundary and guess:
        boundary = guess[1]
    mark = b"--" + boundary
    lines = _lines(raw, part, mark) if boundary else []
    if not lines:
        return [_Span(Fields(""), part.start, part.end)]
    return [
        _open(raw, raw.find(b"\n", line, end) + 1 or end, end)
        for line, end in zip(lines, [*lines[1:], part.end], strict=True)
        if not raw.startswith(b"--", line + len(mark))
    ]


def _lines(raw: bytes, part: _Span, mark: bytes) -> list[int]:
    """
    Return where the lines of a part begin that begin with *mark*, up to the closing one.
    """
    found: list[int] = []
    at = part.start - 1 if raw.startswith(mark, part.start) else _next(raw, part.start, part, mark)
    while at is not None and len(found) <= MAX_PARTS:
        found.append(at + 1)
        if raw.startswith(b"--", at + 1 + len(mark)):
            break
        at = _next(raw, at + 1, part, mark)
    return found


def _next(raw: bytes, start: int, part: _Span, mark: bytes) -> int | None:
    at = raw.find(b"\n" + mark, start, part.end)
    return None if at < 0 else at


def _content(raw: bytes, part: _Span, limit: int) -> str:
    """
    Return the first *limit* bytes of a part as text, decoded.
    """
    content = raw[part.start : min(part.end, part.start + limit)]
    if part.header.encoding == "base64":
        digits = _NO_BASE64.sub(b"", content)
        content = b64decode(digits[: len(digits) // 4 * 4])
    elif part.header.encoding == "quoted-printable":
        content = quopri.decodestring(content)
    charset = part.header.parameter("charset")
    return decoded(content, charset if charset.lower() not in ("", "us-ascii") else "utf-8")


def _returned(raw: bytes, part: _Span) -> Fields:
    content = _content(raw, part, MAX_HEADER).lstrip("\n")
    return Fields(content.partition("\n\n")[0])


def _groups(text: str) -> tuple[Fields, ...]:
    """
    Return the groups of a delivery report; some servers leave out the blank line between them.
    """
    groups: list[str] = []
    for group in _BLANK_LINE.split(text):
        first = _RECIPIENT.search(group)
        again = first and group.lower().find(f"\n{first[1].lower()}:", first.end())
        name = re.escape(first[1]) if first and again and again > 0 else ""
        groups += re.split(rf"\n(?={name}:)", group, flags=re.IGNORECASE) if name else [group]
    found = [Fields(one.lstrip("\n")) for one in groups[:MAX_GROUPS]]
    return tuple(one for one in found if one)
