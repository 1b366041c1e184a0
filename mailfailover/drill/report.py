"""
The report of one incident.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mailfailover._values.face import published_in

if TYPE_CHECKING:
    from mailfailover.drill.cast import Cast
    from mailfailover.drill.incident import Incident
    from mailfailover.drill.outcome import Outcome


@published_in("mailfailover.drill")
@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """
    The effect that an incident would have had on a chain.

    Attributes:
        incident: What was played.

        chain: The keys of the links.

        cast: Which links played which part.

        rate: Mails a second.

        stands_for: How many mails each played one stands for.

        begin, end: Of the play, in seconds after the incident's begin.

        played: How many seconds of the incident were played.

        outcomes: What became of the mails: by the first provider only, by three retries before the
            next provider, and by the chain itself.

    .. versionadded:: 0.1.0
    """

    incident: Incident
    chain: tuple[str, ...]
    cast: Cast
    rate: float
    stands_for: float
    begin: float
    end: float
    played: float
    outcomes: tuple[Outcome, ...]

    @property
    def yours(self) -> Outcome:
        """
        The outcome for the chain itself.
        """
        return self.outcomes[-1]

    def survived(self, *, max_lost: float = 0.0, max_late: float | None = None) -> bool:
        """
        Whether no more was lost than *max_lost*, a part of all, and nothing came too late.
        """
        yours = self.yours
        is_in_time = max_late is None or yours.worst <= max_late
        return yours.lost <= max_lost * yours.mails and is_in_time

    def to_dict(self) -> dict[str, Any]:
        """
        Return it as JSON-safe data.
        """
        incident = self.incident
        return {
            "incident": incident.name,
            "title": incident.title,
            "begin": incident.begin.isoformat(),
            "lasts": incident.lasts,
            "vendor": incident.vendor,
            "receiver": incident.receiver,
            "assumed": list(incident.assumed),
            "chain": list(self.chain),
            "struck": {key: len(phases) for key, phases in self.cast.phases.items()},
            "cast": self.cast.text,
            "rate": self.rate,
            "played": self.played,
            "stands_for": round(self.stands_for, 2),
            "survived": self.survived(),
            "outcomes": [one.to_dict() for one in self.outcomes],
        }
