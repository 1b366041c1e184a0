"""
One run: a fleet of processes, a policy, and vendors with their histories.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

from mailfailover.drill.loop import Loop
from tests.simulation.policies import Fleet, outcome
from tests.simulation.scenarios import BEGIN, DURATION, END
from tests.simulation.vendors import Vendor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.simulation.scenarios import Histories

REGIONS = 2
NAMES = ("first", "second")


@dataclass
class Report:
    """
    What became of the mails of one run.

    Attributes:
        mails: How many were sent.

        lost: Those for which nobody said yes.

        seconds: How long each of the others took.

        duplicated: Those that more than one call got accepted.

        wasted: Calls beyond one for each mail, for each mail sent.

        sick: Calls a second to the first vendor during its trouble, as a part of all mails.

        peak: The most calls it got in one of the first 30 seconds after it, as a part of the
            usual ones.

        calls: Those to the first vendor, in each second.
    """

    mails: int
    lost: int
    seconds: list[float] = field(repr=False)
    duplicated: int
    wasted: float
    sick: float
    peak: float
    calls: list[int] = field(repr=False)

    def late(self, share: float) -> float:
        """
        So many seconds took all but the slowest *share* of those delivered.
        """
        ordered = sorted(self.seconds)
        return ordered[min(int(len(ordered) * (1 - share)), len(ordered) - 1)]


def simulate(
    fleet: Fleet, histories: Histories, *, processes: int, rate: float, duration: float = DURATION
) -> Report:
    """
    Send *rate* mails a second, from *processes* in turn by chance, for *duration* seconds.
    """
    loop, rng = Loop(), Random(42)
    vendors = {name: Vendor(name, Random(name), histories.get(name, ())) for name in NAMES}
    senders = fleet(loop, NAMES, processes)
    mails = int(rate * duration)
    seconds: list[float] = []

    def send(mail: int) -> None:
        process, begun = rng.randrange(processes), loop.now
        region = process % REGIONS

        def call(step: Any) -> tuple[float, Any]:
            request, timeout = step.arguments
            took, answer = vendors[request.url].ask(mail, region, loop.now, timeout)
            return took, outcome(answer)

        def done(result: Any) -> None:
            if result is not None and not isinstance(result, Exception):
                seconds.append(loop.now - begun)

        loop.drive(senders[process](mail), call, done)
        if mail + 1 < mails:
            loop.at(loop.now + rng.expovariate(rate), lambda: send(mail + 1))

    loop.at(0.0, lambda: send(0))
    with _quiet():
        loop.run()
    return _report(mails, seconds, vendors, rate)


def _report(mails: int, seconds: list[float], vendors: dict[str, Vendor], rate: float) -> Report:
    first = vendors["first"].calls
    accepted = sum((vendor.accepted for vendor in vendors.values()), start=type(first)())
    calls = sum(vendor.calls.total() for vendor in vendors.values())
    trouble = range(int(BEGIN) + 1, int(END))
    return Report(
        mails,
        mails - len(seconds),
        seconds,
        sum(count > 1 for count in accepted.values()),
        (calls - mails) / mails,
        sum(first[second] for second in trouble) / len(trouble) / rate,
        max(first[second] for second in range(int(END), int(END) + 30)) / rate,
        [first[second] for second in range(int(DURATION))],
    )


@contextmanager
def _quiet() -> Iterator[None]:
    logger = logging.getLogger("mailfailover")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)
