"""
The routing of a mail by how deliveries stand: an ill cell goes to the end, it does not forbid.

All of it is read from memory: a :class:`Situation` that is renewed in the background. Where
nothing is wrong and no link warms up, a mail's candidates are not even looked at.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

from mailfailover._health.ramp import allowed
from mailfailover._values.frozen import EMPTY
from mailfailover.deliveries._cell import ALL, Cell, Place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from mailfailover._chain.candidate import Candidate
    from mailfailover._message.address import Address
    from mailfailover._message.message import Message

PROBE_EVERY = 50
"""One mail in so many goes through an ill cell, to find out whether it is well again."""

PROBE_SECONDS = 600.0
"""At least one mail in so many seconds does."""


@dataclass(frozen=True, slots=True)
class Situation:
    """
    What routing goes by, as it was when it was last read.

    Attributes:
        cells: The places that are ill, ``(link, "*")`` and ``("*", receiver)`` among them.

        usual: How many recipients an hour a cell usually gets.

        sent: How many recipients each cell got in the last hour.

        warmups: How many recipients more a link that warms up may get today.

        well_since: Since when a cell is well that was ill before.
    """

    cells: Mapping[Place, Cell] = field(default=EMPTY)
    usual: Mapping[Place, float] = field(default=EMPTY)
    sent: Mapping[Place, int] = field(default=EMPTY)
    warmups: Mapping[str, float] = field(default=EMPTY)
    well_since: Mapping[Place, float] = field(default=EMPTY)

    def is_down(self, receiver: str) -> bool:
        """
        Whether no link reaches *receiver*.
        """
        return (ALL, receiver) in self.cells

    def illness(self, link: str, receivers: Iterable[str]) -> Cell | None:
        """
        Return the first ill cell on the way through *link* to *receivers*.
        """
        whole = self.cells.get((link, ALL))
        if whole is not None:
            return whole
        for receiver in receivers:
            if (cell := self.cells.get((link, receiver))) is not None:
                return cell
        return None


class Routing:
    """
    Orders the candidates of mails.

    Args:
        receiver_of: Names the receiver of a domain.

        sent: How many recipients a cell got that the situation does not know of yet.

        clock: Seconds since 1970.
    """

    def __init__(
        self,
        receiver_of: Callable[[str], str],
        sent: Callable[[str, str], int],
        clock: Callable[[], float],
    ) -> None:
        self.situation: Situation | None = None
        """None where there is nothing to go by."""

        self._receiver_of = receiver_of
        self._sent = sent
        self._clock = clock
        self._lock = Lock()
        self._probes: dict[Place, tuple[int, float]] = {}

    def order(self, message: Message, candidates: Iterable[Candidate]) -> Iterable[Candidate]:
        """
        Return *candidates* with those at the end that would hardly reach the recipients.
        """
        situation = self.situation
        if situation is None:
            return candidates
        return self._order(situation, message, list(candidates))

    def _order(
        self, situation: Situation, message: Message, candidates: list[Candidate]
    ) -> list[Candidate]:
        receivers = self.receivers(message)
        reachable = [one for one in receivers if not situation.is_down(one)]
        count = len(message.recipients)
        well: list[Candidate] = []
        ill: list[Candidate] = []
        for candidate in candidates:
            key = candidate.link.key
            is_over = situation.warmups.get(key, count) < count
            is_ill = situation.illness(key, reachable) is not None
            (ill if is_over or is_ill else well).append(candidate)
        if not ill or not well:
            return candidates
        first = candidates[0].link.key
        if ill[0] is not candidates[0]:  # the mail goes where it would go anyway
            return [*well, *ill]
        cell = situation.illness(first, reachable)
        if cell is None:  # warm-up: the overflow simply goes to the next link
            return [*well, *ill]
        if self._is_probe(first, reachable) or not self._may_take(
            situation, well[0].link.key, reachable, count, cell.since
        ):
            return candidates
        return [*well, *ill]

    def split(self, message: Message) -> Sequence[tuple[Address, ...]]:
        """
        Return the recipients of a merge in groups: those whom the same links do not reach.

        Whom all links reach comes first.
        """
        situation = self.situation
        if situation is None:
            return ()
        ill: dict[str, set[str]] = defaultdict(set)
        for link, receiver in situation.cells:
            if ALL not in (link, receiver) and not situation.is_down(receiver):
                ill[receiver].add(link)
        if not ill:
            return ()
        groups: dict[tuple[str, ...], list[Address]] = defaultdict(list)
        for address in message.to:
            links = ill.get(self._receiver_of(address.domain), ())
            groups[tuple(sorted(links))].append(address)
        return [tuple(groups[links]) for links in sorted(groups)]

    def holds_back(self, message: Message) -> str:
        """
        Return the receiver that is down for all recipients of a mail, "" to let it through.
        """
        return min(self.held(message).values(), default="")

    def held(self, message: Message, *, is_new: bool = True) -> Mapping[str, str]:
        """
        Return the recipients who cannot get a mail now, each with the receiver that is down.

        A mail to several is held only where none of them can be reached; of a merge, each
        recipient's own mail.

        Args:
            message: The mail.

            is_new: Whether it counts among the mails of which some are let through.
        """
        situation = self.situation
        if situation is None or not any(link == ALL for link, _ in situation.cells):
            return EMPTY
        found = {one.email: self._receiver_of(one.domain) for one in message.recipients}
        if message.is_merge:
            return {
                email: receiver
                for email, receiver in found.items()
                if situation.is_down(receiver) and not self._is_probe(ALL, [receiver], is_new)
            }
        receivers = found.values()
        is_held = all(map(situation.is_down, receivers))
        return found if is_held and not self._is_probe(ALL, receivers, is_new) else EMPTY

    def is_down(self, receiver: str) -> bool:
        """
        Whether no link reaches *receiver*.
        """
        return self.situation is not None and self.situation.is_down(receiver)

    def is_probe_due(self, receiver: str) -> bool:
        """
        Whether no mail to *receiver* was let through for :data:`PROBE_SECONDS`.
        """
        now = self._clock()
        with self._lock:
            _, last = self._probes.setdefault((ALL, receiver), (0, now))
        return now - last >= PROBE_SECONDS

    def second_ways(self, message: Message, first: str, others: Iterable[str]) -> tuple[str, ...]:
        """
        Return the links of *others* by which a mail may go once more that *first* does not deliver.

        Returns:
            None where *first* reaches the receivers, or where these are down themselves; nor a link
            that does not reach them, or whose ramp is used up.
        """
        situation = self.situation
        if situation is None:
            return ()
        receivers = [one for one in self.receivers(message) if not situation.is_down(one)]
        cell = situation.illness(first, receivers) if receivers else None
        if cell is None:
            return ()
        count = len(message.recipients)
        return tuple(
            key
            for key in others
            if situation.illness(key, receivers) is None
            and situation.warmups.get(key, count) >= count
            and self._may_take(situation, key, receivers, count, cell.since)
        )

    def receivers(self, message: Message) -> list[str]:
        """
        Name the receivers of a mail, each once.
        """
        domains = {address.domain for address in message.recipients}
        return list(dict.fromkeys(map(self._receiver_of, domains)))

    def _is_probe(self, link: str, receivers: Iterable[str], is_new: bool = True) -> bool:  # noqa: FBT001, FBT002 -- private
        now = self._clock()
        place = (link, min(receivers, default=ALL))
        with self._lock:
            passed, last = self._probes.get(place, (0, now))
            passed += is_new
            due = passed >= PROBE_EVERY or now - last >= PROBE_SECONDS
            self._probes[place] = (0, now) if due else (passed, last)
        return due

    def _may_take(
        self, situation: Situation, link: str, receivers: Iterable[str], count: int, since: float
    ) -> bool:
        """
        Whether *link* may take the mail over now, by its ramp at each receiver.
        """
        now = self._clock()
        for receiver in receivers:
            place = (link, receiver)
            seconds = max(0.0, now - max(since, situation.well_since.get(place, 0.0)))
            sent = situation.sent.get(place, 0) + self._sent(link, receiver)
            if sent + count > allowed(situation.usual.get(place, 0.0), seconds):
                return False
        return True


__all__ = ["PROBE_EVERY", "PROBE_SECONDS", "Routing", "Situation"]
