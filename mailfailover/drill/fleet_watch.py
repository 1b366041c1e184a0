"""
The watch over a running fleet: what its shared health and its outbox show.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Protocol

from mailfailover._values.face import published_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailfailover import Mailer
    from mailfailover.outbox import OutboxStats

_MINUTE = 60.0
_ENDED = ("sent", "unknown", "dead")


class Counting(Protocol):
    """
    The part of an outbox that is looked at.
    """

    def stats(self) -> OutboxStats:
        """
        Count the mails in each state.
        """


@published_in("mailfailover.drill")
@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """
    The state of a fleet at one moment of a game day.

    Attributes:
        at: Seconds after its begin.

        closed: How many of the other links are in use.

        calls, failures: Of the other links within the last minute, in all processes.

        affected: The mails that were sent or failed since the begin.

        dead: The dead mails of the outbox.

        waits: Seconds that the oldest mail waits that could be sent.

    .. versionadded:: 0.1.0
    """

    at: float
    closed: int
    calls: int
    failures: int
    affected: int
    dead: int = 0
    waits: float = 0.0

    @property
    def failure_share(self) -> float:
        """
        The part of the calls that failed.
        """
        return self.failures / self.calls if self.calls else 0.0

    def to_dict(self) -> dict[str, Any]:
        """
        Return it as JSON-safe data.
        """
        return {one.name: round(getattr(self, one.name), 3) for one in fields(self)}


@published_in("mailfailover.drill")
class FleetWatch:
    """
    Looks at all links but *key*, and at the outbox, if there is one.

    Without an outbox the mails are estimated from the calls of each minute.

    Args:
        wall: Seconds since 1970.

    .. versionadded:: 0.1.0
    """

    def __init__(
        self,
        mailer: Mailer,
        key: str,
        outbox: Counting | None = None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._mailer = mailer
        self._key = key
        self._outbox = outbox
        self._wall = wall
        self._before: tuple[float, float] = (0.0, 0.0)
        self._affected = 0.0

    @property
    def counts(self) -> bool:
        """
        Whether mails are counted, not estimated.
        """
        return self._outbox is not None

    def states(self) -> dict[str, str]:
        """
        How each link of the chain stands; one that nobody asked for is in use.
        """
        found = self._mailer.health.snapshot()
        keys = (link.key for link in self._mailer.chain.links)
        return {key: found[key].state if key in found else "closed" for key in keys}

    def look(self, at: float) -> Look:
        """
        Look at the fleet, *at* seconds after the begin.
        """
        found = self._mailer.health.snapshot()
        others = [one for key, one in found.items() if key != self._key]
        calls = sum(one.calls for one in others)
        stats = self._outbox.stats() if self._outbox else None
        self._count(at, calls, stats)
        closed = sum(state == "closed" for key, state in self.states().items() if key != self._key)
        oldest = stats and stats.oldest
        return Look(
            at=at,
            closed=closed,
            calls=calls,
            failures=sum(one.failures for one in others),
            affected=int(self._affected),
            dead=_number(stats, "dead") if stats else 0,
            waits=max(0.0, self._wall() - oldest.timestamp()) if oldest else 0.0,
        )

    def _count(self, at: float, calls: int, stats: OutboxStats | None) -> None:
        before, self._before = self._before, (at, 0.0)
        if stats is None:
            self._affected += calls * (at - before[0]) / _MINUTE
            return
        ended = float(sum(_number(stats, state) for state in _ENDED))
        if at > 0:  # a purge takes some away
            self._affected += max(0.0, ended - before[1])
        self._before = (at, ended)


def _number(stats: OutboxStats, wanted: str) -> int:
    return next((count for state, count in stats.counts.items() if state == wanted), 0)
