"""
A sitting of the judge: the counts are read, judged, and what was found is written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailfailover._sql.database import reading
from mailfailover._values.frozen import EMPTY
from mailfailover.deliveries._bulletin import changes, silences
from mailfailover.deliveries._cell_rows import read_cells, write_cells
from mailfailover.deliveries._count_rows import read_changes, read_ledger
from mailfailover.deliveries._counts import HOUR
from mailfailover.deliveries._judge import Judge
from mailfailover.deliveries._turns import take_turn, turn_number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Engine

    from mailfailover.deliveries._ledger import Ledger

EVERY = 60.0
"""Seconds between two looks of the judge."""

_TURN = "judge"


class Sitting:
    """
    Judges when it is the turn of this process.

    The ledger stays in memory from one look to the next. So a process that has one takes the next
    turn, and others wait for twice the time.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._ledger: Ledger | None = None
        self._read_at = 0.0
        self._turn = 0
        self._silent: Mapping[str, str] = EMPTY

    def hold(self, now: float) -> list[object]:
        """
        Judge if it is this process's turn; return what observers are to be told.
        """
        every = EVERY if self._ledger is not None else 2 * EVERY
        with self._engine.begin() as connection:
            if not take_turn(connection, _TURN, now, every):
                return []
            turn = turn_number(connection, _TURN)
        with reading(self._engine) as connection:
            before, _ = read_cells(connection)
            ledger = self._read(now, turn)
        judge = Judge(ledger, now, before)
        verdicts = judge.verdicts()
        usual = {place: judge.an_hour(place) for place in verdicts.cells}
        with self._engine.begin() as connection:
            write_cells(connection, before, verdicts.cells, usual)
        news = [*changes(before, verdicts.cells), *silences(self._silent, verdicts.silent)]
        self._silent = verdicts.silent
        return news

    def _read(self, now: float, turn: int) -> Ledger:
        with reading(self._engine) as connection:
            if self._ledger is None or now // HOUR != self._read_at // HOUR:
                self._ledger = read_ledger(connection, now)
            else:
                read_changes(connection, self._ledger, self._turn)
        self._read_at, self._turn = now, turn
        return self._ledger
