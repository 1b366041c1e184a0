"""
A cell: one link at one receiver, and how its deliveries stand.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from mailfailover._values.face import published_in

ALL = "*"
"""Stands for all links, or for all receivers."""

Place = tuple[str, str]
"""The chain key of a link and the name of a receiver, each of which may be :data:`ALL`."""


@published_in("mailfailover.deliveries")
class CellState(StrEnum):
    """
    How deliveries through one link to one receiver stand.

    .. versionadded:: 0.1.0
    """

    WELL = "well"
    LATE = "late"
    """Some mails are stuck, or arrive far later than usual."""

    BLOCKED = "blocked"
    """The receiver refuses or defers this link with words that mean the sender."""

    SILENT = "silent"
    """The vendor accepts the mails, and reports hardly any delivery."""


@published_in("mailfailover.deliveries")
@dataclass(frozen=True, slots=True)
class Cell:
    """
    How deliveries through one link to one receiver stand.

    Attributes:
        state: Their state.

        since: Since when, in seconds since 1970; 0.0 where nothing was ever wrong.

        detail: Why, in words, "" for a cell that is well.

        delivered: Of the recent recipients, those whose delivery was told in time.

        late: Those whose delivery was told, but late.

        blocked: Those refused or deferred with words that mean the sender.

        unheard: Those that nothing was told of.

    .. versionadded:: 0.1.0
    """

    state: CellState = CellState.WELL
    since: float = 0.0
    detail: str = ""
    delivered: int = 0
    late: int = 0
    blocked: int = 0
    unheard: int = 0

    @property
    def is_ill(self) -> bool:
        """
        Whether mails should rather go another way.
        """
        return self.state is not CellState.WELL
