"""
The recipients who must not get mail: left out of the mail, and named in its receipt.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Protocol

from mailfailover._message.merge import part_for
from mailfailover._values.frozen import FrozenDict
from mailfailover._values.receipt import RecipientStatus
from mailfailover.errors import RecipientSuppressed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mailfailover._message.message import Message
    from mailfailover._values.receipt import Receipt


class Suppressions(Protocol):
    """
    A list of recipients who must not get mail.
    """

    def find(self, message: Message) -> Mapping[str, str]:
        """
        Return the recipients of *message* who must not get it, with the reason for each.

        A reason that ends by itself has *retry_after*, the seconds until then.
        """


def leave_out(message: Message, suppressed: Mapping[str, str]) -> Message:
    """
    Return *message* without its *suppressed* recipients.

    Raises:
        RecipientSuppressed: If there are none.
    """
    left = {
        field: tuple(one for one in getattr(message, field) if one.email not in suppressed)
        for field in ("to", "cc", "bcc")
    }
    if not any(left.values()):
        raise _nobody_left(suppressed)
    return part_for(message, left["to"]) if message.is_merge else message.bound(**left)


def _nobody_left(suppressed: Mapping[str, str]) -> RecipientSuppressed:
    waits = [getattr(reason, "retry_after", None) for reason in suppressed.values()]
    shortest = min((wait for wait in waits if wait is not None), default=None)
    text = "every recipient is on our own suppression list: nothing was sent"
    if shortest is not None:
        days = shortest / 86400
        text += f"; an address that is held after a bounce gets mail again in {days:.1f} days"
    return RecipientSuppressed(text, recipients=tuple(suppressed), retry_after=shortest)


def with_left_out(receipt: Receipt, suppressed: Iterable[str]) -> Receipt:
    """
    Return *receipt* with the recipients who were left out named in it.
    """
    named = dict.fromkeys(suppressed, RecipientStatus.SUPPRESSED)
    return dataclasses.replace(receipt, recipients=FrozenDict({**receipt.recipients, **named}))
