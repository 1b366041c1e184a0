"""
The recovery: whether the probes of an ill cell show that it is well again.

Each probe speaks for the cell as it was found, or for the cell as it usually is, and so much the
more the less alike these two are: three deliveries show that a block is over, and sixty that a
fifth is no longer stuck. It is the sequential test of Wald, begun anew where it falls to nothing.
"""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING

from mailfailover.deliveries._cell import CellState
from mailfailover.deliveries._counts import SLICE, slice_of
from mailfailover.deliveries._reading import LONGEST, MARGIN

if TYPE_CHECKING:
    from mailfailover.deliveries._cell import Cell
    from mailfailover.deliveries._series import Series
    from mailfailover.deliveries._usual import Usual

_SURE = 9.2
"""An ill cell looks so well once in ten thousand series of probes."""

_SHARES = (0.5, 0.98)
_LEAST = 0.02
_APART = 0.12
_HARDLY_ANY = 0.3
"""Where so few arrived, and refusals come as soon as deliveries, these need not all be due."""


def is_healed(series: Series, old: Cell, usual: Usual, now: float, lag: float = 0.0) -> bool:
    """
    Whether the mails since a cell was found ill arrived as they usually do.

    Args:
        series: What became of its mails.

        old: The cell as it was found.

        usual: What its past says.

        now: The time.

        lag: How many seconds after an event its webhook comes.
    """
    well = min(max(usual.share, _SHARES[0]), _SHARES[1])
    ill = min(max(_share(old), _LEAST), well - _APART)
    gain, loss = log(well / ill), log((1 - ill) / (1 - well))
    due = now - usual.patience - MARGIN - lag - SLICE
    latest = now if old.state is CellState.BLOCKED and ill < _HARDLY_ANY else due
    score = 0.0
    for start in range(slice_of(max(old.since, now - LONGEST)) + SLICE, slice_of(now) + 1, SLICE):
        slot = series.recent.get(start)
        if slot is None or start > latest:
            continue
        good = slot.answered(usual.edge)
        missing = max(0, slot.sent - good)
        bad = missing if start <= due else min(missing, slot.blocked + slot.bounced)
        score = max(0.0, score + good * gain - bad * loss)
    return score >= _SURE


def _share(old: Cell) -> float:
    every = old.delivered + old.late + old.blocked + old.unheard
    return old.delivered / every if every else 0.0
