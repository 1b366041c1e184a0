"""
Ledgers of cells with a healthy week, to which a test adds what it is about.
"""

from __future__ import annotations

from mailfailover.deliveries._counts import HEARD, HOUR, SENT, SLICE, Key
from mailfailover.deliveries._judge import Judge, Verdicts
from mailfailover.deliveries._ledger import Ledger

DAY = 86400
NOW = 20_000 * DAY
RECEIVERS = ("gmail", "microsoft", "yahoo")


class Book:
    """
    A ledger, and who judges by it.

    Args:
        links: Each with the mails that it sends each receiver in a slice.

        receivers: To whom.

        until: When the mails stop that arrive as usual, in seconds from now on.
    """

    def __init__(
        self,
        links: dict[str, int],
        receivers: tuple[str, ...] = RECEIVERS,
        until: int = 0,
    ) -> None:
        self.ledger = Ledger(NOW)
        self.now = NOW
        for link, number in links.items():
            for receiver in receivers:
                for hour in range(NOW - 7 * DAY, NOW - 8 * HOUR, HOUR):
                    self.add(link, receiver, hour, 12 * number)
                for start in range(NOW - 8 * HOUR, NOW + until, SLICE):
                    self.add(link, receiver, start, number)
        self.ledger.age(NOW)
        self.cells = dict(Judge(self.ledger, NOW, {}).verdicts().cells)

    def add(self, link: str, receiver: str, start: int, number: int, **told: int) -> None:
        """
        Send mails in a slice, of which 95 in 100 arrive in time where *told* is not given.
        """
        outcomes = told or {"300": round(number * 0.95)}
        self.ledger.add(Key(start, link, receiver, SENT), number)
        for what, count in outcomes.items():
            self.ledger.add(Key(start, link, receiver, what.removeprefix("within_")), count)
        heard = sum(outcomes.values())
        self.ledger.add(Key(start, link, "", HEARD), heard)

    def judge(self, now: int) -> Verdicts:
        """
        Judge at a time, knowing what was found before.
        """
        found = Judge(self.ledger, now, self.cells).verdicts()
        self.cells = dict(found.cells)
        return found

    def ill(self) -> set[str]:
        """
        The places that are ill, as text.
        """
        return {"/".join(place) for place, cell in self.cells.items() if cell.is_ill}
