"""
The send of one mail through the chain, forward only, as steps for a driver.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from mailfailover._chain.attempt import Result, make_attempt
from mailfailover._chain.driver import Call
from mailfailover._chain.failure_report import all_failed, unknown
from mailfailover._chain.health_report import HealthReport
from mailfailover._chain.log import log_attempt
from mailfailover._chain.observe import AttemptMade, tell
from mailfailover._chain.picker import Picker
from mailfailover._chain.policy import Upcoming
from mailfailover._chain.retry import Again
from mailfailover._health.cooldown import RATE_SECONDS
from mailfailover._health.limits import Portion
from mailfailover._values.frozen import EMPTY, FrozenDict
from mailfailover._values.receipt import Receipt, RecipientStatus
from mailfailover._values.wire import MAY_HAVE_LEFT, Stage, Timeout
from mailfailover.errors import (
    Attempt,
    InvalidMessage,
    OutcomeUnknown,
    RateLimited,
    RecipientSuppressed,
    SendError,
    UnsupportedFeature,
    Verdict,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mailfailover._chain.candidate import Candidate
    from mailfailover._chain.driver import Steps
    from mailfailover._chain.gate import Pass
    from mailfailover._chain.parts import Parts
    from mailfailover._chain.policy import Policy
    from mailfailover._message.message import Message
    from mailfailover._values.receipt import Accepted

MAX_COPIES = 2
"""Providers that may have a copy of one mail because their answers did not come in time."""

_IN_VAIN = 0.9
"""The part of its time after which an attempt without an answer was ended by the time."""


class Send:
    """
    The state of one mail on its way.
    """

    is_repeated = False
    """Whether an earlier process sent it already, and somebody wants it to go once more."""

    def __init__(
        self,
        parts: Parts,
        message: Message,
        policy: Policy,
        previous: Sequence[Attempt],
        portion: Callable[[Candidate], Portion] | None = None,
    ) -> None:
        self.parts = parts
        self.message = message
        self.policy = policy
        self.deadline = parts.clock() + policy.timeout
        self.attempts: list[Attempt] = list(previous)
        self.unknown: SendError | None = None
        """The first attempt that may have sent the mail."""
        self.timed_out: set[str] = set()
        """The providers that did not answer in time, after the mail may have left."""
        # No method of this object: a cycle would have to be found by the garbage collector.
        portion = portion or partial(_whole, message)
        self.pick = Picker(parts, message, policy, self.deadline, portion)
        self.report = HealthReport(parts, self.pick)
        if previous:
            self._remember(previous)

    def _remember(self, previous: Sequence[Attempt]) -> None:
        for attempt in previous:
            if attempt.error is None:
                self.is_repeated = True
            elif attempt.error.verdict is Verdict.UNKNOWN:
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
        given = self.pick.next()
        if isinstance(given, Again):
            self.report.release()
            return given
        try:
            result = yield from self.call(given, lambda: self.message)
        except InvalidMessage as exc:
            self.stop(exc)
        if result.error is not None:
            return self._after(given.candidate, result.error)
        return self._receipt(given.candidate, result.accepted)

    def call(
        self,
        given: Pass,
        make: Callable[[], Message],
        *,
        batch: bool = False,
        ahead: Callable[[], None] | None = None,
    ) -> Steps[Result]:
        """
        Do one call with the pass *given* for the mail that *make* returns, and record its end.

        What *ahead* raises ends it as if the mail could not be written.
        """
        parts, link = self.parts, given.candidate.link
        try:
            message = given.candidate.bind(make())
            if self.policy.before_call is not None:
                yield Call(self.policy.before_call, (self.upcoming(link.key, message),))
            wall, start = parts.wall(), parts.clock()
            left = self.deadline - start
            timeout = Timeout(self.pick.budget(left), limit=left)
            result = yield from make_attempt(
                link, message, parts.transport, timeout, batch=batch, ahead=ahead
            )
            duration = parts.clock() - start
            self._record(given.candidate, result, wall, duration)
        except BaseException as exc:
            parts.health.release(given.ticket)
            if (stage := getattr(exc, "stage", Stage.PREPARING)) in MAY_HAVE_LEFT:
                text = f"it may have been sent: {type(exc).__name__} came before the answer"
                error = OutcomeUnknown(text, provider=link.key, stage=stage)
                result = Result(stage, error=error)
                self._record(given.candidate, result, wall, parts.clock() - start)
            raise
        if result.error is not None and _is_timed_out(result, duration, timeout):
            self.timed_out.add(link.key)
        self.report.attempt(given.candidate, given.ticket, result, duration)
        return result

    def upcoming(self, key: str, message: Message) -> Upcoming:
        """
        The knowledge so far when *message* is about to go to *key*.
        """
        return Upcoming(key, message, self.attempts, EMPTY, EMPTY)

    def _record(self, candidate: Candidate, result: Result, wall: float, duration: float) -> None:
        error = result.failure if result.batch else result.error
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
        verdict = None if error is None else self._verdict(error)
        log_attempt(self.message, attempt, verdict, self.pick.successor)
        if self.parts.observers:
            tell(self.parts.observers, AttemptMade(self.message.id, self.message.stream, attempt))

    def release(self) -> None:
        """
        Give back what is held of the health.
        """
        self.report.release()

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
            if self.is_copied_enough():
                return self.give_up()
        if verdict is Verdict.RETRY or self._is_short(error):
            return Again(0.0)
        features = error.features if isinstance(error, UnsupportedFeature) else ()
        if not self.pick.lessen(candidate, features):
            self.pick.finish(candidate.link.key, error)
        return Again(0.0)

    def is_copied_enough(self) -> bool:
        """
        Whether so many providers may have the mail already that no other must get it.
        """
        return len(self.timed_out) >= MAX_COPIES

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
        End the send because an outcome is unknown and the policy is to raise.
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
        self.report.end()
        if self.unknown is not None:
            raise unknown(self.message, self.attempts)
        holds, final = self.pick.holds(), self.pick.final
        raise all_failed(self.parts, self.message, self.attempts, holds, final)

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
            self.is_repeated or self.unknown is not None,
            accepted.message_ids,
        )


def _whole(message: Message, _candidate: Candidate) -> Portion:
    count = len(message.to) + len(message.cc) + len(message.bcc)
    return Portion(count, count)


def _is_timed_out(result: Result, duration: float, timeout: float) -> bool:
    error = result.error
    return (
        error is not None
        and error.verdict is Verdict.UNKNOWN
        and result.status_code is None
        and duration >= _IN_VAIN * timeout
    )
