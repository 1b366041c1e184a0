"""
The waiting recipients of a merge, cut into parts for the candidate whose turn it is.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from mailfailover._health.limits import Portion

if TYPE_CHECKING:
    from mailfailover._chain.candidate import Candidate
    from mailfailover._chain.gate import Pass
    from mailfailover._message.address import Address
    from mailfailover._message.message import Message

    Part = tuple["Address", ...]


class Waiting:
    """
    The recipients that still wait for the mail, and the parts that the candidate gets.
    """

    def __init__(self, message: Message) -> None:
        self.recipients: dict[str, Address] = {one.email: one for one in message.to}
        self.again: tuple[str, Part] = ("", ())
        """The part whose outcome is unknown, to be sent once more to that provider as it was."""
        self.parts: deque[Part] = deque()
        """The parts that the present candidate has not got yet."""

        self._shared: set[str] = set()
        """The links that had their share."""

    def take_share(self, candidate: Candidate) -> int:
        """
        Return how many recipients *candidate* gets in this turn; the next time it gets all.
        """
        share = self._share(candidate)
        self._shared.add(candidate.link.key)
        return share

    def _share(self, candidate: Candidate) -> int:
        waiting = len(self.recipients)
        if candidate.most is None or candidate.link.key in self._shared:
            return waiting
        return min(candidate.most, waiting)

    def portion(self, candidate: Candidate) -> Portion:
        """
        How many recipients the next part for *candidate* has.
        """
        if self.parts:
            return Portion(1, len(self.parts[0]))
        key, again = self.again
        if again and key == candidate.link.key:
            return Portion(len(again), len(again))
        waiting = self._share(candidate)
        most = candidate.link.capabilities.max_merge or waiting
        return Portion(1, min(most, waiting) if candidate.batch else 1)

    def cut(self, candidate: Candidate, share: int, most: int | None) -> None:
        """
        Cut a *share* of them into parts of *most*.

        The part that *candidate* may know already comes first, and is never cut.
        """
        key, again = self.again
        self.again = ("", ())
        if key != candidate.link.key:
            again = ()
        waiting = tuple(one for one in self.recipients.values() if one not in again)
        waiting = waiting[: max(0, share - len(again))]
        size = (most or len(waiting)) if candidate.batch else 1
        self.parts = deque((again,) if again else ())
        for start in range(0, len(waiting), size or 1):
            self.parts.append(waiting[start : start + size])

    def next_part(self, given: Pass) -> Part:
        """
        Take the next part, no larger than the rate and the quota of its link allow.
        """
        part = self.parts.popleft()
        count = given.recipients
        if count is not None and count < len(part):
            self.parts.appendleft(part[count:])
            part = part[:count]
        return part

    def put_back(self, part: Part, named: set[str]) -> None:
        """
        Put back the recipients of a refused *part* that are not *named*, or halves of it.
        """
        if not named:
            middle = len(part) // 2
            self.parts.extendleft((part[middle:], part[:middle]))
        elif rest := tuple(address for address in part if address.email not in named):
            self.parts.appendleft(rest)
