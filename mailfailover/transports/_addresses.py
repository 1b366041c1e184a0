"""
The order in which a host's addresses are tried: addresses that lately failed come last.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailfailover.transports._names import AddressInfo
    from mailfailover.transports._progress import Progress

LEAST = 1.0
"""The least seconds for an address, if they are left; enough for one lost packet."""

_REMEMBERED = 600.0
"""Seconds after which an address has its old place again."""


class Unanswered:
    """
    Addresses that did not answer, and since when. Each step is one operation of a dict.
    """

    def __init__(self) -> None:
        self._since: dict[Any, float] = {}

    def order(self, addresses: Iterable[AddressInfo]) -> list[AddressInfo]:
        """
        Return *addresses* in their own order, but with those that did not answer at the end.

        Of these the one that failed longest ago comes first.
        """
        oldest = monotonic() - _REMEMBERED
        for address, since in tuple(self._since.items()):
            if since < oldest:
                self._since.pop(address, None)
        return sorted(addresses, key=lambda info: self._since.get(info[4], 0.0))

    def add(self, address: Any) -> None:
        """
        Remember that *address* did not answer.
        """
        self._since[address] = monotonic()

    def remove(self, address: Any) -> None:
        """
        Forget it: *address* answered.
        """
        self._since.pop(address, None)


unanswered = Unanswered()
"""The addresses that this process has tried, shared by all transports."""


def share(progress: Progress, others: int) -> float:
    """
    Return how many of the seconds left one address gets, if *others* are to be tried after it.
    """
    left = progress.left()
    return min(left, max(left / (others + 1), LEAST))
