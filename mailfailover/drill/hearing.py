"""
Deliveries in a play: the real judge, with a past, to whom each mail counts as many.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import StaticPool, create_engine

from mailfailover._chain.observe import MailSent
from mailfailover._sql.database import open_engine
from mailfailover.deliveries import DeliveryHealth
from mailfailover.deliveries._count_rows import write_counts
from mailfailover.deliveries._counts import HEARD, SENT, SLICE, Buffer, Key
from mailfailover.tracking import Tracking

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sqlalchemy import Engine

    from mailfailover._values.events import DeliveryEvent

_PAST = 12 * 3600
_FINE = 7 * 3600
_PROMPT = "300"


class Ledger(Tracking):
    """
    A tracking that remembers in memory when each mail was accepted.
    """

    def __init__(self, engine: Engine, clock: Callable[[], float]) -> None:
        super().__init__(engine, clock=clock)
        self.times: dict[tuple[str, str], float] = {}

    def accepted(self, event: DeliveryEvent) -> float | None:
        """
        Tell when the mail of an event was accepted.
        """
        return self.times.get((event.mail_id, event.provider))

    def delivered(self, event: DeliveryEvent) -> datetime | None:
        """
        Tell when the recipient of an event last got a mail: all addresses of a play are alive.
        """
        return datetime.fromtimestamp(self.clock() - _PAST, UTC)


class HeavyBuffer(Buffer):
    """
    Counts each recipient as *size* of them.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self._size = size

    def add(self, at: float, link: str, receiver: str, what: str, number: int = 1) -> None:
        """
        Count *number* recipients at the time *at*.
        """
        super().add(at, link, receiver, what, number * self._size)


class Crowd(DeliveryHealth):
    """
    The health of deliveries in a play: each mail counts as *size*.

    Args:
        clock: Seconds since 1970, on the virtual clock.

        size: How many recipients each mail stands for.

        observers: Callables that are told of the findings.
    """

    def __init__(
        self, clock: Callable[[], float], size: int, observers: Iterable[Callable[[Any], object]]
    ) -> None:
        self._size = size
        self._ledger = Ledger(memory_engine(), clock)
        self._ledger.init()
        super().__init__(self._ledger, observers=observers, every=None, clock=clock)
        self.init()

    def _make_buffer(self) -> Buffer:
        return HeavyBuffer(self._size)

    def __call__(self, event: object) -> None:
        """
        Count a send or an event.
        """
        if isinstance(event, MailSent):
            receipt = event.receipt
            self._ledger.times[receipt.mail_id, receipt.provider] = self.clock()
        super().__call__(event)

    def remember(self, shares: dict[tuple[str, str], float], now: float, an_hour: float) -> None:
        """
        Give it a past in which all was well.

        Args:
            shares: The part of all mails that each link had at each receiver.

            now: The time, in seconds since 1970.

            an_hour: How many mails an hour there were.
        """
        counts: dict[Key, int] = {}
        for start, seconds in _slices(now):
            heard: Counter[str] = Counter()
            for (link, name), share in shares.items():
                receiver = _receiver(name)
                number = round(an_hour * share * seconds / 3600)
                if number:
                    counts[Key(start, link, receiver, SENT)] = number
                    counts[Key(start, link, receiver, _PROMPT)] = number
                    heard[link] += number
            for link, number in heard.items():
                counts[Key(start, link, "", HEARD)] = number
        with self.engine.begin() as connection:
            write_counts(connection, counts)
        self.check()


def memory_engine() -> Engine:
    """
    Open a database in memory that all threads of a play share.
    """
    options = {"check_same_thread": False}
    return open_engine(create_engine("sqlite://", poolclass=StaticPool, connect_args=options))


def _receiver(name: str) -> str:
    """
    Return what the judge calls the receivers of a play.
    """
    return "example.org" if name == "other" else name


def _slices(now: float) -> Iterable[tuple[int, int]]:
    """
    Yield the slices of the past with their seconds: hours, and the last hours finely.
    """
    latest = int(now) // SLICE * SLICE
    fine = (latest - _FINE) // 3600 * 3600
    yield from ((start, 3600) for start in range(fine - _PAST, fine, 3600))
    yield from ((start, SLICE) for start in range(fine, latest, SLICE))
