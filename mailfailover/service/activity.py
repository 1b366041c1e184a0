"""
The activity of the last day: how often each provider was called, and how that ended.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING

from sqlalchemy import case, func, select

from mailfailover._sql.database import reading
from mailfailover._values.frozen import EMPTY
from mailfailover.outbox._tables import attempts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Engine

__all__ = ["Activity", "ActivityMemory", "Slice", "read_activity"]

SLICES = 48
LENGTH = timedelta(minutes=30)
MEMORY_SECONDS = 15.0
"""Seconds for which an answer is reused, since the query reads every attempt of the day."""


@dataclass(frozen=True, slots=True)
class Slice:
    """
    Half an hour of one provider.

    Attributes:
        begin: When it began.

        accepted: Calls with which the provider took a mail.

        failed: Calls with which it did not.

        unknown: Calls without an answer: the provider may have taken the mail.
    """

    begin: datetime
    accepted: int = 0
    failed: int = 0
    unknown: int = 0

    @property
    def calls(self) -> int:
        """
        All of them.
        """
        return self.accepted + self.failed + self.unknown

    @property
    def level(self) -> str:
        """
        How serious it is: ``good``, ``warn`` (some failed), ``bad`` (most did), "" without calls.
        """
        if not self.calls:
            return ""
        if not self.failed + self.unknown:
            return "good"
        return "warn" if self.accepted >= self.failed + self.unknown else "bad"


@dataclass(frozen=True, slots=True)
class Activity:
    """
    The calls by provider and half-hour, oldest first.
    """

    begins: tuple[datetime, ...]
    slices: Mapping[str, tuple[Slice, ...]] = field(default=EMPTY)

    def of(self, provider: str) -> tuple[Slice, ...]:
        """
        Return the slices of one provider.
        """
        return self.slices.get(provider) or tuple(map(Slice, self.begins))

    def hours(self) -> tuple[Slice, ...]:
        """
        Return the hours of all providers together.
        """
        rows = [self.of(provider) for provider in self.slices]
        return tuple(_sum(self.begins[n], rows, n) for n in range(0, len(self.begins), 2))


def read_activity(engine: Engine, now: datetime) -> Activity:
    """
    Count the calls of the last day.
    """
    end = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    begins = tuple(end - LENGTH * (SLICES - number) for number in range(SLICES))
    ends = [begin + LENGTH for begin in begins[:-1]]
    number = case(*((attempts.c.started < at, n) for n, at in enumerate(ends)), else_=SLICES - 1)
    known = case(
        (attempts.c.outcome == "accepted", "accepted"),
        (attempts.c.in_doubt, "unknown"),
        else_="failed",
    )
    calls = (
        select(attempts.c.provider, number.label("number"), known.label("outcome"))
        .where(attempts.c.started >= begins[0])
        .subquery()
    )
    query = select(calls, func.count().label("total")).group_by(*calls.c)
    found: dict[str, dict[int, Counter[str]]] = {}
    with reading(engine) as connection:
        for provider, number_, outcome, total in connection.execute(query):
            found.setdefault(provider, {}).setdefault(number_, Counter())[outcome] += total
    return Activity(
        begins,
        {
            provider: tuple(
                Slice(begin, **counts.get(number_, Counter()))
                for number_, begin in enumerate(begins)
            )
            for provider, counts in found.items()
        },
    )


class ActivityMemory:
    """
    Caches the last answer for a few seconds.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._read = float("-inf")
        self._found: Activity | None = None

    def get(self, engine: Engine, now: datetime, clock: Callable[[], float]) -> Activity:
        """
        Return the activity up to *now*, or up to some seconds ago.
        """
        with self._lock:
            if self._found is None or clock() - self._read > MEMORY_SECONDS:
                self._found = read_activity(engine, now)
                self._read = clock()
            return self._found


def _sum(begin: datetime, rows: list[tuple[Slice, ...]], number: int) -> Slice:
    both = [one for row in rows for one in row[number : number + 2]]
    return Slice(
        begin,
        sum(one.accepted for one in both),
        sum(one.failed for one in both),
        sum(one.unknown for one in both),
    )
