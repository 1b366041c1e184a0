"""
The grid of deliveries: receivers down, providers across, and the words of what is ill.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from mailfailover.deliveries import CellState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mailfailover.deliveries import Cell, DeliveryReport

__all__ = ["Grid", "Illness", "draw_grid"]

ALL = "*"
_MOST = 8
"""The most receivers with a row: ill receivers first, then those with most mails."""

BADGES: Mapping[CellState, tuple[str, str]] = {
    CellState.WELL: ("arrives", "good"),
    CellState.LATE: ("late", "warn"),
    CellState.BLOCKED: ("blocked", "bad"),
    CellState.SILENT: ("silent", "bad"),
}


class Illness(NamedTuple):
    """
    An illness: its place, its beginning, and its description.
    """

    title: str
    badge: tuple[str, str]
    since: datetime | None
    detail: str


@dataclass(frozen=True, slots=True)
class Grid:
    """
    The deliveries, as the page shows them.

    Attributes:
        providers: The heads of the columns.

        rows: Each receiver with the badge of each column, None where that provider sent nothing.

        more: How many receivers have no row.

        ills: All that is wrong.
    """

    providers: tuple[str, ...]
    rows: tuple[tuple[str, tuple[tuple[str, str] | None, ...]], ...]
    more: int
    ills: tuple[Illness, ...]


def draw_grid(report: DeliveryReport, keys: Iterable[str]) -> Grid:
    """
    Return the grid of a report, with the providers *keys* first.
    """
    cells = report.cells
    known = {key for key, _ in cells} - {ALL}
    providers = (*keys, *sorted(known - set(keys)))
    receivers = _by_weight(cells)
    rows = [
        (receiver, tuple(_badge(cells.get((key, receiver))) for key in providers))
        for receiver in receivers[:_MOST]
    ]
    ills = [_silence(key, detail) for key, detail in sorted(report.silent.items())]
    ills += [_illness(*place, cell) for place, cell in sorted(cells.items()) if cell.is_ill]
    return Grid(providers, tuple(rows), max(0, len(receivers) - _MOST), tuple(ills))


def _by_weight(cells: Mapping[tuple[str, str], Cell]) -> list[str]:
    weights: dict[str, tuple[bool, int]] = {}
    for (_, receiver), cell in cells.items():
        if receiver == ALL:
            continue
        is_ill, mails = weights.get(receiver, (False, 0))
        number = cell.delivered + cell.late + cell.blocked + cell.unheard
        weights[receiver] = (is_ill or cell.is_ill, mails + number)
    return sorted(weights, key=lambda name: (not weights[name][0], -weights[name][1], name))


def _badge(cell: Cell | None) -> tuple[str, str] | None:
    return None if cell is None else BADGES[cell.state]


def _illness(key: str, receiver: str, cell: Cell) -> Illness:
    if key == ALL:
        title = f"No provider reaches {receiver}"
    else:
        title = f"{key} to {'most receivers' if receiver == ALL else receiver}"
    since = datetime.fromtimestamp(cell.since, UTC) if cell.since else None
    return Illness(title, BADGES[cell.state], since, cell.detail)


def _silence(key: str, detail: str) -> Illness:
    title = "Webhooks of all providers" if key == ALL else f"Webhooks of {key}"
    return Illness(title, ("not heard", "warn"), None, detail)
