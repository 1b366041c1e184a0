"""
The lines of the benchmark's table.
"""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable


class Row(NamedTuple):
    """
    One line of the table.

    Attributes:
        goal: What it shall be at most, or at least where *more* is better.
    """

    name: str
    value: float
    unit: str
    goal: float | None = None
    more: bool = False

    def __str__(self) -> str:
        bound = "at least" if self.more else "at most"
        goal = "" if self.goal is None else f"   goal: {bound} {self.goal:g}"
        return f"{self.name:<52}{self.value:>10.2f} {self.unit:<22}{goal}"


class Spent(NamedTuple):
    """
    Seconds per send.
    """

    cpu: float
    wall: float

    @classmethod
    def median(cls, runs: Iterable[Spent]) -> Spent:
        """
        The middle of several runs, each column by itself.
        """
        return cls(*(statistics.median(column) for column in zip(*runs, strict=True)))
