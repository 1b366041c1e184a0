"""
The probes: a few mails take an ill way all the same, to find out whether it is well again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailfailover.deliveries._cell import ALL

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mailfailover.deliveries._cell import Place

PROBE_EVERY = 50
"""One in this many recipients is a probe."""

PROBE_SECONDS = 600.0
"""A probe is sent at least every this many seconds."""

HOPE_SECONDS = 60.0
"""The same where the last probes arrived: more of them tell soon whether that goes on."""


class Probes:
    """
    The probes of this process.

    Args:
        clock: Seconds since 1970.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._passed: dict[Place, tuple[int, float]] = {}
        """How many recipients avoided each ill place since its last probe, and when that was."""

    def take(
        self, link: str, receivers: Sequence[str], number: int = 1, *, is_hopeful: bool = False
    ) -> int:
        """
        Return how many of these recipients go by *link* as probes.

        Two threads that ask at once may send a probe more, which does no harm.

        Args:
            link: That is ill.

            receivers: Those of the recipients.

            number: How many recipients there are.

            is_hopeful: Whether the last probes arrived.
        """
        now = self._clock()
        place = (link, receivers[0] if len(receivers) == 1 else min(receivers, default=ALL))
        passed, last = self._passed.get(place, (0, now))
        passed += number
        seconds = HOPE_SECONDS if is_hopeful else PROBE_SECONDS
        probes = passed // PROBE_EVERY or int(now - last >= seconds)
        self._passed[place] = (0, now) if probes else (passed, last)
        return probes

    def is_due(self, receiver: str) -> bool:
        """
        Whether no mail to a *receiver* that is down was let through for :data:`PROBE_SECONDS`.
        """
        now = self._clock()
        _, last = self._passed.setdefault((ALL, receiver), (0, now))
        return now - last >= PROBE_SECONDS
