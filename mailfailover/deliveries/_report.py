"""
The report of deliveries: how each cell stands, and which webhooks are silent.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mailfailover._chain.observe import SilentOutage
from mailfailover._sql.database import reading
from mailfailover._values.face import published_in
from mailfailover.deliveries._cell import ALL
from mailfailover.deliveries._cell_rows import read_cells
from mailfailover.deliveries._count_rows import read_ledger
from mailfailover.deliveries._judge import Judge
from mailfailover.deliveries._usual import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Engine

    from mailfailover.deliveries._cell import Cell, Place
    from mailfailover.deliveries._ledger import Ledger


@published_in("mailfailover.deliveries")
@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """
    How deliveries stand, for people.

    Attributes:
        cells: How each cell stood at the last look, as :meth:`DeliveryHealth.snapshot` has them.

        silent: The links whose events are missing because of our webhooks, ``"*"`` for all links,
            each with the reason in words.

    .. versionadded:: 0.1.0
    """

    cells: Mapping[Place, Cell]
    silent: Mapping[str, str]

    def to_dict(self) -> dict[str, Any]:
        """
        Return it as JSON-safe data.
        """
        return {
            "cells": [
                {
                    "provider": key,
                    "receiver": receiver,
                    "state": str(cell.state),
                    "since": _time(cell.since),
                    "detail": cell.detail,
                    "delivered": cell.delivered,
                    "late": cell.late,
                    "blocked": cell.blocked,
                    "unheard": cell.unheard,
                }
                for (key, receiver), cell in sorted(self.cells.items())
            ],
            "silent_webhooks": [
                {"provider": key, "detail": detail} for key, detail in sorted(self.silent.items())
            ],
        }


def read_report(engine: Engine, now: float) -> DeliveryReport:
    """
    Read the report of a database; nothing is judged for others, and nobody is told.
    """
    with reading(engine) as connection:
        cells, _ = read_cells(connection)
        judge = Judge(read_ledger(connection, now), now, cells)
    shown = {place: cell for place, cell in cells.items() if cell.is_ill or ALL not in place}
    return DeliveryReport(shown, judge.verdicts().silent)


def read_outages(engine: Engine, now: float) -> dict[str, SilentOutage | None]:
    """
    Read the outage of each link as a whole, None where the link delivers as usual.
    """
    with reading(engine) as connection:
        cells, _ = read_cells(connection)
        found: dict[str, SilentOutage | None] = {link: None for link, _ in cells if link != ALL}
        ill = {link: cell for (link, receiver), cell in cells.items() if _is_silent(receiver, cell)}
        if ill:  # the past of a link is looked at only then
            ledger = read_ledger(connection, now)
            found |= {link: _outage(link, cell, ledger) for link, cell in ill.items()}
    return found


def _is_silent(receiver: str, cell: Cell) -> bool:
    return receiver == ALL and cell.is_ill


def _outage(link: str, cell: Cell, ledger: Ledger) -> SilentOutage:
    series = ledger.at((link, ALL))
    usual = (series and series.usual) or UNKNOWN
    mails = cell.delivered + cell.late + cell.unheard
    return SilentOutage(link, cell.delivered / mails, usual.share, mails, usual.patience)


def _time(since: float) -> str | None:
    return datetime.fromtimestamp(since, UTC).isoformat() if since else None
