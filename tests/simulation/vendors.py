"""
Vendors with a history: healthy, down, slow, erring, limited, and overwhelmed.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from random import Random


class Answer(Enum):
    """
    How one call ends.
    """

    YES = "accepted"
    ERROR = "its own 503: surely not sent"
    LIMIT = "429"
    REFUSED = "no connection"
    NOTHING = "no answer in time, not sent"
    SILENT_YES = "no answer in time, but accepted"


class Spell(NamedTuple):
    """
    A part of a vendor's history.

    Attributes:
        begin, end: Seconds.

        errors: The share of calls that get an error of the vendor's own.

        silent: The share that get no answer; half of those were accepted all the same.

        refused: Whether no connection is made.

        latency: The median seconds of an answer.

        capacity: Mails a second beyond which it answers nothing.

        limit: Mails a second beyond which it answers 429.

        region: Only callers of this region see it; all where None.
    """

    begin: float
    end: float
    errors: float = 0.0
    silent: float = 0.0
    refused: bool = False
    latency: float = 0.15
    capacity: float = float("inf")
    limit: float = float("inf")
    region: int | None = None


HEALTHY = Spell(0.0, float("inf"))


@dataclass
class Vendor:
    """
    A vendor that counts what it is asked.

    Attributes:
        calls: How many calls it got in each second.

        accepted: How often it accepted each mail.
    """

    name: str
    rng: Random
    history: tuple[Spell, ...] = ()
    calls: Counter[int] = field(default_factory=Counter)
    accepted: Counter[int] = field(default_factory=Counter)

    def ask(self, mail: int, region: int, now: float, timeout: float) -> tuple[float, Answer]:
        """
        Return how long a call takes, at most *timeout*, and how it ends.
        """
        second = int(now)
        self.calls[second] += 1
        spell = self._spell(region, now)
        seconds, answer = self._answer(spell, self.calls[second])
        if answer in (Answer.NOTHING, Answer.SILENT_YES) or seconds > timeout:
            seconds, late = timeout, answer in (Answer.YES, Answer.SILENT_YES)
            answer = Answer.SILENT_YES if late else Answer.NOTHING
        if answer in (Answer.YES, Answer.SILENT_YES):
            self.accepted[mail] += 1
        return seconds, answer

    def _spell(self, region: int, now: float) -> Spell:
        for spell in self.history:
            if spell.begin <= now < spell.end and spell.region in (None, region):
                return spell
        return HEALTHY

    def _answer(self, spell: Spell, calls: int) -> tuple[float, Answer]:
        seconds = spell.latency * self.rng.lognormvariate(0.0, 0.5)
        chance = self.rng.random()
        if spell.refused:
            return 0.002, Answer.REFUSED
        if calls > spell.capacity:
            return 0.0, Answer.NOTHING
        if calls > spell.limit:
            return 0.02, Answer.LIMIT
        if chance < spell.errors:
            return seconds, Answer.ERROR
        if chance < spell.errors + spell.silent:
            return 0.0, self.rng.choice((Answer.NOTHING, Answer.SILENT_YES))
        return seconds, Answer.YES
