"""
Claims about the requests of merges: nobody is left out, and everybody gets what is meant for him.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mailfailover.errors import UnsupportedFeature
from mailfailover.testing._claim import claim
from mailfailover.testing._contract_wire import build, refusable
from mailfailover.testing._marked import find_marks
from mailfailover.testing._wire_text import wire_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailfailover._message.message import Message

__all__ = ["check_everybody", "check_odd_recipient", "check_own_data", "check_whole"]


@refusable()
def check_whole(provider: Any, message: Message) -> None:
    """
    A merge has all that a mail to one has.
    """
    lost = _lost(message, wire_text(build(provider, message)))
    claim(
        not lost,
        f"{lost} of a merge is nowhere in the request, although single mails have it: write it, or "
        "refuse the merge in build_batch",
    )


@refusable()
def check_everybody(provider: Any, message: Message) -> None:
    """
    Each recipient of a merge is in the request.
    """
    text = wire_text(build(provider, message)).lower()
    missing = sum(address.email not in text for address in message.to)
    claim(
        not missing,
        f"{missing} of {len(message.to)} recipients of a merge are nowhere in the request: "
        "write them, or declare max_merge",
    )


@refusable()
def check_own_data(provider: Any, message: Message) -> None:
    """
    Recipients and their data stand in the same order: nobody gets another's.
    """
    text = wire_text(build(provider, message)).lower()
    data = [message.merge_data[address.email] for address in message.to]
    lists = {
        "the addresses": [address.email for address in message.to],
        **{f"merge_data {key!r}": [str(one[key]) for one in data] for key in data[0]},
    }
    for name, values in lists.items():
        places = [text.find(value) for value in values]
        claim(
            places == sorted(places),
            f"{name} of a merge's recipients are in another order than its recipients: somebody "
            "gets what is meant for another",
        )


def check_odd_recipient(provider: Any, kind: str, merges: Sequence[Message]) -> None:
    """
    What a provider refuses of one recipient it refuses of all, before any of them gets a mail.

    Args:
        provider: The provider.

        kind: What is odd about one of the recipients.

        merges: The same merge with another recipient as the odd one.
    """
    written = [_written(provider, merge) for merge in merges]
    refused = [number for number, text in enumerate(written, 1) if text is None]
    claim(
        not refused or len(refused) == len(merges),
        f"{kind} of recipient {refused and refused[0]} is refused, and of others is not: look at "
        "every recipient before the first of them gets a mail",
    )
    for number, (merge, text) in enumerate(zip(merges, written, strict=True), 1):
        lost = _lost(merge, text) if text is not None else ""
        claim(
            not lost,
            f"{kind} of recipient {number}: {lost} is nowhere in the request. A merge of which one "
            "recipient cannot be written is refused by build_batch, before the others get it",
        )


def _written(provider: Any, message: Message) -> str | None:
    try:
        return wire_text(build(provider, message))
    except UnsupportedFeature:
        return None


def _lost(message: Message, text: str) -> str:
    known = text.lower()
    return ", ".join(sorted(mark for mark in find_marks(message) if mark not in known))
