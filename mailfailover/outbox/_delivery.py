"""
The delivery of one leased mail through a mailer.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from mailfailover._message.merge import part_for
from mailfailover._provider.scrub import is_time_limit
from mailfailover._sql.database import reading
from mailfailover._values.frozen import EMPTY
from mailfailover._values.receipt import Receipt, RecipientStatus
from mailfailover.errors import (
    ConfigurationError,
    InvalidMessage,
    MailFailoverError,
    RecipientRejected,
    RecipientSuppressed,
)
from mailfailover.outbox._berths import NoBerth
from mailfailover.outbox._group_commit import LeaseLost, Write
from mailfailover.outbox._job import Portion, new_job, read_job
from mailfailover.outbox._lease import fence
from mailfailover.outbox._record import FINISH, Record, Settled
from mailfailover.outbox._settlement import conclude
from mailfailover.outbox._tables import FINISHED, State
from mailfailover.outbox._turns import lane_of
from mailfailover.outbox._verdict import (
    Ending,
    busy,
    decide,
    held_address,
    hold,
    is_final,
    tell,
    values_of,
    wait_for_address,
)
from mailfailover.outbox._watches import watch_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import datetime
    from random import Random

    from sqlalchemy import Engine

    from mailfailover._chain.policy import Upcoming
    from mailfailover._mailer.mailer import Mailer
    from mailfailover._message.message import Message
    from mailfailover.outbox._berths import Berths
    from mailfailover.outbox._comebacks import Comebacks
    from mailfailover.outbox._group_commit import Rows, Statement, Writes
    from mailfailover.outbox._job import Job
    from mailfailover.outbox._lease import Lease
    from mailfailover.outbox._rules import Rules
    from mailfailover.outbox._seal import Seal
    from mailfailover.outbox._watches import NewWatch

logger = logging.getLogger("mailfailover.outbox")

_REFUSALS: dict[type[MailFailoverError], RecipientStatus] = {
    RecipientRejected: RecipientStatus.INVALID,
    RecipientSuppressed: RecipientStatus.SUPPRESSED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """
    The parts that all deliveries of a worker share.
    """

    engine: Engine
    seal: Seal
    now: Callable[[], datetime]
    mailer: Mailer
    writes: Writes
    rules: Rules
    berths: Berths
    comebacks: Comebacks
    rng: Random


class Delivery:
    """
    Sends one leased mail and writes down what came of it.
    """

    def __init__(self, parts: Parts, lease: Lease) -> None:
        self.parts = parts
        self.lease = lease
        self.ends: list[Receipt | Exception] = []
        self.held_back: set[str] = set()
        """The receivers that are down, for which some of it waits."""

    def run(self) -> Ending | None:
        """
        Send the mail; return how that ended, None if the ending could not be stored.

        Exceptions of a provider or the database end here. Those for the whole process,
        such as KeyboardInterrupt, is raised again once the mail is safe.
        """
        try:
            job = self._read()
        except InvalidMessage as exc:  # a field that this version does not know
            return self._end_unread(State.DEAD, f"its message cannot be read: {exc}")
        except ConfigurationError as exc:  # a key that this worker does not have
            logger.error("mail %s cannot be read: %s", self.lease.id, exc)
            return self._end_unread(State.PENDING, str(exc))
        except SQLAlchemyError as exc:
            logger.error("mail %s could not be read: %s", self.lease.id, type(exc).__name__)
            return None
        if job is None:
            return self._end_unread(State.DEAD, "its message is gone")
        parts = self.parts
        record = Record(parts.engine, parts.writes, job, parts.now, parts.rules.lease)
        try:
            return self._send_all(job, record)
        finally:
            parts.berths.leave(self.lease)

    def _send_all(self, job: Job, record: Record) -> Ending | None:
        try:
            if not self._is_expired():
                for portion in self._portions(job):
                    self._send(job.message, portion, record)
        except LeaseLost:
            self._warn_lost()
            return None
        except Settled:
            return self._end(job, record)
        except NoBerth as exc:
            record.interrupt(exc)
            return self._postpone(job, record, exc)
        except Exception as exc:  # of our own code, or the database: it is about no mail
            logger.error("mail %s: %s", self.lease.id, tell(exc))
            self.ends.append(exc)
            record.interrupt(exc)
            ending = self._end(job, record)
            if is_time_limit(exc):
                raise
            return ending
        except BaseException as exc:
            self.ends.append(Interrupted(type(exc).__name__))
            record.interrupt(exc)
            self._end(job, record)
            raise
        return self._end(job, record)

    def _portions(self, job: Job) -> Iterable[Portion]:
        """
        Return the part to send now, without recipients whose receiver is down.

        Recipients whom an earlier attempt may have reached do not wait.
        """
        deliveries = self.parts.mailer.deliveries
        if deliveries is None:
            return job.portions()
        held = deliveries.held(job.message, is_new=self.lease.token == 1)
        return self._not_held(job, held) if held else job.portions()

    def _not_held(self, job: Job, held: Mapping[str, str]) -> Iterator[Portion]:
        for portion in job.portions():
            waiting = () if portion.previous else [one for one in portion.emails if one in held]
            self.held_back.update(held[email] for email in waiting)
            left = tuple(email for email in portion.emails if email not in waiting)
            if left:
                yield Portion(left, portion.previous)

    def _read(self) -> Job | None:
        seal = self.parts.seal
        if self.lease.body is not None:
            return new_job(self.lease, self.lease.body, seal)
        with reading(self.parts.engine) as connection:
            return read_job(connection, self.lease, seal)

    def _is_expired(self) -> bool:
        expires = self.lease.expires
        return expires is not None and expires <= self.parts.now()

    def _send(self, message: Message, portion: Portion, record: Record) -> None:
        mailer, wanted = self.parts.mailer, set(portion.emails)

        def before_call(upcoming: Upcoming) -> None:
            self.parts.berths.enter(self.lease, upcoming.provider)
            record.before_call(upcoming)

        if message.send_at is not None:
            message = message.bound(send_at=None)  # that time has come
        if message.is_merge:
            message = part_for(message, tuple(one for one in message.to if one.email in wanted))
        policy = mailer.policy._replace(before_call=before_call)
        record.begin(portion.previous)
        try:
            receipt = mailer.deliver(mailer.prepare(message), portion.previous, policy)
        except MailFailoverError as exc:
            self.parts.comebacks.note(exc.attempts[len(portion.previous) :])
            record.close(exc.attempts, EMPTY, EMPTY)
            self._failed(exc, portion, record)
            return
        self.parts.comebacks.note(receipt.attempts[len(portion.previous) :])
        self.ends.append(receipt)
        record.duplicate |= receipt.possible_duplicate
        statuses = {
            email: receipt.recipients.get(email, RecipientStatus.ACCEPTED)
            for email in portion.emails
            if email not in receipt.unsent
        }
        record.close(receipt.attempts, statuses, receipt.message_ids)
        record.learn(statuses, receipt.message_ids)

    def _failed(self, error: MailFailoverError, portion: Portion, record: Record) -> None:
        self.ends.append(error)
        if is_final(error) and held_address([error]) is None:
            record.refuse(portion.emails, _REFUSALS.get(type(error), RecipientStatus.REFUSED))

    def _end(self, job: Job, record: Record) -> Ending | None:
        rules, now, rng = self.parts.rules, self.parts.now(), self.parts.rng
        held_back = tuple(sorted(self.held_back))
        if held_back and not record.is_doubted and not self._errors():
            ending = hold(self.lease, held_back, self._receipt(), now=now, rng=rng)
            return ending if self._write_down(ending, job, record, now, tries=-1) else None
        error = held_address(self._errors())
        if error is not None and not record.is_doubted:
            ending = wait_for_address(self.lease, error, self._receipt(), now=now, rng=rng)
            return ending if self._write_down(ending, job, record, now, tries=-1) else None
        statuses = record.statuses()
        ending = decide(
            self.lease, statuses, self.ends, rules, now=now, rng=rng, held_back=held_back
        )
        if ending.state in FINISHED:
            record.refuse(record.people, RecipientStatus.REFUSED)
        is_told = self._write_down(ending, job, record, now)
        if is_told and ending.state is State.UNKNOWN:
            return self._settled(ending, now)
        return ending if is_told else None

    def _postpone(self, job: Job, record: Record, berth: NoBerth) -> Ending | None:
        """
        Let the mail wait until its provider has room; that was no try.
        """
        if record.is_doubted:
            return self._end(job, record)
        now = self.parts.now()
        ending = busy(self.lease, berth.provider, now + berth.wait, self._receipt())
        return ending if self._write_down(ending, job, record, now, tries=-1) else None

    def _receipt(self) -> Receipt | None:
        return next((one for one in reversed(self.ends) if isinstance(one, Receipt)), None)

    def _errors(self) -> list[Exception]:
        return [one for one in self.ends if isinstance(one, Exception)]

    def _write_down(
        self, ending: Ending, job: Job, record: Record, now: datetime, tries: int = 0
    ) -> bool:
        """
        Write down how the try ended; return whether that is known to everybody now.
        """
        forget = ending.state is State.SENT and not self.parts.rules.keep_content
        more: Mapping[Statement, Rows] = EMPTY
        if watch := self._watch(ending, job, now):
            ending = replace(ending, due=watch.until if forget else _later(ending.due, watch.until))
            forget, more = False, watch.rows
        values = values_of(ending, now) | {
            "lane": int(lane_of(job.message)),
            "tries": self.lease.tries + tries,
        }
        try:
            record.finish(values, forget_message=forget, more=more)
        except LeaseLost:
            self._warn_lost()
            return False
        except SQLAlchemyError as exc:
            logger.error(
                "mail %s: its end (%s) could not be written down: %s",
                self.lease.id,
                ending.state,
                type(exc).__name__,
            )
            return False
        return True

    def _watch(self, ending: Ending, job: Job, now: datetime) -> NewWatch | None:
        mailer = self.parts.mailer
        if mailer.deliveries is None or ending.state is not State.SENT:
            return None
        return watch_for(self.lease, job.message, ending, mailer, now)

    def _settled(self, ending: Ending, now: datetime) -> Ending:
        """
        How a mail in doubt stands: an event may have come while the call was under way.
        """
        try:
            with self.parts.writes.alone() as connection:
                ends = conclude(connection, [self.lease.number], now, self.parts.rules.keep)
        except SQLAlchemyError as exc:  # the next sweep finds it
            logger.error("mail %s could not be settled: %s", self.lease.id, type(exc).__name__)
            return ending
        state = ends.get(self.lease.number)
        return ending if state is None else Ending(self.lease.id, state, reason="an event told")

    def _end_unread(self, state: State, reason: str) -> Ending | None:
        rules, now = self.parts.rules, self.parts.now()
        due = now + rules.keep
        if state is State.PENDING:
            due = now + rules.retry_pause(self.lease.tries, self.parts.rng)
        ending = Ending(self.lease.id, state, reason=reason, due=due)
        values = values_of(ending, now) | {
            "possible_duplicate": self.lease.duplicate,
            "lane": int(self.lease.lane),
            "tries": self.lease.tries,
        }
        try:
            self.parts.writes.commit(Write(FINISH, fence(self.lease) | values, {}))
        except LeaseLost:
            self._warn_lost()
            return None
        return ending

    def _warn_lost(self) -> None:
        """
        Say what is not written down, because others may decide about the mail by now.
        """
        receipt = next((one for one in self.ends if isinstance(one, Receipt)), None)
        logger.warning(
            "mail %s: the lease was lost%s; what it became is left to whoever has it now",
            self.lease.id,
            f", after {receipt.provider} had accepted it" if receipt else "",
        )


def _later(one: datetime | None, other: datetime) -> datetime:
    return other if one is None else max(one, other)


class Interrupted(Exception):
    """
    The try was ended from outside.
    """
