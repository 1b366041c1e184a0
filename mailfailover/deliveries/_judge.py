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

from mailfailover.deliveries._cell import ALL, Cell, CellState, Place
from mailfailover.deliveries._counts import HEARD, LAG, REFUSED, SLICE, Key
from mailfailover.deliveries._hearing import Hearing
from mailfailover.deliveries._series import Reading, Series, Slot, Usual

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_HARDLY = 0.1
_WINDOWS = (300.0, 1800.0)
_BLOCKED_MAILS = 5
_BOUNCED_MAILS = 20
_REFUSED_SHARE = 0.3
_TIMES_USUAL = 3.0
_OTHERS = 10
_HEALED = 3
_MANY = 20
_PROMPTLY = 0.7
_PARTLY = 0.4
_PROBES = 40
_PROBED_SLICES = 24
_NEARLY = 0.06
_FORGOTTEN_SECONDS = 6 * 3600.0
_HOUR = 3600.0
_PLACES = 3


@dataclass(frozen=True, slots=True)
class Verdicts:
    """
    What the judge found.

    Attributes:
        cells:
            Each place that has any mails; a receiver that is down is ``("*", receiver)``, a link
            that is down ``(link, "*")``.

        silent: The links whose webhooks are silent, each with what was seen; ``"*"`` for all.
    """

    cells: Mapping[Place, Cell]
    silent: Mapping[str, str] = field(default_factory=dict)


