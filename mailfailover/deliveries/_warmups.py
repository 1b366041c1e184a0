"""
The warm-ups of a chain's links: how much each of them may still get today.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mailfailover._provider.link import Link
    from mailfailover._provider.warmup import Warmup
    from mailfailover.deliveries._cell import Place

DAY = 86400


class Warmups(dict[str, "Warmup"]):
    """
    The plan of each link that has one.
    """

    @classmethod
    def of(cls, links: Iterable[Link]) -> Self:
        """
        Know the plans of *links*.
        """
        return cls((link.key, link.warmup) for link in links if link.warmup is not None)

    def left(
        self, today: Mapping[Place, int], first: Mapping[str, float], now: float
    ) -> dict[str, float]:
        """
        How many recipients more each link may get today.

        Args:
            today: How many each cell got today.

            first: When each link got its first mail.

            now: The time.
        """
        left = {}
        for key, plan in self.items():
            day = max(0, int(now // DAY - first.get(key, now) // DAY))
            sent = sum(number for (link, _), number in today.items() if link == key)
            left[key] = plan.on_day(day) - sent
        return left
