"""
A finding: what a report says of one recipient, before anybody checked it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mailfailover._values.frozen import EMPTY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailfailover._values.events import EventType

__all__ = ["Finding", "address_in", "addresses_in"]

# What a report can hold of RFC 5321's addresses; a "/" in front makes it a path of X.400.
_BEFORE = r"(?<![^\s<>()\[\]\"'`:;,=*|/])"
_LOCAL = (
    r"[A-Za-z0-9!#$%&*+/=?^_{|}~\-\x80-\U0010ffff]"
    r"(?:[^\s<>()\[\]\"`:;,@\\]{0,62}[^\s<>()\[\]\"`:;,@\\.])?"
    r"|\"[^\"\s@]{1,62}\""
)
_LABEL = (
    r"[A-Za-z0-9_\x80-\U0010ffff]"
    r"(?:[A-Za-z0-9_\-\x80-\U0010ffff]{0,61}[A-Za-z0-9\x80-\U0010ffff])?"
)
_TOP = (
    r"[A-Za-z\x80-\U0010ffff][A-Za-z0-9\-\x80-\U0010ffff]{0,61}"
    r"[A-Za-z0-9\x80-\U0010ffff]"
)
_ADDRESS = re.compile(rf"{_BEFORE}({_LOCAL})@((?:{_LABEL}\.){{1,10}}{_TOP})")
_MAX = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """
    A report's finding about one recipient.

    Attributes:
        type: What happened.

        recipient: The address that the mail did not reach, "" where the report does not say.

        aliases: What else the report calls him: where his mail was forwarded to.

        status: The enhanced status code, "" for none.

        words: What the server said.

        when: When it happened, as the report writes it.

        details: What else the report says, for the event's ``raw``.
    """

    type: EventType
    recipient: str = ""
    aliases: tuple[str, ...] = ()
    status: str = ""
    words: str = ""
    when: str = ""
    details: Mapping[str, Any] = field(default=EMPTY)


def addresses_in(text: str) -> list[str]:
    """
    Return the mail addresses that stand in *text*, each once, in their order.
    """
    found = (f"{one[1]}@{one[2]}" for one in _ADDRESS.finditer(text))
    return list(dict.fromkeys(found))[:_MAX]


def address_in(value: str) -> str:
    """
    Return the first mail address in *value*, "" where there is none.
    """
    found = _ADDRESS.search(value)
    return f"{found[1]}@{found[2]}" if found else ""