class Judge:
    """
    Judges once.

    Args:
        counts: What was counted in the last days.

        now: The time, in seconds since 1970.

        before: The cells as they were found last time.
    """

    def __init__(
        self, counts: Iterable[tuple[Key, int]], now: float, before: Mapping[Place, Cell]
    ) -> None:
        self.now = now
        self.before = before
        self._series: dict[Place, Series] = defaultdict(Series)
        """That of each cell, and at ``(link, "*")`` that of the whole link."""

        self._hearing = Hearing(now)
        self._usual: dict[Place, Usual | None] = {}
        self._readings: dict[Place, Reading | None] = {}
        for key, number in counts:
            if key.what in (HEARD, REFUSED, LAG):
                self._hearing.add(key.link, key.slice, key.what, number)
                continue
            for receiver in (key.receiver, ALL):
                self._series[key.link, receiver].slot(key.slice).add(key.what, number)

    def verdicts(self) -> Verdicts:
        """
        Return the state of each cell, link and receiver.
        """
        suspects = {place: self._suspect(place) for place in self._places}
        columns = {link: cell for link in self._links if (cell := self._column(link)) is not None}
        down = self._receivers_down(suspects)
        found: dict[Place, Cell] = {}
        for place, suspect in suspects.items():
            found[place] = self._cell(place, None if place[1] in down else suspect)
        for receiver, cell in down.items():
            found[ALL, receiver] = self._kept((ALL, receiver), cell)
        for link, cell in columns.items():
            found[link, ALL] = self._kept((link, ALL), cell)
        for place in self._still_down(found.keys()):
            found[place] = self.before[place]
        return Verdicts(found, self._silent)

    def an_hour(self, place: Place) -> float:
        """
        How many recipients a cell usually gets in an hour, 0.0 where it has no past.
        """
        usual = self._usual_of(place) if place in self._series else None
        return usual.an_hour if usual else 0.0

    @property
    def _places(self) -> list[Place]:
        return [place for place in self._series if place[1] != ALL]

    @property
    def _links(self) -> list[str]:
        return [link for link, receiver in self._series if receiver == ALL]

    # One cell by itself

    def _suspect(self, place: Place) -> Cell | None:
        """
        How a cell looks by itself, None where nothing is wrong.
        """
        blocked = self._blocked(place)
        if blocked is not None or self._is_unheard(place[0]):
            return blocked
        return self._short(place)

    def _blocked(self, place: Place) -> Cell | None:
        usual = self._usual_of(place)
        often = max(_REFUSED_SHARE, _TIMES_USUAL * (usual.blocked if usual else 0.0))
        bounces = max(_REFUSED_SHARE, _TIMES_USUAL * (usual.bounced if usual else 0.0))
        for seconds in _WINDOWS:
            slot = self._series[place].since(self.now - seconds)
            told = slot.arrived + slot.blocked + slot.bounced
            if slot.blocked >= max(_BLOCKED_MAILS, often * told):
                return self._refused(
                    slot, seconds, slot.blocked, "were refused or deferred as a sender"
                )
            if slot.bounced >= max(_BOUNCED_MAILS, bounces * told):
                return self._refused(slot, seconds, slot.bounced, "bounced")
        return None

    def _refused(self, slot: Slot, seconds: float, number: int, how: str) -> Cell:
        text = f"{number} of {slot.sent} recipients {how} within {seconds / 60:.0f} min"
        unheard = max(0, slot.sent - slot.arrived - slot.blocked - slot.bounced)
        return Cell(CellState.BLOCKED, self.now, text, slot.arrived, 0, slot.blocked, unheard)

    def _short(self, place: Place) -> Cell | None:
        reading = self._reading(place)
        if reading is None or not reading.is_short:
            return None
        usual = reading.usual
        hardly = reading.arrived < _HARDLY * usual.share * reading.mails
        return Cell(
            CellState.SILENT if hardly else CellState.LATE,
            self.now,
            f"{reading.on_time} of {reading.mails} recipients were told to be delivered within "
            f"{usual.patience // 60} min; usual are {usual.share:.0%}",
            reading.on_time,
            reading.arrived - reading.on_time,
            0,
            max(0, reading.mails - reading.arrived),
        )

    def _usual_of(self, place: Place) -> Usual | None:
        if place not in self._usual:
            self._usual[place] = self._series[place].usual(self.now)
        return self._usual[place]

    def _reading(self, place: Place) -> Reading | None:
        if place not in self._readings:
            usual = self._usual_of(place)
            self._readings[place] = self._read(place, usual) if usual else None
        return self._readings[place]

    def _read(self, place: Place, usual: Usual) -> Reading | None:
        link = place[0]
        since = self._well_since(place)

        def proves(start: int) -> bool:
            return start >= since and self._hearing.proves(link, start, usual.patience)

        return self._series[place].reading(self.now, usual, self._hearing.lag(link), proves)

    def _well_since(self, place: Place) -> float:
        """
        Since when a place is well again: the mails before that prove nothing now.
        """
        old = self.before.get(place)
        own = old.since if old is not None and not old.is_ill else 0.0
        return self.now if self._is_freed(place) else own

    def _is_freed(self, place: Place) -> bool:
        """
        Whether the whole link or receiver of a cell was down, and is up now.
        """
        wholes = [(place[0], ALL), (ALL, place[1])] if ALL not in place else []
        down = [whole for whole in wholes if whole in self.before and self.before[whole].is_ill]
        return bool(down) and all(map(self._is_up, down))

    # Webhooks

    @cached_property
    def _silent(self) -> dict[str, str]:
        return self._hearing.silent({link: self._due(link) for link in self._links})

    def _is_unheard(self, link: str) -> bool:
        return link in self._silent or ALL in self._silent

    def _due(self, link: str) -> dict[float, float]:
        """
        How many deliveries of a link should have been told within the last seconds.
        """
        usual = self._usual_of((link, ALL))
        if usual is None:
            return {}
        series = self._series[link, ALL]
        late = series.since(self.now - usual.patience).sent
        return {
            seconds: (series.since(self.now - seconds - usual.patience).sent - late) * usual.share
            for seconds in self._hearing.windows
        }

    # Comparison

    def _column(self, link: str) -> Cell | None:
        """
        How a whole link stands, None where nothing is wrong, or not with this link alone.
        """
        place = (link, ALL)
        if self._is_unheard(link) or (cell := self._short(place)) is None:
            return None
        others = [self._reading((key, ALL)) for key in self._links if key != link]
        compared = [one for one in others if one is not None and one.mails >= _OTHERS]
        if all(one.is_short for one in compared) and (compared or not cell.delivered + cell.late):
            return None
        return cell if self._is_everywhere(link) else None

    def _is_everywhere(self, link: str) -> bool:
        """
        Whether most receivers suffer: one large receiver alone is no outage of the link.
        """
        readings = [self._reading(place) for place in self._places if place[0] == link]
        big = [one for one in readings if one is not None and one.mails >= _OTHERS]
        ill = sum(not one.is_well for one in big)
        return 2 * ill > len(big) and ill >= min(_PLACES, len(big))

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
            receiver: self._down(ill)
            for receiver, ill in by_receiver.items()
            if len(ill) > 1 and not self._is_reached(receiver, ill) and self._reach_others(ill)
        }

    def _down(self, ill: Mapping[str, Cell]) -> Cell:
        text = "; ".join(f"{link}: {cell.detail}" for link, cell in sorted(ill.items()))
        return Cell(
            CellState.LATE,
            self.now,
            text,
            sum(cell.delivered for cell in ill.values()),
            sum(cell.late for cell in ill.values()),
            sum(cell.blocked for cell in ill.values()),
            sum(cell.unheard for cell in ill.values()),
        )

    def _is_reached(self, receiver: str, ill: Mapping[str, Cell]) -> bool:
        others = [one for one in self._places if one[1] == receiver and one[0] not in ill]
        return any(
            self._series[one].since(self.now - _WINDOWS[-1]).arrived >= _HEALED for one in others
        )

    def _reach_others(self, links: Iterable[str]) -> bool:
        readings = [self._reading((link, ALL)) for link in links]
        return any(one is None or one.share >= _HARDLY for one in readings)

    # What was before

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
        return None if self._is_healed(place, old) else old

    def _still_down(self, found: Iterable[Place]) -> list[Place]:
        """
        The links and receivers that were down, and that nothing shows to be up again.
        """
        down = [place for place in self.before if ALL in place and place not in found]
        return [place for place in down if not self._is_up(place)]

    def _is_up(self, place: Place) -> bool:
        link, receiver = place
        old = self.before[place]
        if link != ALL:
            return self._is_healed(place, old)
        cells = [one for one in self._places if one[1] == receiver]
        return not cells or any(self._has_arrived(one, old.since) for one in cells)

    def _is_healed(self, place: Place, old: Cell) -> bool:
        """
        Whether mails reach their receiver again, or there were none for hours.
        """
        if place not in self._series:
            return True
        series = self._series[place]
        if not series.since(self.now - _FORGOTTEN_SECONDS).sent:
            return True
        if old.state is not CellState.BLOCKED:
            reading = self._reading(place)
            if reading is not None and reading.mails >= _MANY and reading.is_well:
                return True
        if old.state is CellState.LATE and old.delivered > _PARTLY * (old.late + old.unheard):
            return self._is_whole_again(place, old.since)
        return self._has_arrived(place, old.since)

    def _is_whole_again(self, place: Place, since: float) -> bool:
        """
        Whether no part of the probes is stuck any more: a few that arrive do not show that.
        """
        usual = self._usual_of(place)
        if usual is None:
            return True
        due = self.now - usual.patience - 2 * SLICE
        slots = [slot for start, slot in self._series[place].slots.items() if since < start <= due]
        sent = sum(slot.sent for slot in slots[-_PROBED_SLICES:])
        prompt = sum(slot.within(usual.patience) for slot in slots[-_PROBED_SLICES:])
        return sent >= _PROBES and prompt >= (usual.share - _NEARLY) * sent

    def _has_arrived(self, place: Place, since: float) -> bool:
        """
        Whether the latest mails of a cell, its probes, arrived in time and none was refused.
        """
        usual = self._usual_of(place)
        probes = self._series[place].probed(self.now, since)
        prompt = probes.within(usual.patience if usual else SLICE)
        refused = probes.blocked + probes.bounced
        return prompt >= max(_HEALED, 10 * refused) and prompt >= _PROMPTLY * probes.sent

    def _well(self, place: Place) -> Cell:
        lately = self._series[place].since(self.now - _HOUR)
        unheard = max(0, lately.sent - lately.arrived - lately.blocked - lately.bounced)
        old = self.before.get(place)
        since = self.now if old is not None and old.is_ill else self._well_since(place)
        return Cell(since=since, delivered=lately.arrived, blocked=lately.blocked, unheard=unheard)
