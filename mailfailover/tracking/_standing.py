"""
The standing of a recipient: what the send said of him, and every event since, in any order.

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
    What is known of one recipient of one mail.

    .. versionadded:: 0.1.0
    """

    UNKNOWN = "unknown"
    """It may have been sent, and no event has told since."""

    FAILED = "failed"
    """Surely not sent, since the send failed as a whole."""

    INVALID = "invalid"
    REFUSED = "refused"
    SUPPRESSED = "suppressed"
    """Left out, having bounced, complained or unsubscribed before."""

    ACCEPTED = "accepted"
    """A provider has it, and has not said more."""

    DEFERRED = "deferred"
    REJECTED = "rejected"
    """The provider took it, and then did not try to deliver it."""

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
# Of several, where the mail may have been sent twice: whoever delivered it counts most.
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
        base: What the send said of him.

        provider: The chain key of the provider that took the mail, "" for none.

        events: All about him, each with a time, in any order and any number of times.
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
