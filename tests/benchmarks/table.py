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

        ours, theirs: The two figures whose ratio *value* is, such as seconds.
    """

    name: str
    value: float
    unit: str
    goal: float | None = None
    more: bool = False
    ours: float | None = None
    theirs: float | None = None

    @classmethod
    def of(cls, name: str, ours: float, theirs: float, unit: str, goal: float | None = None) -> Row:
        """
        The row of *ours* as a multiple of *theirs*.
        """
        return cls(name, ours / theirs, unit, goal, ours=ours, theirs=theirs)

    def __str__(self) -> str:
        bound = "at least" if self.more else "at most"
        goal = "" if self.goal is None else f"   goal: {bound} {self.goal:g}"
        both = ""
        if self.ours is not None and self.theirs is not None:
            both = f"   ({self.ours * 1e6:.0f} and {self.theirs * 1e6:.0f} µs)"
        return f"{self.name:<52}{self.value:>10.3f} {self.unit:<22}{goal}{both}"


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
