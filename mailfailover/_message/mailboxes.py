"""
Mailboxes in text: lists a caller writes, and the address headers of a parsed mail.

Both are split here and nowhere else, so that header and envelope never read one text
differently. What is inside a mailbox is checked by :mod:`mailfailover._message.validation`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NoReturn

from mailfailover._message.validation import refuse_address

if TYPE_CHECKING:
    from collections.abc import Iterator

_QUOTED = r'"(?:[^"\\]|\\.)*"'
_UNIT = re.compile(rf'{_QUOTED}|[^"(),:;<>]+|[(),:;<>]', re.DOTALL)
_NAME_AND_EMAIL = re.compile(rf'((?:{_QUOTED}|[^"<>])*)<((?:{_QUOTED}|[^"<>])*)>', re.DOTALL)
_QUOTED_STRING = re.compile(_QUOTED, re.DOTALL)
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-. \x80-\U0010ffff]*")
_PAIR = re.compile(r"\\(.)", re.DOTALL)
_COMMENT_MARK = re.compile(r"\\.|[()]", re.DOTALL)


def split_list(text: str, field: str) -> Iterator[str]:
    """
    Yield the mailboxes of a comma-separated RFC 5322 list, unchecked.

    Commas inside quotes and angle brackets do not separate.

    Raises:
        InvalidMessage: If a quote or bracket is not closed.
    """
    start, angle = 0, False
    for unit, position in _units(text, field):
        if unit in "<>":
            angle = unit == "<"
        elif unit == "," and not angle:
            yield text[start:position]
            start = position + 1
    if angle:
        refuse_address(field, "an angle bracket is not closed", "close it")
    yield text[start:]


def split_mailbox(text: str, field: str = "email") -> tuple[str, str]:
    """
    Split ``Name <local@domain>`` or ``local@domain`` into name and address, unchecked.

    Raises:
        InvalidMessage: If the display name is neither atoms nor one quoted string.
    """
    text = text.strip(" \t")
    if not text.endswith(">"):
        return "", text
    found = _NAME_AND_EMAIL.fullmatch(text)
    if not found:
        refuse_address(field, "its angle brackets do not match", "write Name <local@domain>")
    name = found[1].strip(" \t")
    if _QUOTED_STRING.fullmatch(name):
        return unquote(name), found[2]
    if not _ATOMS.fullmatch(name):
        _refuse_name(field)
    return name, found[2]


def split_header(value: str, field: str) -> Iterator[tuple[str, str, str]]:
    """
    Yield name, address and comment of each mailbox of an address header, unchecked.

    The members of a group count like any other mailbox, its name is left out: an empty
    group such as ``undisclosed-recipients:;`` yields nothing. The name may hold encoded
    words still.
    """
    for text, comment in _header_parts(value, field):
        if not text:
            continue  # an empty group, or a comma too many as RFC 5322 4.4 has it
        found = _NAME_AND_EMAIL.fullmatch(text)
        if not found:
            yield "", text, comment
            continue
        if not _ATOMS.fullmatch(_QUOTED_STRING.sub("", found[1])):
            _refuse_name(field)
        yield unquote(found[1].strip(" \t")), found[2].strip(" \t"), comment


def names_group(value: str) -> bool:
    """
    Whether an address header holds a group that has members, ``Team: a@b.example;``.
    """
    inside, members = False, False
    for unit in _UNIT.findall(value):
        if unit in ":;":
            inside = unit == ":"
        elif inside and unit.strip():
            members = True
    return members


def unquote(text: str) -> str:
    """
    Return *text* with its quoted strings replaced by what they stand for.
    """
    return _QUOTED_STRING.sub(lambda quoted: _PAIR.sub(r"\1", quoted[0][1:-1]), text)


def _header_parts(value: str, field: str) -> Iterator[tuple[str, str]]:
    """
    Yield each mailbox of a header, with its last comment taken out of it.
    """
    text, comment, angle, group = "", "", False, False
    for unit, _ in _units(value, field, comments=True):
        if unit[0] == "(" and len(unit) > 1:
            comment, text = _PAIR.sub(r"\1", unit[1:-1]), f"{text} "
        elif unit == ":" and not angle and not group:
            text, comment, group = "", "", True
        elif (unit == "," or (unit == ";" and group)) and not angle:
            yield text.strip(" \t"), comment
            text, comment, group = "", "", group and unit == ","
        else:
            text += unit
            angle = unit == "<" or (angle and unit != ">")
    if angle or group:
        refuse_address(field, "an angle bracket or a group is not closed", "close it")
    yield text.strip(" \t"), comment


def _units(text: str, field: str, *, comments: bool = False) -> Iterator[tuple[str, int]]:
    """
    Yield quoted strings, special characters and what is between them, each with its start.
    """
    position = 0
    while position < len(text):
        if comments and text[position] == "(":
            end = _comment_end(text, position, field)
        elif found := _UNIT.match(text, position):
            end = found.end()
        else:
            refuse_address(field, "a quote is not closed", "close it")
        yield text[position:end], position
        position = end


def _comment_end(text: str, start: int, field: str) -> int:
    depth = 0
    for mark in _COMMENT_MARK.finditer(text, start):
        depth += {"(": 1, ")": -1}.get(mark[0], 0)
        if depth == 0:
            return mark.end()
    return refuse_address(field, "a comment in parentheses is not closed", "close it")


def _refuse_name(field: str) -> NoReturn:
    refuse_address(
        field,
        "its display name has a special character outside quotes",
        'quote the name: "Doe, Jane" <local@domain>',
    )
