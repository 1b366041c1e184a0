"""
The counts of deliveries: recipients by the slice of time in which their mail was accepted.

Of each recipient it is counted that the mail was sent, and the first time that it was delivered,
blocked or bounced. Nothing tells one mail from another, so the counts stay small.
"""

from __future__ import annotations

from collections import Counter
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailfailover.deliveries._cell import Place

SLICE = 300
"""Seconds of a slice."""

HOUR = 3600
EDGES = (300, 900, 1800, 3600, 7200, 14400)
"""Classes of how many seconds a delivery took."""

SENT = "sent"
BLOCKED = "blocked"
BOUNCED = "bounced"
"""An address bounced although mails to it were delivered before, so it may well exist."""

NOBODY = "nobody"
"""The receiver said that an address does not exist, and no mail to it was ever delivered."""

LATEST = "later"
"""Delivered after more than the last of :data:`EDGES`."""

HEARD = "heard"
"""An event came; counted in the slice in which it came, for the receiver ""."""

REFUSED = "refused"
"""A webhook with a wrong signature came; counted as :data:`HEARD` is."""

LAG = "lag"
"""Seconds between events and their webhooks, in sum; counted as :data:`HEARD` is."""

OUTCOMES = (SENT, BLOCKED, BOUNCED, NOBODY, *map(str, EDGES), LATEST)
"""The outcomes that are counted."""

OF_WEBHOOKS = (HEARD, REFUSED, LAG)


class Key(NamedTuple):
    """
    The key of a count.
    """

    slice: int
    link: str
    receiver: str
    what: str


class Buffer:
    """
    Counts of this process that are not in the database yet.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._counts: Counter[Key] = Counter()
        self._sent: Counter[Place] = Counter()

    def add(self, at: float, link: str, receiver: str, what: str, number: int = 1) -> None:
        """
        Count *number* at the time *at*.
        """
        key = Key(slice_of(at), link, receiver, what)
        with self._lock:
            self._counts[key] += number
            if what == SENT:
                self._sent[link, receiver] += number

    def take(self) -> Mapping[Key, int]:
        """
        Return the counts, and reset them.
        """
        with self._lock:
            counts, self._counts = self._counts, Counter()
            self._sent = Counter()
            return counts

    def give_back(self, counts: Mapping[Key, int]) -> None:
        """
        Count again what could not be written.
        """
        with self._lock:
            self._counts.update(counts)
            for key, number in counts.items():
                if key.what == SENT:
                    self._sent[key.link, key.receiver] += number

    def sent(self, link: str, receiver: str) -> int:
        """
        How many recipients a cell got that the database does not know of.
        """
        return self._sent.get((link, receiver), 0)


def slice_of(at: float) -> int:
    """
    Return when the slice of a time began.
    """
    return int(at // SLICE) * SLICE


def delay_class(seconds: float) -> str:
    """
    Return what a delivery after so many seconds is counted as.
    """
    return next((str(edge) for edge in EDGES if seconds <= edge), LATEST)
