"""
What vendors tell a list of suppressions, as the time of a world goes on.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

from mailfailover import DeliveryEvent, EventType, RejectReason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailfailover.suppression import SuppressionList
    from tests.chains import World

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
NO_SUCH_USER = "550 5.1.1 The email account that you tried to reach does not exist."


@dataclass
class Vendors:
    """
    Tells of mails, each of which has an id of its own.
    """

    world: World
    suppressions: SuppressionList
    numbers: Iterator[int] = field(default_factory=count)

    def now(self) -> datetime:
        """
        The time of the world.
        """
        return datetime.fromtimestamp(self.world.wall(), UTC)

    def wait(self, time: timedelta) -> None:
        """
        Let time go on.
        """
        self.world.clock.advance(time.total_seconds())

    def event(self, type_: str, email: str, **fields: Any) -> DeliveryEvent:
        """
        What a vendor tells now.
        """
        number = next(self.numbers)
        given: dict[str, Any] = {
            "type": EventType(type_),
            "provider": "a",
            "event_id": f"e{number}",
            "provider_message_id": f"p{number}",
            "recipient": email,
            "timestamp": self.now(),
        }
        return DeliveryEvent(**{**given, **fields})

    def tell(self, type_: str, email: str, **fields: Any) -> DeliveryEvent:
        """
        Let the list hear an event, and return it.
        """
        event = self.event(type_, email, **fields)
        self.suppressions(event)
        return event

    def delivered(self, *emails: str, **fields: Any) -> None:
        """
        A mail to each reached its mailbox.
        """
        for email in emails:
            self.tell("delivered", email, **fields)

    def bounced(self, *emails: str, **fields: Any) -> None:
        """
        The receiver refused a mail to each for good.
        """
        for email in emails:
            given = {"reject_reason": RejectReason.INVALID, "mta_response": NO_SUCH_USER}
            self.tell("bounced", email, **{**given, **fields})

    def states(self) -> dict[str, str]:
        """
        How each address on the list stands.
        """
        found = self.suppressions.list(limit=10_000)
        return {one.email: str(one.state) for one in reversed(found)}
