"""
The judge: from counts to the state of each cell, by comparison.

One link that falls short at one receiver is ill there. All links at one receiver: the receiver is
down. One link at all receivers: the link is down. No events from any link: the webhooks are
silent, and nothing is concluded. All of this is a pure function of counts, time, and the states
that there were before.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from mailfailover.deliveries import _suspicion as suspicion
from mailfailover.deliveries._apart import OTHER
from mailfailover.deliveries._cell import ALL, Cell, CellState, Place
from mailfailover.deliveries._evidence import Evidence
from mailfailover.deliveries._reading import LONGEST
from mailfailover.deliveries._recovery import is_healed
from mailfailover.deliveries._usual import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mailfailover.deliveries._ledger import Ledger

_REACHED = 3
_REACHED_SECONDS = 1800.0
_FORGOTTEN_SECONDS = 6 * 3600.0
_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Verdicts:
    """
    The judge's findings.

    Attributes:
        cells:
            Each place that has any mails; a receiver that is down is ``("*", receiver)``, a link
            that is down ``(link, "*")``, as it is for some hours after that.

        silent: The links whose webhooks are silent, each with what was seen; ``"*"`` for all.
    """

    cells: Mapping[Place, Cell]
    silent: Mapping[str, str] = field(default_factory=dict)


class Judge:
    """
    One judgement.

    Args:
        ledger: What was counted in the last days.

        now: The time, in seconds since 1970.

        before: The cells as they were found last time.
    """

    def __init__(self, ledger: Ledger, now: float, before: Mapping[Place, Cell]) -> None:
        self.now = now
        self.before = before
        self._ledger = ledger
        self._evidence = Evidence(ledger, now, self._well_since)

    def verdicts(self) -> Verdicts:
        """
        Return the state of each cell, link and receiver.
        """
        suspects = {place: self._suspect(place) for place in self._ledger.places()}
        columns = {link: cell for link in self._ledger.links if (cell := self._column(link))}
        down = self._receivers_down(suspects)
        found: dict[Place, Cell] = {}
        for place, suspect in suspects.items():
            is_spared = place[1] in down or self._is_shared(place, suspect)
            found[place] = self._cell(place, None if is_spared else suspect)
        for receiver, cell in down.items():
            found[ALL, receiver] = self._kept((ALL, receiver), cell)
        for link, cell in columns.items():
            found[link, ALL] = self._kept((link, ALL), cell)
        for place in self._still_down(found.keys()):
            found[place] = self.before[place]
        for place, since in self._lately_down(found.keys()):
            found[place] = Cell(since=since)
        return Verdicts(found, self._evidence.silent)

    def an_hour(self, place: Place) -> float:
        """
        How many recipients a cell usually gets in an hour, 0.0 where it has no past.
        """
        series = self._ledger.at(place)
        return series.usual.an_hour if series and series.usual else 0.0

    # A single cell

    def _suspect(self, place: Place) -> Cell | None:
        """
        How a cell looks by itself, None where nothing is wrong.
        """
        link, receiver = place
        if receiver == OTHER:  # a finding at one place means nothing for the next
            return None
        since = self._well_since(place)
        blocked = suspicion.blocked(self._ledger.cells[place], self.now, since)
        if blocked is not None or self._evidence.is_unheard(link):
            return blocked
        return suspicion.short(self._evidence.reading(place), self.now)

    def _well_since(self, place: Place) -> float:
        """
        Since when a place is well again: the mails before that prove nothing now.
        """
        old = self.before.get(place)
        if self._is_freed(place) or (old is not None and old.is_ill and self._is_up(place)):
            return self.now
        if old is None or old.is_ill or old.since > self.now:  # the clock may have jumped back
            return 0.0
        return old.since

    def _is_freed(self, place: Place) -> bool:
        """
        Whether the whole link or receiver of a cell was down, and is up now.
        """
        if ALL in place:
            return False
        down = [whole for whole in ((place[0], ALL), (ALL, place[1])) if self._was_ill(whole)]
        return bool(down) and all(map(self._is_up, down))

    def _was_ill(self, place: Place) -> bool:
        old = self.before.get(place)
        return old is not None and old.is_ill

    # Comparison

    def _column(self, link: str) -> Cell | None:
        """
        How a whole link stands, None where nothing is wrong, or not with this link alone.
        """
        if self._evidence.is_unheard(link):
            return None
        reading = self._evidence.reading((link, ALL))
        cell = suspicion.short(reading, self.now)
        if reading is None or cell is None:
            return None
        if self._evidence.is_shared((link, ALL), reading):
            return None
        ill = {place for place in self.before if place[0] == link and self._was_ill(place)}
        return cell if self._evidence.is_everywhere(link, reading, ill) else None

    def _receivers_down(self, suspects: Mapping[Place, Cell | None]) -> dict[str, Cell]:
        """
        The receivers that none of several links reaches, while these reach others.
        """
        by_receiver: dict[str, dict[str, Cell]] = defaultdict(dict)
        for place, suspect in suspects.items():
            cell = suspect or self._still_ill(place)
            if cell is not None:
                by_receiver[place[1]][place[0]] = cell
        return {
            receiver: _joined(ill, self.now)
            for receiver, ill in by_receiver.items()
            if len(ill) > 1
            and not self._is_reached(receiver, ill)
            and any(map(self._evidence.reaches_others, ill))
        }

    def _is_shared(self, place: Place, suspect: Cell | None) -> bool:
        """
        Whether a cell falls short because its receiver is slow for the other links too.

        All links share a slow quarter of an hour, but only a link with few mails can look, by
        chance, as if its mails had been short for the whole hour.
        """
        if suspect is None or suspect.state is CellState.BLOCKED:
            return False
        reading = self._evidence.reading(place)
        return reading is not None and self._evidence.is_shared(place, reading)

    def _is_reached(self, receiver: str, ill: Mapping[str, Cell]) -> bool:
        return any(
            series.since(self.now - _REACHED_SECONDS, self.now).arrived >= _REACHED
            for place, series in self._ledger.cells.items()
            if place[1] == receiver and place[0] not in ill
        )

    # Earlier states

    def _cell(self, place: Place, suspect: Cell | None) -> Cell:
        if suspect is not None:
            return self._kept(place, suspect)
        return self._still_ill(place) or self._well(place)

    def _kept(self, place: Place, cell: Cell) -> Cell:
        """
        Return *cell*, ill since when it was first found so.
        """
        old = self.before.get(place)
        return cell if old is None or not old.is_ill else replace(cell, since=old.since)

    def _still_ill(self, place: Place) -> Cell | None:
        old = self.before.get(place)
        if old is None or not old.is_ill or self._is_freed(place):
            return None
        return None if self._is_up(place) else old

    def _still_down(self, found: Iterable[Place]) -> list[Place]:
        """
        The links and receivers that were down, and that nothing shows to be up again.
        """
        down = [place for place in self.before if ALL in place and place not in found]
        return [place for place in down if self._was_ill(place) and not self._is_up(place)]

    def _lately_down(self, found: Iterable[Place]) -> list[tuple[Place, float]]:
        """
        The links that were down in the last hours, and since when they are well.
        """
        links = [(link, ALL) for link in self._ledger.links if (link, ALL) not in found]
        since = {place: self._well_since(place) for place in links}
        return [(place, at) for place, at in since.items() if at > self.now - LONGEST]

    def _is_up(self, place: Place) -> bool:
        return place in self._up

    @cached_property
    def _up(self) -> frozenset[Place]:
        """
        The places that were ill, and are well again.
        """
        ill = {place: cell for place, cell in self.before.items() if cell.is_ill}
        return frozenset(place for place, old in ill.items() if self._has_come_up(place, old))

    def _has_come_up(self, place: Place, old: Cell) -> bool:
        link, receiver = place
        if link != ALL:
            return self._is_healed(place, old)
        cells = [one for one in self._ledger.places() if one[1] == receiver]
        return not cells or any(self._is_healed(one, old) for one in cells)

    def _is_healed(self, place: Place, old: Cell) -> bool:
        """
        Whether mails reach their receiver again, or there were none for hours.
        """
        series = self._ledger.at(place)
        if series is None or not series.sent(self.now - _FORGOTTEN_SECONDS, self.now):
            return True
        usual = self._evidence.usual(place) or UNKNOWN
        lag = self._ledger.hearing.lag(place[0], self.now)
        return is_healed(series, old, usual, self.now, lag)

    def _well(self, place: Place) -> Cell:
        lately = self._ledger.cells[place].since(self.now - _HOUR, self.now)
        since = self.now if self._was_ill(place) else self._well_since(place)
        return Cell(
            since=since,
            delivered=lately.arrived,
            blocked=lately.blocked,
            unheard=max(0, lately.sent - lately.told),
        )


def _joined(ill: Mapping[str, Cell], now: float) -> Cell:
    text = "; ".join(f"{link}: {cell.detail}" for link, cell in sorted(ill.items()))
    return Cell(
        CellState.LATE,
        now,
        text,
        sum(cell.delivered for cell in ill.values()),
        sum(cell.late for cell in ill.values()),
        sum(cell.blocked for cell in ill.values()),
        sum(cell.unheard for cell in ill.values()),
    )
