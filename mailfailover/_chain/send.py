"""
The send of one mail through the chain, forward only, as steps for a driver.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NoReturn

from mailfailover._chain.attempt import Result, make_attempt
from mailfailover._chain.driver import Call
from mailfailover._chain.failure_report import all_failed, unknown
from mailfailover._chain.log import log_attempt
from mailfailover._chain.observe import AttemptMade, ProviderDown, ProviderUp, tell
from mailfailover._chain.picker import Picker
from mailfailover._chain.policy import Upcoming
from mailfailover._chain.retry import Again
from mailfailover._health.cooldown import RATE_SECONDS
from mailfailover._values.frozen import EMPTY, FrozenDict
from mailfailover._values.receipt import Receipt, RecipientStatus
from mailfailover._values.wire import MAY_HAVE_LEFT, Stage
from mailfailover.errors import (
    Attempt,
    ConnectionFailed,
    InvalidMessage,
    OutcomeUnknown,
    Penalty,
    RateLimited,
    RecipientSuppressed,
    SendError,
    Verdict,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mailfailover._chain.candidate import Candidate
    from mailfailover._chain.driver import Steps
    from mailfailover._chain.parts import Parts
    from mailfailover._chain.policy import Policy
    from mailfailover._health.breaker import Ticket
    from mailfailover._message.message import Message
    from mailfailover._values.receipt import Accepted


class Send:
    """
    The state of one mail on its way.
    """

    def __init__(
        self, parts: Parts, message: Message, policy: Policy, previous: Sequence[Attempt]
    ) -> None:
        self.parts = parts
        self.message = message
        self.policy = policy
        self.deadline = parts.clock() + policy.timeout
        self.attempts: list[Attempt] = list(previous)
        self.unknown: SendError | None = None
        self.counted: set[str] = set()
        self.unproven: list[tuple[Ticket, SendError]] = []
        """Connections that failed while nothing in this round shows our network to be up."""
        self.pick = Picker(parts, message, policy, self.deadline)
        self._remember(previous)

    def _remember(self, previous: Sequence[Attempt]) -> None:
        for attempt in previous:
            if attempt.error is not None and attempt.error.verdict is Verdict.UNKNOWN:
                self.unknown = attempt.error
                age = self.parts.wall() - attempt.started.timestamp()
                self.pick.resend(attempt.provider, age)

    def time_left(self) -> float:
        """
        Seconds until the deadline.
        """
        return self.deadline - self.parts.clock()

    def turn(self) -> Steps[Receipt | Again]:
        """
        Call the best candidate once, or say when to look again.
        """
        picked = self.pick.next()
        if isinstance(picked, Again):
            self.release()
            return picked
        candidate, ticket = picked
        try:
            result = yield from self.call(candidate, ticket, lambda: self.message)
        except InvalidMessage as exc:
            self.stop(exc)
        if result.error is not None:
            return self._after(candidate, result.error)
        return self._receipt(candidate, result.accepted)

    def call(
        self,
        candidate: Candidate,
        ticket: Ticket,
        make: Callable[[], Message],
        *,
        batch: bool = False,
    ) -> Steps[Result]:
        """
        Do one call with *ticket* for the mail that *make* returns, and record what became of it.
        """
        parts, link = self.parts, candidate.link
        try:
            message = candidate.bind(make())
            if self.policy.before_call is not None:
                yield Call(self.policy.before_call, (self.upcoming(link.key, message),))
            timeout = self.pick.budget()
            wall, start = parts.wall(), parts.clock()
            result = yield from make_attempt(link, message, parts.transport, timeout, batch=batch)
            self._record(candidate, result, wall, parts.clock() - start)
        except BaseException as exc:
            parts.health.release(ticket)
            if (stage := getattr(exc, "stage", Stage.PREPARING)) in MAY_HAVE_LEFT:
                text = f"it may have been sent: {type(exc).__name__} came before the answer"
                error = OutcomeUnknown(text, provider=link.key, stage=stage)
                self._record(candidate, Result(stage, error=error), wall, parts.clock() - start)
            raise
        self._judge(ticket, result)
        return result

    def upcoming(self, key: str, message: Message) -> Upcoming:
        """
        What is known when *message* is about to go to *key*.
        """
        return Upcoming(key, message, self.attempts, EMPTY, EMPTY)

    def _record(self, candidate: Candidate, result: Result, wall: float, duration: float) -> None:
        error = result.failure
        attempt = Attempt(
            candidate.link.key,
            datetime.fromtimestamp(wall, UTC),
            duration,
            result.stage,
            "accepted" if error is None else type(error).__name__,
            error,
            result.status_code,
            result.accepted.provider_message_id,
            candidate.dropped,
        )
        self.attempts.append(attempt)
        log_attempt(self.message, attempt, None if error is None else self._verdict(error))
        if self.parts.observers:
            tell(self.parts.observers, AttemptMade(self.message.id, self.message.stream, attempt))

    def _judge(self, ticket: Ticket, result: Result) -> None:
        """
        Let the provider's health know, once it is clear that our own network is up.
        """
        blame = result.blame
        if isinstance(blame, ConnectionFailed):
            self.unproven.append((ticket, blame))
            return
        if self.unproven:
            for earlier, error in self.unproven:
                self._count(earlier, error)
            self.unproven.clear()
        if blame is not None and blame.penalty is not Penalty.NONE:
            self._count(ticket, blame)
        elif result.stage == Stage.PREPARING:  # its own code failed: the vendor was not asked
            self.parts.health.release(ticket)
        elif self.parts.health.succeeded(ticket):
            tell(self.parts.observers, ProviderUp(ticket.key))

    def _count(self, ticket: Ticket, error: SendError) -> None:
        count = ticket.key not in self.counted and not self.parts.is_alone
        if error.penalty is Penalty.FAILURE:
            self.counted.add(ticket.key)
        if self.parts.health.failed(ticket, error, count=count):
            reason = "open" if error.penalty is Penalty.FAILURE else error.penalty.value
            tell(self.parts.observers, ProviderDown(ticket.key, reason, str(error)))

    def release(self) -> None:
        """
        Give back what is held of connections that failed: if all did, it is our own network.
        """
        for ticket, _ in self.unproven:
            self.parts.health.release(ticket)
        self.unproven.clear()

    def _after(self, candidate: Candidate, error: SendError) -> Receipt | Again:
        """
        Draw the conclusion for the mail from a call that failed.
        """
        verdict = self._verdict(error)
        if verdict is Verdict.STOP:
            self.stop(error)
        if verdict is Verdict.UNKNOWN:
            self.unknown = self.unknown or error
            if self.policy.on_unknown == "raise":
                return self.in_doubt(error)
            if self.pick.resend(candidate.link.key, 0.0):
                return Again(0.0)
        if verdict is not Verdict.RETRY and not self._is_short(error):
            self.pick.finish(candidate.link.key, error)
        return Again(0.0)

    def _is_short(self, error: SendError) -> bool:
        if not isinstance(error, RateLimited):
            return False
        wait = RATE_SECONDS if error.retry_after is None else error.retry_after
        return wait < self.time_left()

    def _verdict(self, error: SendError) -> Verdict:
        if isinstance(error, RecipientSuppressed) and self.policy.on_suppressed == "switch":
            return Verdict.SWITCH
        return error.verdict

    def in_doubt(self, error: SendError) -> Receipt:
        """
        End the send because an outcome is unknown and nobody wants to try again.
        """
        raise self.ended(error)

    def stop(self, error: SendError | InvalidMessage) -> NoReturn:
        """
        End the send with *error*, unless that would hide an unknown outcome.
        """
        if self.unknown is not None:
            raise unknown(self.message, self.attempts)
        raise self.ended(error)

    def ended(self, error: Any) -> Any:
        """
        Give *error* the whole trail and return it.
        """
        error.attempts = tuple(self.attempts)
        return error

    def give_up(self) -> Receipt:
        """
        End the send because no turn within the deadline can help.
        """
        self.release()
        if self.unknown is not None:
            raise unknown(self.message, self.attempts)
        raise all_failed(
            self.parts, self.message, self.attempts, self.pick.holds(), self.pick.final
        )

    def _receipt(self, candidate: Candidate, accepted: Accepted) -> Receipt:
        emails = [address.email for address in self.message.recipients]
        recipients = dict.fromkeys(emails, RecipientStatus.ACCEPTED)
        if accepted.recipients:
            recipients |= {
                one: accepted.recipients[one] for one in emails if one in accepted.recipients
            }
        return Receipt(
            self.message.id,
            candidate.link.key,
            accepted.provider_message_id,
            FrozenDict(recipients),
            tuple(self.attempts),
            self.unknown is not None,
            accepted.message_ids,
        )
