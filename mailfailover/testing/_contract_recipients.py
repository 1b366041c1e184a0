"""
Claims about recipients: everybody is in the request, each in his own field.
"""

from __future__ import annotations

import re
from itertools import combinations
from typing import TYPE_CHECKING, Any

from mailfailover.testing._claim import claim
from mailfailover.testing._contract_wire import build, frozen, refusable
from mailfailover.testing._wire_text import WORD, wire_leaves

if TYPE_CHECKING:
    from mailfailover._message.message import Message
    from mailfailover.testing._wire_text import Leaf

__all__ = ["check_recipients"]

_ROLES = ("bcc", "cc", "to")


_IS_CC = re.compile(r"cc(s|list|recipients?|addresses|emails?)?")


_IS_TO = re.compile(r"to(list|recipients?|addresses|emails?)?")


@refusable()
def check_recipients(provider: Any, message: Message) -> None:
    """
    Everybody is in the request, in the field where the mail has him, and no field is another.
    """
    leaves = list(wire_leaves(build(provider, message)))
    texts = [leaf.text for leaf in leaves]
    for field in ("to", "cc", "bcc"):
        for address in getattr(message, field):
            claim(
                any(address.email in text for text in texts),
                f"{field} is incomplete: a recipient is nowhere in the request",
            )
            _check_place(leaves, address.email, field)
    _check_fields_differ(provider, message)


def _check_place(leaves: list[Leaf], email: str, field: str) -> None:
    for leaf in leaves:
        role = _role(leaf)
        claim(
            not role or role == field or email not in leaf.text,
            f"a recipient of {field} is written into {role!r} of the request"
            + (": every recipient would see the blind copy" if field == "bcc" else ""),
        )


def _role(leaf: Leaf) -> str:
    """
    The field of a mail that the names around *leaf* speak of; "" where they speak of none.
    """
    for word in leaf.beside:
        if word.lower() in _ROLES:
            return word.lower()
    for name in reversed(leaf.path):
        words = [word.lower() for word in WORD.findall(name)]
        if any("bcc" in word for word in words):
            return "bcc"
        if any(map(_IS_CC.fullmatch, words)):
            return "cc"
        if any(map(_IS_TO.fullmatch, words)):
            return "to" if {"reply", "rcpt", "envelope"}.isdisjoint(words) else ""
    return ""


def _check_fields_differ(provider: Any, message: Message) -> None:
    """
    The same people in other fields make another request: else one field is written as another.
    """
    if not message.cc and not message.bcc:
        return
    *first, last = message.recipients
    requests = {
        field: frozen(build(provider, message.bound(**_moved(tuple(first), last, field))))
        for field in ("to", "cc", "bcc")
    }
    for one, other in combinations(requests, 2):
        claim(
            requests[one] != requests[other],
            f"a recipient in {one} and the same in {other} make one request: "
            + (
                "every recipient would see the blind copy"
                if other == "bcc"
                else "a field of the mail is lost"
            ),
        )


def _moved(first: tuple[Any, ...], last: Any, field: str) -> dict[str, Any]:
    fields: dict[str, Any] = {"to": first, "cc": (), "bcc": ()}
    return fields | {field: (*fields[field], last)}
