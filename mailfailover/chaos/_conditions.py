"""
The conditions of all vendors: the troubles that somebody chose, or those of an incident.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from mailfailover.chaos._incident_play import IncidentPlay
from mailfailover.chaos._trouble import make_trouble
from mailfailover.chaos._troubles import Troubles
from mailfailover.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Conditions"]

_TICK = 0.1


class Conditions:
    """
    Sets and ends the troubles of vendors, and moves an incident on; safe from many threads.

    Args:
        kinds: The kinds of trouble that each vendor can have, in words.

        clock: Seconds that never go back.

        chance: A number from 0 to 1, another one at each call.

        changed: Called after each change, and at each step of the clock.
    """

    def __init__(
        self,
        kinds: Mapping[str, Mapping[str, str]],
        clock: Callable[[], float],
        chance: Callable[[], float],
        changed: Callable[[], None],
    ) -> None:
        self.vendors: tuple[str, ...] = tuple(kinds)
        self.incident: IncidentPlay | None = None
        self.troubles: dict[str, Troubles] = {name: Troubles(clock, chance) for name in kinds}
        self._kinds = kinds
        self._clock = clock
        self._changed = changed
        self._lock = threading.RLock()
        self._ended = threading.Event()
        self._ticker = threading.Thread(target=self._run, name="chaos", daemon=True)

    def start(self) -> None:
        """
        Let the clock run.
        """
        self._ticker.start()

    def stop(self) -> None:
        """
        Stop the clock.
        """
        self._ended.set()
        self._ticker.join()

    def named(self, vendor: str) -> tuple[str, ...]:
        """
        The vendor of this name, or all for ``"*"``.

        Raises:
            ConfigurationError: If there is none.
        """
        if vendor == "*":
            return self.vendors
        if vendor not in self.vendors:
            known = ", ".join(self.vendors)
            raise ConfigurationError(f"vendor {vendor!r} is unknown; known: {known}")
        return (vendor,)

    def fail(self, vendor: str, kind: str, **options: Any) -> None:
        """
        Give a vendor, or all for ``"*"``, this trouble and no other.

        Raises:
            ConfigurationError: If the vendor, the kind or an option is unknown.
        """
        trouble = make_trouble(kind, **options)
        names = [name for name in self.named(vendor) if kind in self._kinds[name]]
        if not names:
            known = ", ".join(self._kinds[self.named(vendor)[0]])
            raise ConfigurationError(f"kind {kind!r} is unknown to {vendor}; known: {known}")
        with self._lock:
            for name in names:
                self.troubles[name].set(trouble)
            self._changed()

    def heal(self, vendor: str = "*") -> None:
        """
        End the troubles of a vendor, or of all, and the incident that is played.
        """
        with self._lock:
            self.incident = None
            for name in self.named(vendor):
                self.troubles[name].set()
            self._changed()

    def play(self, name: str, speed: float) -> IncidentPlay:
        """
        Let the troubles follow an incident, *speed* times as fast as it happened.

        Raises:
            ConfigurationError: If there is none, or *speed* is not positive.
        """
        from mailfailover.drill import load_incident

        is_number = isinstance(speed, int | float) and not isinstance(speed, bool)
        if not is_number or not 0 < speed < float("inf"):
            raise ConfigurationError(f"speed must be a number above 0, not {speed!r}")
        incident = load_incident(name)
        with self._lock:
            self.heal()
            self.incident = IncidentPlay(incident, self._clock(), speed)
            self.tick()
            return self.incident

    def tick(self) -> None:
        """
        Bring the troubles up to the present moment of the incident.
        """
        now = self._clock()
        with self._lock:
            if play := self.incident:
                if play.is_over(now):
                    self.heal()
                    return
                for name, troubles in play.troubles(now, self.vendors).items():
                    self.troubles[name].set(*troubles)
            self._changed()

    def _run(self) -> None:
        while not self._ended.wait(_TICK):
            self.tick()
