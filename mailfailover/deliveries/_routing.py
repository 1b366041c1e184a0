"""
The routing of a mail by how deliveries stand: an ill cell goes to the end, it does not forbid.

All of it is read from memory: a `Situation` that is renewed in the background. Where
nothing is wrong and no link warms up, a mail's candidates are not even looked at.
"""

from __future__ import annotations

from collections import defaultdict
from math import inf
from typing import TYPE_CHECKING

from mailfailover._health.ramp import FIRST_HOUR
from mailfailover._values.frozen import EMPTY
from mailfailover.deliveries._cell import ALL
from mailfailover.deliveries._probes import Probes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from mailfailover._chain.candidate import Candidate
    from mailfailover._message.address import Address
    from mailfailover._message.message import Message
    from mailfailover.deliveries._situation import Situation


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
        """None without a known state."""

        self._receiver_of = receiver_of
        self._sent = sent
        self._clock = clock
        self._probes = Probes(clock)

    def order(self, message: Message, candidates: Iterable[Candidate]) -> Iterable[Candidate]:
        """
        Return *candidates* with those at the end that would hardly reach the recipients.
        """
        situation = self.situation
        if situation is None:
            return candidates
        receivers = self._receivers(situation, message)
        if not situation.is_wide and situation.ways.keys().isdisjoint(receivers):
            return candidates
        return self._order(situation, message, receivers, list(candidates))

    def _order(
        self,
        situation: Situation,
        message: Message,
        receivers: Sequence[str],
        candidates: list[Candidate],
    ) -> list[Candidate]:
        count = len(message.recipients)
        illnesses, warmups = situation.illnesses(receivers), situation.warmups
        if message.is_merge:
            return self._order_merge(situation, receivers, candidates, count)
        well: list[Candidate] = []
        ill: list[Candidate] = []
        for candidate in candidates:
            key = candidate.link.key
            is_over = key in warmups and warmups[key] < count
            (ill if is_over or key in illnesses else well).append(candidate)
        if not ill or not well:
            return candidates
        order = [*well, *ill]
        if ill[0] is not candidates[0]:  # the mail goes where it would go anyway
            return order
        first = candidates[0].link.key
        if first not in illnesses:  # warm-up: the overflow simply goes to the next link
            return order
        is_hopeful = situation.is_hopeful(first, receivers)
        if self._probes.take(first, receivers, is_hopeful=is_hopeful) or not self._may_take(
            situation, well[0].link.key, receivers, count, illnesses[first].since
        ):
            return candidates
        return order

    def _order_merge(
        self,
        situation: Situation,
        receivers: Sequence[str],
        candidates: list[Candidate],
        count: int,
    ) -> list[Candidate]:
        """
        Order the candidates of a merge, which is cut: each gets what its ramp and warm-up allow.
        """
        illnesses = situation.illnesses(receivers)
        first = candidates[0].link.key
        ill = [one for one in candidates if one.link.key in illnesses]
        well: list[Candidate] = []
        full: list[Candidate] = []
        for one in candidates:
            key = one.link.key
            if key in illnesses:
                continue
            room = situation.warmups.get(key, inf)
            if first in illnesses:
                room = min(room, self._room(situation, key, receivers, illnesses[first].since))
            if room < 1:
                full.append(one)
            else:
                well.append(one if room >= count else one._replace(most=int(room)))
        if not well:
            return candidates
        probes = self._probes.take(first, receivers, count) if first in illnesses else 0
        probing = [candidates[0]._replace(most=probes)] if probes else []
        return [*probing, *well, *ill, *full]

    def split(self, message: Message) -> Sequence[tuple[Address, ...]]:
        """
        Return the recipients of a merge in groups: those whom the same links do not reach.

        The group that all links reach comes first.
        """
        situation = self.situation
        if situation is None or not (situation.ways or situation.links):
            return ()
        groups: dict[tuple[str, ...], list[Address]] = defaultdict(list)
        for address in message.to:
            receiver = self._name(situation, address.domain)
            groups[tuple(sorted(situation.illnesses((receiver,))))].append(address)
        found: list[tuple[Address, ...]] = []
        for links in sorted(groups):
            group = groups[links]
            is_large = links and len(group) > FIRST_HOUR
            found += self._by_receiver(situation, group) if is_large else [tuple(group)]
        return found

    def _by_receiver(
        self, situation: Situation, group: Iterable[Address]
    ) -> Iterable[tuple[Address, ...]]:
        """
        Split a group by receiver, as each receiver has a ramp of its own.
        """
        found: dict[str, list[Address]] = defaultdict(list)
        for address in group:
            found[self._name(situation, address.domain)].append(address)
        return map(tuple, found.values())

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
        if situation is None or not situation.has_down:
            return EMPTY
        found = {one.email: self._receiver_of(one.domain) for one in message.recipients}
        if message.is_merge:
            return {
                email: receiver
                for email, receiver in found.items()
                if situation.is_down(receiver)
                and not self._probes.take(ALL, [receiver], int(is_new))
            }
        receivers = list(found.values())
        is_held = all(map(situation.is_down, receivers))
        return found if is_held and not self._probes.take(ALL, receivers, int(is_new)) else EMPTY

    def is_down(self, receiver: str) -> bool:
        """
        Whether no link reaches *receiver*.
        """
        return self.situation is not None and self.situation.is_down(receiver)

    def is_probe_due(self, receiver: str) -> bool:
        """
        Whether it is time to let a mail to *receiver* through.
        """
        return self._probes.is_due(receiver)

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
        named = self._receivers(situation, message)
        receivers = [one for one in named if not situation.is_down(one)]
        illnesses = situation.illnesses(receivers) if receivers else EMPTY
        if first not in illnesses:
            return ()
        count, since = len(message.recipients), illnesses[first].since
        return tuple(
            key
            for key in others
            if key not in illnesses
            and situation.warmups.get(key, count) >= count
            and self._may_take(situation, key, receivers, count, since)
        )

    def _receivers(self, situation: Situation, message: Message) -> Sequence[str]:
        """
        Name the receivers of a mail, each once.
        """
        recipients = message.recipients
        if len(recipients) == 1:
            return (self._name(situation, recipients[0].domain),)
        domains = {address.domain for address in recipients}
        return list(dict.fromkeys(self._name(situation, domain) for domain in domains))

    def _name(self, situation: Situation, domain: str) -> str:
        name = situation.names.get(domain)
        if name is None:
            name = situation.names[domain] = self._receiver_of(domain)
        return name

    def _may_take(
        self, situation: Situation, link: str, receivers: Iterable[str], count: int, since: float
    ) -> bool:
        """
        Whether *link* may take the mail over now, by its ramp at each receiver.
        """
        return self._room(situation, link, receivers, since) >= count

    def _room(
        self, situation: Situation, link: str, receivers: Iterable[str], since: float
    ) -> float:
        """
        How many recipients *link* may take over now, by its ramp at each receiver.
        """
        least = inf
        for receiver in receivers:
            room = situation.rooms.get((link, receiver, since))
            if room is None:
                room = situation.room(link, receiver, since, self._clock())
            least = min(least, room - self._sent(link, receiver))
        return least
