"""
Delivery events: what happened to a mail after a vendor accepted it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from mailfailover._values.face import published_in
from mailfailover._values.frozen import EMPTY, thaw

if TYPE_CHECKING:
    from collections.abc import Mapping


@published_in("mailfailover")
class EventType(StrEnum):
    """
    What happened to a mail, in one vocabulary for all vendors.

    .. versionadded:: 0.1.0
    """

    QUEUED = "queued"
    SENT = "sent"
    """The vendor passed it on; not yet delivered."""

    REJECTED = "rejected"
    """The vendor did not try to deliver it."""

    FAILED = "failed"
    """The vendor could not build the mail, for example from a template."""

    BOUNCED = "bounced"
    """The recipient's server refused it for good."""

    DEFERRED = "deferred"
    """The recipient's server has not accepted it yet; the vendor keeps trying."""

    DELIVERED = "delivered"
    AUTORESPONDED = "autoresponded"
    OPENED = "opened"
    CLICKED = "clicked"
    COMPLAINED = "complained"
    UNSUBSCRIBED = "unsubscribed"
    SUBSCRIBED = "subscribed"
    UNKNOWN = "unknown"


@published_in("mailfailover")
class RejectReason(StrEnum):
    """
    The reason why a recipient got no mail.

    .. versionadded:: 0.1.0
    """

    INVALID = "invalid"
    """No such address."""

    BOUNCED = "bounced"
    """The mail bounced permanently, now or earlier. A full mailbox is OTHER."""

    TIMED_OUT = "timed_out"
    BLOCKED = "blocked"
    """The vendor or the recipient's server refuses the sender."""

    SPAM = "spam"
    UNSUBSCRIBED = "unsubscribed"
    OTHER = "other"


@published_in("mailfailover")
@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryEvent:
    """
    One thing that happened to one mail, as a vendor's webhook reported it.

    Attributes:
        event_id: The vendor's id of the event, the same each time the vendor repeats it.

        type: What happened.

        provider: The chain key of the provider.

        provider_message_id: The vendor's id of the mail.

        mail_id: Our id of the mail, "" if the vendor did not return it.

        recipient: The address that the event is about.

        timestamp: The time of the event (aware), None if the vendor does not say.

        reject_reason: Why the mail did not arrive, if it did not.

        mta_response: What the recipient's server said.

        description: What the vendor says in words.

        tags, metadata: The mail's own, if the vendor returns them.

        click_url: Where a click went.

        user_agent: The browser or mail program that opened or clicked.

        raw: The event as the vendor wrote it.

    .. versionadded:: 0.1.0
    """

    event_id: str = ""
    type: EventType = EventType.UNKNOWN
    provider: str = ""
    provider_message_id: str = ""
    mail_id: str = ""
    recipient: str = ""
    timestamp: datetime | None = None
    reject_reason: RejectReason | None = None
    mta_response: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, str] = field(default=EMPTY)
    click_url: str = ""
    user_agent: str = ""
    raw: Mapping[str, Any] = field(default=EMPTY, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """
        Return the event as JSON-safe data, without fields that have their default.
        """
        found = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: _plain(value) for name, value in found.items() if value not in _EMPTY}


_EMPTY: tuple[Any, ...] = ("", None, (), {})


def _plain(value: Any) -> Any:
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    return thaw(value)
