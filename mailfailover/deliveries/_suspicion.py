"""
The suspicion: a cell's state by its own counts, before it is compared with other cells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailfailover.deliveries._cell import Cell, CellState
from mailfailover.deliveries._chance import above
from mailfailover.deliveries._counts import SLICE

if TYPE_CHECKING:
    from mailfailover.deliveries._reading import Reading
    from mailfailover.deliveries._series import Series
    from mailfailover.deliveries._slot import Slot

_WINDOWS = (300.0, 1800.0)
_BLOCKED_MAILS = 5
_BOUNCED_MAILS = 20
_REFUSED_SHARE = 0.3
_TIMES_USUAL = 3.0
_ALWAYS = 0.02
"""The share of refusals that counts as nothing, even if there were none before."""

_SURE = 18.0


def blocked(series: Series, now: float, since: float) -> Cell | None:
    """
    Whether the receiver refuses or defers the link, None where it does not.

    Args:
        series: What became of the mails of the cell.

        now: The time.

        since: Mails of before prove nothing.
    """
    usual = series.usual
    often = (usual.blocked, usual.bounced) if usual else (0.0, 0.0)
    for seconds in _WINDOWS:
        slot = series.since(max(now - seconds, since + SLICE), now)
        if _are_many(slot.blocked, slot, often[0], _BLOCKED_MAILS):
            how = "were refused or deferred as a sender"
            return _refused(slot, now, seconds, f"{slot.blocked} of {slot.sent} recipients {how}")
        if _are_many(slot.bounced, slot, often[1], _BOUNCED_MAILS):
            how = "bounced, although mails were delivered to them before"
            return _refused(slot, now, seconds, f"{slot.bounced} of {slot.sent} recipients {how}")
    return None


def short(reading: Reading | None, now: float) -> Cell | None:
    """
    How a cell looks whose mails do not arrive in time, None where they do.
    """
    if reading is None or not reading.is_short:
        return None
    usual = reading.usual
    return Cell(
        CellState.SILENT if reading.is_hardly else CellState.LATE,
        now,
        f"{reading.on_time} of {reading.mails} recipients were told to be delivered within "
        f"{usual.patience // 60} min; usual are {usual.share:.0%}",
        reading.on_time,
        max(0, reading.arrived - reading.on_time),
        0,
        max(0, reading.mails - max(reading.arrived, reading.on_time)),
    )


def _are_many(number: int, slot: Slot, usual: float, least: int) -> bool:
    if number < least:
        return False
    told = slot.told
    often = _TIMES_USUAL * usual
    if number < max(_REFUSED_SHARE, often) * told:
        return False
    return above(min(number, told), told, max(_ALWAYS, often)) >= _SURE


def _refused(slot: Slot, now: float, seconds: float, what: str) -> Cell:
    text = f"{what} within {seconds / 60:.0f} min"
    return Cell(
        CellState.BLOCKED,
        now,
        text,
        slot.arrived,
        0,
        slot.blocked + slot.bounced,
        max(0, slot.sent - slot.told),
    )
