"""
Which provider is next: who can express the mail, in the strategy's order, by health.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from mailfailover._features import NO_FEATURES, Feature
from mailfailover._fit import estimate_size, over_limits, required_features, without
from mailfailover._frozen import FrozenDict
from mailfailover._health import Hold, Ticket
from mailfailover._merge import merge_features
from mailfailover._retry import Again, full_jitter
from mailfailover.errors import InvalidMessage, UnsupportedFeature

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailfailover._chain import ProviderChain
    from mailfailover._message import Message
    from mailfailover._provider import Link
    from mailfailover._send import Policy
    from mailfailover.errors import SendError

NEVER = Again(float("inf"))
RESERVED_SECONDS = 3.0
"""What an attempt leaves of the time for each provider not yet tried."""

LEASE_MARGIN = 5.0
_USED_UP = "its rate or quota is used up"
_POLL_SECONDS = 0.01
_MAX_POLL_SECONDS = 0.25


class Candidate(NamedTuple):
    """
    A link that can carry this mail, and what must be left off for it.
    """

    link: Link
    domain: str
    dropped: Feature = NO_FEATURES
    batch: bool = False
    """Whether it takes a whole merge in one call."""

    def bind(self, message: Message) -> Message:
        """
        The mail as this link's account sends it.
        """
        link = self.link
        changes: dict[str, object] = {}
        if link.from_email is not None:
            changes["from_email"] = link.from_email
            if message.from_email not in (None, link.from_email) and not message.reply_to:
                changes["reply_to"] = (message.from_email,)
        if message.template_id:
            changes["template_id"] = template_at(link, message)
        if message.provider_options:
            options = message.options(link.provider.name, link.key)
            changes["provider_options"] = FrozenDict({link.provider.name: options})
        if hasattr(link.provider, "idempotency_ttl"):
            changes["idempotency_key"] = idempotency_key(message, link.key)
        if changes:
            message = message.bound(**changes)
        return without(message, self.dropped, link.capabilities) if self.dropped else message


def template_at(link: Link, message: Message) -> str:
    """
    The id of the message's template at this link, or "" where there is none.
    """
    template = message.template_id
    if not isinstance(template, str):
        template = template.get(link.key, "")
    return link.templates.get(template, template)


def idempotency_key(message: Message, key: str) -> str:
    """
    The key under which a vendor knows this mail again: the same for every attempt.
    """
    from uuid import NAMESPACE_URL, uuid5

    return str(uuid5(NAMESPACE_URL, f"mailfailover:{message.id}:{message.part}:{key}"))


class Picker:
    """
    Goes through the candidates in rounds: each once, then a wait, then again.
    """

    def __init__(
        self, chain: ProviderChain, message: Message, policy: Policy, deadline: float
    ) -> None:
        self.chain = chain
        self.policy = policy
        self.deadline = deadline
        self.candidates = candidates(chain, message)
        self.final: dict[str, SendError] = {}
        """Who said no for good, and how."""
        self.held: list[tuple[Candidate, Hold]] = []
        """Who was passed by when last looked at."""
        self._tried: set[str] = set()
        self._called: Counter[str] = Counter()
        self._rounds = 0
        self._polls = 0
        self._resend: Candidate | None = None
        self._lease = policy.attempt_timeout + LEASE_MARGIN

    def next(self) -> tuple[Candidate, Ticket] | Again:
        """
        Return whom to call now, or when to look again.
        """
        if self._resend is not None and (ticket := self._ask_again(self._resend)):
            return ticket
        self.held = []
        for candidate in self.candidates:
            key = candidate.link.key
            if key in self._tried or key in self.final:
                continue
            answer = self._ask(candidate)
            if isinstance(answer, Ticket):
                return self._take(candidate, answer)
            self.held.append((candidate, answer))
        if self._tried <= self.final.keys():
            self._tried.clear()
            return self._force()
        self._tried.clear()
        self._rounds += 1
        if self.look() and all(hold.reason == "cooldown" for _, hold in self.held):
            return self._force()
        return Again(full_jitter(self._rounds, self.chain.rng))

    def once_more(self, candidate: Candidate) -> Ticket | None:
        """
        Return a ticket for another call to *candidate* in the same turn, if it may have one.
        """
        answer = self._ask(candidate)
        return answer if isinstance(answer, Ticket) else None

    def finish(self, key: str, error: SendError) -> None:
        """
        Never ask *key* again for this mail.
        """
        self.final[key] = error

    def resend(self, key: str, age: float) -> bool:
        """
        Ask *key* next, once, if its vendor would know the mail of *age* seconds ago again.
        """
        for candidate in self.candidates:
            lifetime = getattr(candidate.link.provider, "idempotency_ttl", 0.0)
            if candidate.link.key == key and age < lifetime and self._called[key] <= 1:
                self._resend = candidate
                return True
        return False

    def budget(self) -> float:
        """
        How many seconds the next attempt may take.
        """
        left = self.deadline - self.chain.clock()
        untried = len(self.candidates) - len(self._tried | self.final.keys())
        share = max(left - RESERVED_SECONDS * untried, left / (untried + 1))
        return min(self.policy.attempt_timeout, share)

    def look(self) -> bool:
        """
        See who would be passed by now; return whether all who could still help would be.
        """
        left = [one for one in self.candidates if one.link.key not in self.final]
        found = ((candidate, self._peek(candidate)) for candidate in left)
        self.held = [(candidate, hold) for candidate, hold in found if hold is not None]
        return len(self.held) == len(left)

    def _peek(self, candidate: Candidate) -> Hold | None:
        chain = self.chain
        answer = chain.health.ask(candidate.link.key, candidate.domain, self._lease)
        if isinstance(answer, Hold):
            return answer
        chain.health.release(answer)
        wait = self._allowance_wait(candidate.link.key)
        return Hold("cooldown", chain.clock() + wait, _USED_UP) if wait else None

    def _allowance_wait(self, key: str, *, take: bool = False) -> float:
        allowance = self.chain.allowances.get(key)
        if allowance is None:
            return 0.0
        return (allowance.take if take else allowance.wait)(self.chain.clock(), self.chain.wall())

    def _ask(self, candidate: Candidate) -> Ticket | Hold:
        chain = self.chain
        key = candidate.link.key
        answer = chain.health.ask(key, candidate.domain, self._lease)
        if isinstance(answer, Hold):
            if not chain.is_alone or answer.reason in ("cooldown", "isolated"):
                return answer
            # There is nobody else to pass by to: a chain of one always calls.
            answer = chain.health.force(key, candidate.domain, self._lease)
            if isinstance(answer, Hold):
                answer = Ticket(key, candidate.domain, chain.clock(), -1)
        if wait := self._allowance_wait(key, take=True):
            chain.health.release(answer)
            return Hold("cooldown", chain.clock() + wait, _USED_UP)
        return answer

    def _ask_again(self, candidate: Candidate) -> tuple[Candidate, Ticket] | None:
        self._resend = None
        key = candidate.link.key
        answer = self.chain.health.ask(key, candidate.domain, self._lease)
        if isinstance(answer, Hold):
            answer = self.chain.health.force(key, candidate.domain, self._lease)
        return self._take(candidate, answer) if isinstance(answer, Ticket) else None

    def _take(self, candidate: Candidate, ticket: Ticket) -> tuple[Candidate, Ticket]:
        self._tried.add(candidate.link.key)
        self._called[candidate.link.key] += 1
        return candidate, ticket

    def _force(self) -> tuple[Candidate, Ticket] | Again:
        """
        Everybody is passed by: call the one due soonest all the same, one mail at a time.
        """
        open_to_us = [pair for pair in self.held if pair[1].reason != "isolated"]
        if not open_to_us:
            return NEVER
        candidate, hold = min(open_to_us, key=self._preference)
        wait = hold.until - self.chain.clock()
        if hold.reason == "cooldown":
            if self.chain.clock() + wait < self.deadline:
                return Again(wait)
            if self._called:
                return NEVER
        answer = self.chain.health.force(candidate.link.key, candidate.domain, self._lease)
        if isinstance(answer, Ticket):
            return self._take(candidate, answer)
        self._polls += 1
        return Again(min(_POLL_SECONDS * 2 ** min(self._polls, 10), _MAX_POLL_SECONDS))

    def _preference(self, pair: tuple[Candidate, Hold]) -> tuple[int, bool, float]:
        candidate, hold = pair
        parked = hold.reason in ("account", "sender")
        due = 0.0 if hold.reason == "probing" else hold.until
        return self._called[candidate.link.key], parked, due


def candidates(chain: ProviderChain, message: Message) -> list[Candidate]:
    """
    Who can carry *message*: in the strategy's order, those who need nothing dropped first.

    Raises:
        InvalidMessage: If there is no recipient or no sender, or *via* names nobody.
        UnsupportedFeature: If nobody can express it.
    """
    if not message.to and not message.cc and not message.bcc:
        raise InvalidMessage("to is empty: name at least one recipient", field="to")
    links = chain.strategy.order(message, chain.rng)
    if message.via:
        links = [link for link in links if not link.names.isdisjoint(message.via)]
        if not links:
            text = f"via names no provider of this chain; known: {', '.join(chain.keys)}"
            raise InvalidMessage(text, field="via")
    sender = message.from_email
    needed = required_features(message)
    faithful: list[Candidate] = []
    reduced: list[Candidate] = []
    lacking: dict[str, tuple[str, ...]] = {}
    for link in links:
        own = link.from_email or sender
        if own is None:
            continue
        missing, limits = _misfit(chain, link, message, needed)
        if limits or missing & ~message.droppable:
            lacking[link.key] = (*(missing & ~message.droppable).names, *limits)
            continue
        batch = message.is_merge and _takes_batch(link, message)
        found = Candidate(link, own.domain, missing, batch)
        (reduced if missing else faithful).append(found)
    if not faithful and not reduced:
        raise _nobody(lacking)
    return faithful + reduced


def _misfit(
    chain: ProviderChain, link: Link, message: Message, needed: Feature
) -> tuple[Feature, tuple[str, ...]]:
    """
    What *link* cannot express: features, and limits by name.
    """
    limits = link.capabilities
    missing = needed & ~limits.features if needed else needed
    if message.tags or message.metadata:
        missing |= over_limits(message, limits)
    if message.template_id and not template_at(link, message):
        missing |= Feature.TEMPLATES
    over = []
    if limits.max_recipients is not None and not message.is_merge:
        count = len(message.to) + len(message.cc) + len(message.bcc)
        if count > limits.max_recipients:
            over.append(f"max_recipients={limits.max_recipients}")
    if limits.max_bytes is not None and estimate_size(message) > limits.max_bytes:
        over.append(f"max_bytes={limits.max_bytes}")
    if limits.max_delay is not None and _delay(chain, message) > limits.max_delay:
        over.append(f"max_delay={limits.max_delay:.0f}")
    return missing, tuple(over)


def _delay(chain: ProviderChain, message: Message) -> float:
    return 0.0 if message.send_at is None else message.send_at.timestamp() - chain.wall()


def _takes_batch(link: Link, message: Message) -> bool:
    return hasattr(link.provider, "build_batch") and (
        merge_features(message) in link.capabilities.features
    )


def _nobody(lacking: Mapping[str, tuple[str, ...]]) -> Exception:
    if not lacking:
        text = "from_email is missing: give it to the message, the mailer or the link"
        return InvalidMessage(text, field="from_email")
    names = sorted({name for lacks in lacking.values() for name in lacks})
    table = "; ".join(f"{key} lacks {', '.join(lacks)}" for key, lacks in lacking.items())
    return UnsupportedFeature(
        f"no provider of this chain can express the mail: {table}. "
        "Add a provider that can, or leave it off",
        features=names,
    )
