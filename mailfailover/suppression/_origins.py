"""
The origin of an event: what kind of mail it is of.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from mailfailover._values.events import DeliveryEvent
from mailfailover._values.face import published_in
from mailfailover.suppression._rules import Scope
from mailfailover.unsubscribe import STREAM

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Row


@published_in("mailfailover.suppression")
class Origins(Protocol):
    """
    Finds the mail of an event; see :class:`~mailfailover.tracking.Tracking`.
    """

    def origin(self, event: DeliveryEvent) -> Any:
        """
        Return what has its *stream* and *from_domain*, None where the mail is not known.
        """

    def delivered(self, event: DeliveryEvent) -> datetime | None:
        """
        Return when its recipient last got another mail, None where nobody knows of any.
        """


def origin_of(event: DeliveryEvent, tracking: Origins | None) -> Scope | None:
    """
    Return the scope of the mail of *event*; that of every mail where nobody could know it.

    None means that it may be known later: an event can be faster than what records the mail.
    """
    if stream := event.metadata.get(STREAM):
        return Scope(stream)
    if tracking is None or not (event.mail_id or event.provider_message_id):
        return Scope()
    found = tracking.origin(event)
    return found and Scope(found.stream, found.from_domain)


def origin_of_row(row: Row[Any], tracking: Origins | None) -> Scope | None:
    """
    Return the scope for the row of an event whose mail was not known when the event came.
    """
    event = DeliveryEvent(
        mail_id=row.mail_id, provider=row.source, provider_message_id=row.provider_message_id
    )
    return origin_of(event, tracking)
