"""
The standing of a recipient: from the send's answer and every later event, in any order.

Events come late, twice and out of order. So where two of them disagree, neither the order of
their arrival nor that of their times decides, but a rank: the result is the same for every
order of the same events.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from mailfailover._values.events import EventType
from mailfailover._values.face import published_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mailfailover._values.events import DeliveryEvent


@published_in("mailfailover.tracking")
class RecipientState(StrEnum):
    """
    The state of one recipient of one mail.

    .. versionadded:: 0.1.0
    """

    UNKNOWN = "unknown"
    """The mail may have been sent, and no event has settled it since."""

    FAILED = "failed"
    """Certainly not sent, because the whole send failed."""

    INVALID = "invalid"
    REFUSED = "refused"
    SUPPRESSED = "suppressed"
    """Left out, because the address bounced, complained or unsubscribed before."""

    ACCEPTED = "accepted"
    """A provider accepted the mail; no event has come since."""

    DEFERRED = "deferred"
    REJECTED = "rejected"
    """The provider accepted the mail, and then did not try to deliver it."""

    DELIVERED = "delivered"
    OPENED = "opened"
    CLICKED = "clicked"
    BOUNCED = "bounced"
    COMPLAINED = "complained"


S = RecipientState
STATES: Mapping[EventType, RecipientState] = {
    EventType.QUEUED: S.ACCEPTED,
    EventType.SENT: S.ACCEPTED,
    EventType.REJECTED: S.REJECTED,
    EventType.FAILED: S.REJECTED,
    EventType.BOUNCED: S.BOUNCED,
    EventType.DEFERRED: S.DEFERRED,
    EventType.DELIVERED: S.DELIVERED,
    EventType.AUTORESPONDED: S.DELIVERED,
    EventType.OPENED: S.OPENED,
    EventType.CLICKED: S.CLICKED,
    EventType.COMPLAINED: S.COMPLAINED,
    EventType.UNSUBSCRIBED: S.DELIVERED,
}
"""The state that an event proves; the others prove nothing about the mail."""

_UNSENT = (S.UNKNOWN, S.FAILED, S.INVALID, S.REFUSED, S.SUPPRESSED)

# Of one provider: a server may take a mail and send it back later, so a bounce counts more than
# a delivery, and more than an opening, which machines do too.
_WITHIN = (
    *_UNSENT,
    S.ACCEPTED,
    S.DEFERRED,
    S.REJECTED,
    S.DELIVERED,
    S.OPENED,
    S.CLICKED,
    S.BOUNCED,
    S.COMPLAINED,
)
# If several providers may have sent the mail, the one that delivered it counts most.
_ACROSS = (
    *_UNSENT,
    S.REJECTED,
    S.ACCEPTED,
    S.DEFERRED,
    S.BOUNCED,
    S.DELIVERED,
    S.OPENED,
    S.CLICKED,
    S.COMPLAINED,
)


class Standing(NamedTuple):
    """
    A state, and the event that proved it first, None where the send itself did.
    """

    state: RecipientState
    event: DeliveryEvent | None = None


def stand(base: RecipientState, provider: str, events: Iterable[DeliveryEvent]) -> Standing:
    """
    Tell how a recipient stands.

    Args:
        base: The state after the send.

        provider: The chain key of the provider that took the mail, "" for none.

        events: The recipient's events, each with a time, in any order and any number of times.
    """
    furthest = {provider: Standing(base)}
    for event in sorted(events, key=in_order):
        state = STATES.get(event.type)
        if state is None:
            continue
        held = furthest.get(event.provider)
        if held is None or _WITHIN.index(state) > _WITHIN.index(held.state):
            furthest[event.provider] = Standing(state, event)
    return max(furthest.values(), key=lambda one: _ACROSS.index(one.state))


def in_order(event: DeliveryEvent) -> tuple[float, str, str, str]:
    """
    Sort events by their time, and those of one moment always alike.
    """
    time = 0.0 if event.timestamp is None else event.timestamp.timestamp()
    return time, event.provider, event.type, event.event_id
