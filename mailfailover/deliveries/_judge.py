"""
The judge: from counts to the state of each cell, by comparison.

One link that falls short at one receiver is ill there. All links at one receiver: the receiver is
down. One link at all receivers: the link is down. No events from any link: the webhooks are
silent, and nothing is concluded. All of this is a pure function of counts, time, and the states
that there were before.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mailfailover.deliveries._cell import ALL, Cell, CellState, Place
from mailfailover.deliveries._counts import HEARD, LAG, REFUSED, SLICE, Key
from mailfailover.deliveries._series import Reading, Series, Slot, Usual

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_TALKING_SECONDS = 1800
_EXPECTED = 20
_SILENT = 0.1
_BLOCKED_MAILS = 5
_BLOCKED_SHARE = 0.25
_FEW_BLOCKED = 3
_MOSTLY_BLOCKED = 0.6
_BOUNCED_MAILS = 20
_BOUNCED_SHARE = 0.3
_TIMES_USUAL = 3.0
_OTHERS = 10
_HEALED = 3
_HEALED_SECONDS = 1800
_FORGOTTEN_SECONDS = 6 * 3600.0
_MOST_PLACES = 3


@dataclass(frozen=True, slots=True)
class Verdicts:
    """
    What the judge found.

    Attributes:
        cells: Each place that has any mails; a receiver that is down is ``("*", receiver)``, a link
            that is down ``(link, "*")``.

        silent: The links whose webhooks are silent, each with what was seen; ``"*"`` for all.
    """

    cells: Mapping[Place, Cell]
    silent: Mapping[str, str] = field(default_factory=dict)


class Judge:
    """
    Judges once, from *counts* as they are *now* and the cells that there were *before*.
    """

    def __init__(
        self, counts: Iterable[tuple[Key, int]], now: float, before: Mapping[Place, Cell]
    ) -> None:
        self.now = now
        self.before = before
        self.cells: dict[Place, Series] = defaultdict(Series)
        self.columns: dict[str, Series] = defaultdict(Series)
        self._heard: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        for key, number in counts:
            if key.what in (HEARD, REFUSED, LAG):
                if key.slice + SLICE > now - _TALKING_SECONDS:
                    self._heard[key.link][key.what] += number
                continue
            self.cells[key.link, key.receiver].slot(key.slice).add(key.what, number)
            self.columns[key.link].slot(key.slice).add(key.what, number)

    def verdicts(self) -> Verdicts:
        """
        Return the state of each cell, link and receiver.
        """
        silent = self._silent()
        suspects = {place: self._suspect(place, silent) for place in self.cells}
        columns = self._columns(silent)
        down = self._receivers_down(suspects)
        found: dict[Place, Cell] = {}
        for place, suspect in suspects.items():
            found[place] = self._cell(place, None if place[1] in down else suspect)
        found |= {(ALL, receiver): self._kept((ALL, receiver), cell) for receiver, cell in down.items()}
        found |= {(link, ALL): self._kept((link, ALL), cell) for link, cell in columns.items()}
        return Verdicts(found, silent)

    def an_hour(self, place: Place) -> float:
        """
        How many recipients a cell usually gets in an hour, 0.0 where it has no past.
        """
        usual = self.cells[place].usual(self.now) if place in self.cells else None
        return usual.an_hour if usual else 0.0

    # What one series says

    def _suspect(self, place: Place, silent: Mapping[str, str]) -> Cell | None:
        """
        How a cell looks by itself, None where nothing is wrong.
        """
        series = self.cells[place]
        if (blocked := self._blocked(series)) is not None:
            return blocked
        if place[0] in silent or ALL in silent:
            return None
        return self._short(series, place[0])

    def _blocked(self, series: Series) -> Cell | None:
        lately = series.lately(self.now)
        usual = series.usual(self.now)
        often = max(_BLOCKED_SHARE, _TIMES_USUAL * (usual.blocked if usual else 0.0))
        some = lately.blocked >= _BLOCKED_MAILS and lately.blocked >= often * lately.sent
        most = lately.blocked >= max(_FEW_BLOCKED, _MOSTLY_BLOCKED * lately.sent, often * lately.sent)
        if lately.sent and (some or most):
            text = f"{lately.blocked} of {lately.sent} recipients were refused or deferred for the sender's sake"
            return self._ill(CellState.BLOCKED, text, lately)
        seldom = _TIMES_USUAL * (usual.bounced if usual else 0.0)
        often = max(_BOUNCED_SHARE, seldom)
        if lately.bounced >= _BOUNCED_MAILS and lately.bounced >= often * lately.sent:
            text = f"{lately.bounced} of {lately.sent} recipients bounced"
            return self._ill(CellState.BLOCKED, text, lately)
        return None

    def _short(self, series: Series, link: str) -> Cell | None:
        reading = self._reading(series, link)
        if reading is None or not reading.is_short:
            return None
        hardly = reading.arrived < _SILENT * reading.usual.share * reading.mails
        text = (
            f"{reading.on_time} of {reading.mails} recipients were told to be delivered within "
            f"{reading.usual.patience // 60} min; usual are {reading.usual.share:.0%}"
        )
        state = CellState.SILENT if hardly else CellState.LATE
        late = reading.arrived - reading.on_time
        unheard = max(0, reading.mails - reading.arrived)
        return Cell(state, self.now, text, reading.on_time, late, 0, unheard)

    def _reading(self, series: Series, link: str) -> Reading | None:
        usual = series.usual(self.now)
        return usual and series.reading(self.now, usual, self._lag(link))

    def _ill(self, state: CellState, text: str, slot: Slot) -> Cell:
        unheard = max(0, slot.sent - slot.arrived - slot.blocked - slot.bounced)
        return Cell(state, self.now, text, slot.arrived, 0, slot.blocked, unheard)

    def _lag(self, link: str) -> float:
        heard = self._heard[link]
        return heard[LAG] / heard[HEARD] if heard[HEARD] else 0.0

    # Comparison

    def _silent(self) -> dict[str, str]:
        """
        The links whose events are missing although many were due.
        """
        due = {link: self._due(series) for link, series in self.columns.items()}
        mute = {link for link, number in due.items() if number >= _EXPECTED and not self._heard[link][HEARD]}
        if not mute:
            return {}
        talking = any(heard[HEARD] for heard in self._heard.values())
        if not talking:
            number = sum(due[link] for link in mute)
            return {ALL: f"no event came in {_TALKING_SECONDS // 60} min, where {number:.0f} were due"}
        return {
            link: f"webhooks with a wrong signature came ({self._heard[link][REFUSED]}), and no other"
            for link in mute
            if self._heard[link][REFUSED]
        }

    def _due(self, series: Series) -> float:
        usual = series.usual(self.now)
        if usual is None:
            return 0.0
        sent = series.since(self.now - _TALKING_SECONDS).sent - series.since(
            self.now - usual.patience
        ).sent
        return sent * usual.share

    def _columns(self, silent: Mapping[str, str]) -> dict[str, Cell]:
        """
        The links that fall short as a whole while another one does not.
        """
        if ALL in silent:
            return {}
        readings = {
            link: reading
            for link, series in self.columns.items()
            if link not in silent and (reading := self._reading(series, link)) is not None
        }
        found = {}
        for link, reading in readings.items():
            others = [one for key, one in readings.items() if key != link and one.mails >= _OTHERS]
            alone = not others and reading.arrived > 0
            compared = any(not one.is_short for one in others)
            if not (alone or compared) or not self._is_everywhere(link, silent):
                continue
            if (cell := self._short(self.columns[link], link)) is not None:
                found[link] = cell
        return found

    def _is_everywhere(self, link: str, silent: Mapping[str, str]) -> bool:
        """
        Whether several receivers suffer: one large receiver alone is no outage of the link.
        """
        ill = well = 0
        for (key, _), series in self.cells.items():
            if key == link and (reading := self._reading(series, link)) is not None:
                if reading.mails < _OTHERS:
                    continue
                if reading.is_well:
                    well += 1
                else:
                    ill += 1
        return ill > well and ill + well >= 1 and (ill >= min(_MOST_PLACES, ill + well))

    def _receivers_down(self, suspects: Mapping[Place, Cell | None]) -> dict[str, Cell]:
        """
        The receivers that none of several links reaches.
        """
        by_receiver: dict[str, dict[str, Cell | None]] = defaultdict(dict)
        for (link, receiver), suspect in suspects.items():
            by_receiver[receiver][link] = suspect
        found = {}
        for receiver, cells in by_receiver.items():
            ill = {link: one for link, one in cells.items() if self._is_ill((link, receiver), one)}
            if len(ill) < 2 or self._some_link_reaches(receiver, cells.keys() - ill.keys()):  # noqa: PLR2004 -- one alone is compared with nobody
                continue
            if self._is_common(ill.keys()):
                continue
            text = "; ".join(f"{link}: {one.detail}" for link, one in sorted(ill.items()) if one)
            found[receiver] = Cell(CellState.LATE, self.now, text or "no link reaches it")
        return found

    def _is_ill(self, place: Place, suspect: Cell | None) -> bool:
        if suspect is not None:
            return True
        old = self.before.get(place)
        return old is not None and old.is_ill and not self._is_healed(place, old)

    def _some_link_reaches(self, receiver: str, links: Iterable[str]) -> bool:
        for link in links:
            lately = self.cells[link, receiver].lately(self.now)
            reading = self._reading(self.cells[link, receiver], link)
            if lately.arrived >= _HEALED or (reading is not None and reading.is_well):
                return True
        return False

    def _is_common(self, links: Iterable[str]) -> bool:
        """
        Whether these links fall short at all receivers: then it is no matter of one receiver.
        """
        readings = [self._reading(self.columns[link], link) for link in links]
        return all(reading is not None and reading.share < _SILENT for reading in readings)

    # What was before

    def _cell(self, place: Place, suspect: Cell | None) -> Cell:
        old = self.before.get(place)
        if suspect is not None:
            return self._kept(place, suspect)
        if old is not None and old.is_ill and not self._is_healed(place, old):
            return old
        return self._well(self.cells[place])

    def _kept(self, place: Place, cell: Cell) -> Cell:
        """
        Return *cell* since when it has been so.
        """
        old = self.before.get(place)
        if old is None or not old.is_ill:
            return cell
        return Cell(
            cell.state, old.since, cell.detail, cell.delivered, cell.late, cell.blocked, cell.unheard
        )

    def _is_healed(self, place: Place, old: Cell) -> bool:
        """
        Whether probes show an ill cell to be well again, or nothing has been sent for hours.
        """
        if place not in self.cells:
            return True
        series = self.cells[place]
        lately = series.since(max(self.now - _HEALED_SECONDS, old.since))
        if old.state is CellState.BLOCKED:
            return lately.arrived >= _HEALED and lately.blocked * 10 <= lately.arrived or self._is_idle(series)
        reading = self._reading(series, place[0])
        if reading is not None and reading.mails >= _HEALED and reading.is_well:
            return True
        return self._is_idle(series)

    def _is_idle(self, series: Series) -> bool:
        return series.since(self.now - _FORGOTTEN_SECONDS).sent == 0

    def _well(self, series: Series) -> Cell:
        lately = series.since(self.now - HOUR_SECONDS)
        unheard = max(0, lately.sent - lately.arrived - lately.blocked - lately.bounced)
        return Cell(
            delivered=lately.arrived, blocked=lately.blocked, unheard=unheard
        )


HOUR_SECONDS = 3600.0

__all__ = ["Judge", "Usual", "Verdicts"]
