"""
An incident of the drill, played on the clock of this machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailfailover.chaos._trouble import Trouble
from mailfailover.drill import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mailfailover.drill import Incident, Phase

__all__ = ["IncidentPlay"]


def _queue(phase: Phase, passed: float) -> Trouble:
    first, last = phase.delay
    whole = phase.end - phase.begin
    return Trouble(kind="late", seconds=first + (last - first) * (passed - phase.begin) / whole)


# Some vendors have no such answer of their own.
_ANSWERS = {"forbidden": "suspended", "payment": "suspended"}

# A vendor on this machine has no DNS to break, so refused connections stand for it.
_TROUBLES: Mapping[Fault, Callable[[Phase, float], Trouble]] = {
    Fault.DNS: lambda one, _: Trouble(kind="refuse", probability=one.share),
    Fault.REFUSED: lambda one, _: Trouble(kind="refuse", probability=one.share),
    Fault.TIMEOUT: lambda one, _: Trouble(kind="hang", probability=one.share),
    Fault.SILENT: lambda one, _: Trouble(kind="hang", probability=one.share),
    Fault.TLS: lambda _one, _: Trouble(kind="expired_certificate"),
    Fault.RESET: lambda one, _: Trouble(kind="cut", probability=one.share),
    Fault.SLOW: lambda one, _: Trouble(kind="slow", probability=one.share, seconds=one.seconds),
    Fault.ANSWER: lambda one, _: Trouble(
        kind=_ANSWERS.get(one.answer, one.answer), probability=one.share
    ),
    Fault.EDGE: lambda one, _: Trouble(kind="edge", probability=one.share, status=one.status),
    Fault.LIMIT: lambda one, _: Trouble(kind="rate_limited", probability=one.share),
    Fault.QUEUE: _queue,
    Fault.LOST: lambda one, _: Trouble(kind="stuck", probability=one.share),
    Fault.WEBHOOKS: lambda _one, _: Trouble(kind="silent_webhooks"),
}


class IncidentPlay:
    """
    The troubles of each vendor at each moment of an incident.

    Args:
        began: The reading of the clock at its begin.

        speed: How much faster than it happened; waits in it are not shortened.
    """

    def __init__(self, incident: Incident, began: float, speed: float = 1.0) -> None:
        self.incident = incident
        self._began = began
        self._speed = speed

    @property
    def left_out(self) -> tuple[str, ...]:
        """
        The kinds of its faults that cannot be played here.
        """
        return tuple(one.value for one in self.incident.faults if one not in _TROUBLES)

    def passed(self, now: float) -> float:
        """
        The seconds of the incident that are over.
        """
        return (now - self._began) * self._speed

    def is_over(self, now: float) -> bool:
        """
        Whether the incident has ended.
        """
        return self.passed(now) >= self.incident.lasts

    def troubles(self, now: float, vendors: Sequence[str]) -> dict[str, tuple[Trouble, ...]]:
        """
        The troubles of each vendor that the incident concerns.
        """
        passed = self.passed(now)
        found: dict[str, list[Trouble]] = {
            name: [] for phase in self.incident.phases for name in self._concerned(phase, vendors)
        }
        for phase in self.incident.phases:
            if phase.fault in _TROUBLES and phase.begin <= passed < phase.end:
                for name in self._concerned(phase, vendors):
                    found[name].append(_TROUBLES[phase.fault](phase, passed))
        return {name: tuple(troubles) for name, troubles in found.items()}

    def _concerned(self, phase: Phase, vendors: Sequence[str]) -> tuple[str, ...]:
        """
        The vendors that a phase hits; what vendors stand on hits the incident's own vendor.
        """
        own = self.incident.vendor
        if phase.on == "all":
            return tuple(vendors)
        if phase.on == "standby":
            return tuple(name for name in vendors if name != own)
        return (own,) if own in vendors else ()
