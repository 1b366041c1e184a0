"""
The picker of the next provider: it goes through a mail's candidates in rounds.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from mailfailover._chain.candidates import candidates
from mailfailover._chain.gate import Gate, Pass
from mailfailover._chain.retry import MIN_SECONDS, Again, full_jitter
from mailfailover._values.features import NO_FEATURES, PREFERENCES, Feature

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from mailfailover._chain.candidate import Candidate
    from mailfailover._chain.parts import Parts
    from mailfailover._chain.policy import Policy
    from mailfailover._health.breaker import Hold
    from mailfailover._health.limits import Portion
    from mailfailover._message.message import Message
    from mailfailover.errors import SendError

NEVER = Again(float("inf"))
RESERVED_SECONDS = 3.0
"""What an attempt leaves of the time for the next provider that was not tried yet."""

_WAITED_FOR = ("cooldown", "limit")
_POLL_SECONDS = 0.01
_MAX_POLL_SECONDS = 2.0


class Picker:
    """
    Picks each candidate once a round, then waits, then begins the next round.

    Args:
        parts: The parts of the chain.

        message: The mail.

        policy: How long its attempts may take.

        deadline: When its send must have ended, on the chain's clock.

        portion: Says how many recipients the next call to a candidate is for.
    """

    __slots__ = (
        "_called",
        "_gate",
        "_held",
        "_known",
        "_more",
        "_polls",
        "_resend",
        "_resent",
        "_rounds",
        "_spare",
        "_tried",
        "deadline",
        "final",
        "parts",
        "policy",
    )

    def __init__(
        self,
        parts: Parts,
        message: Message,
        policy: Policy,
        deadline: float,
        portion: Callable[[Candidate], Portion],
    ) -> None:
        self.parts = parts
        self.policy = policy
        self.deadline = deadline
        self.final: dict[str, SendError] = {}
        """The providers that said no for good, and how."""
        self._spare = message.droppable | PREFERENCES
        self._gate = Gate(parts, policy.attempt_timeout, portion)
        self._more = candidates(parts, message, policy.avoid)
        self._known: list[Candidate] = []
        self._held: list[tuple[Candidate, Hold]] = []
        """The candidates that were passed by when last looked at."""
        self._tried: set[str] = set()
        self._called: dict[str, int] = {}
        self._rounds = 0
        self._polls = 0
        self._resend: Candidate | None = None
        self._resent: set[str] = set()

    def next(self) -> Pass | Again:
        """
        Return the pass of the next call, or when to look again.
        """
        if self._resend is not None and (picked := self._ask_again(self._resend)):
            return picked
        self._held = []
        for candidate in self._candidates():
            key = candidate.link.key
            if key in self._tried or key in self.final:
                continue
            answer = self._gate.ask(candidate)
            if isinstance(answer, Pass):
                return self._take(answer)
            self._held.append((candidate, answer))
        all_held = self._tried <= self.final.keys()
        self._tried.clear()
        return self._force() if all_held else self._next_round()

    def once_more(self, candidate: Candidate) -> Pass | None:
        """
        Return a pass for another call to *candidate* in the same turn, if it may have one.
        """
        answer = self._gate.ask(candidate)
        return answer if isinstance(answer, Pass) else None

    def finish(self, key: str, error: SendError) -> None:
        """
        Never pick *key* again for this mail.
        """
        self.final[key] = error

    def lessen(self, candidate: Candidate, features: Collection[str]) -> bool:
        """
        Pick *candidate* again, after all others, with *features* that it refused left off.

        Returns:
            Whether the mail can go without them.
        """
        refused = NO_FEATURES
        for name in features:
            if (feature := Feature.__members__.get(name)) is None:
                return False
            refused |= feature
        if not refused or refused & ~self._spare or refused in candidate.refused:
            return False
        self._known.extend(self._more)
        self._known.remove(candidate)
        self._known.append(candidate.refusing(refused))
        self._tried.discard(candidate.link.key)
        return True

    def is_final(self, candidate: Candidate) -> bool:
        """
        Whether *candidate* said no for good to this mail.
        """
        return candidate.link.key in self.final

    def resend(self, key: str, age: float) -> bool:
        """
        Pick *key* next, once, if its vendor would recognise the mail of *age* seconds ago.
        """
        if key in self._resent:
            return False
        for candidate in self._candidates():
            link = candidate.link
            if link.key == key and link.idempotency_ttl is not None and age < link.idempotency_ttl:
                self._resend = candidate
                self._resent.add(key)
                return True
        return False

    def budget(self, left: float) -> float:
        """
        How many seconds the next attempt may take, of those that are *left* for the mail.
        """
        most = self.policy.attempt_timeout
        if left - RESERVED_SECONDS >= most:
            return most
        if self.successor() is not None:
            # Time for the next provider only: a slow one that is well must not be cut short.
            left = max(left - RESERVED_SECONDS, left / 2)
        return min(most, left)

    def successor(self) -> str | None:
        """
        Return the key of the next provider in this round that would be called now, if any.
        """
        return self._first_usable(self._tried | self.final.keys())

    def takeover(self, key: str) -> str | None:
        """
        Return the key of the first provider beside *key* that would be called now, if any.
        """
        return self._first_usable(self.final.keys() | {key})

    def peek(self, candidate: Candidate) -> Hold | None:
        """
        Return why *candidate* would be passed by now, None if it would not.
        """
        return self._gate.peek(candidate)

    def _first_usable(self, gone: set[str]) -> str | None:
        for candidate in self._candidates():
            key = candidate.link.key
            if key not in gone and self._gate.peek(candidate) is None:
                return key
        return None

    def holds(self) -> list[tuple[Candidate, Hold | None]]:
        """
        Return each candidate, and why it would be passed by now.
        """
        return [(candidate, self._gate.peek(candidate)) for candidate in self._candidates()]

    def _candidates(self) -> Iterator[Candidate]:
        return itertools.chain(self._known, map(self._remember, self._more))

    def _remember(self, candidate: Candidate) -> Candidate:
        self._known.append(candidate)
        return candidate

    def _next_round(self) -> Pass | Again:
        self._rounds += 1
        left = [pair for pair in self.holds() if not self.is_final(pair[0])]
        if all(hold is not None and hold.reason in _WAITED_FOR for _, hold in left):
            self._held = [(candidate, hold) for candidate, hold in left if hold is not None]
            return self._force()
        return Again(full_jitter(self._rounds, self.parts.rng))

    def _ask_again(self, candidate: Candidate) -> Pass | None:
        self._resend = None
        answer = self._gate.ask(candidate, force=True)
        return self._take(answer) if isinstance(answer, Pass) else None

    def _take(self, given: Pass) -> Pass:
        key = given.candidate.link.key
        self._tried.add(key)
        self._called[key] = self._called.get(key, 0) + 1
        return given

    def _force(self) -> Pass | Again:
        """
        Pick the candidate that is due soonest although all are held, one mail at a time.
        """
        usable = [pair for pair in self._held if self._can_help(pair[1])]
        if not usable:
            return NEVER
        candidate, hold = min(usable, key=self._preference)
        if hold.reason in _WAITED_FOR and self._is_over_in_time(hold):
            return Again(hold.until - self.parts.clock())
        answer = self._gate.ask(candidate, force=True)
        if isinstance(answer, Pass):
            return self._take(answer)
        self._polls += 1
        return Again(self._poll())

    def _poll(self) -> float:
        """
        How long to wait for the verdict of another mail's call.

        The wait grows, and is random: a provider that comes back must not get all waiting
        mails at once.
        """
        longest = min(_POLL_SECONDS * 2**self._polls, _MAX_POLL_SECONDS)
        left = self.deadline - self.parts.clock() - 2 * MIN_SECONDS
        return min(self.parts.rng.uniform(longest / 2, longest), max(left, MIN_SECONDS))

    def _can_help(self, hold: Hold) -> bool:
        if hold.reason == "cooldown":  # a mail never fails without a call having been made
            return self._is_over_in_time(hold) or not self._called
        if hold.reason == "limit":
            return self._is_over_in_time(hold)
        return hold.reason != "isolated"

    def _is_over_in_time(self, hold: Hold) -> bool:
        return hold.until < self.deadline - 2 * MIN_SECONDS  # and leaves time for a call

    def _preference(self, pair: tuple[Candidate, Hold]) -> tuple[int, bool, float]:
        candidate, hold = pair
        parked = hold.reason in ("account", "sender")
        due = 0.0 if hold.reason == "probing" else hold.until
        return self._called.get(candidate.link.key, 0), parked, due
