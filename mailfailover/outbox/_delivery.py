"""
The delivery of one leased mail through a mailer.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from mailfailover._message.merge import part_for
from mailfailover._provider.scrub import is_time_limit
from mailfailover._sql.database import reading
from mailfailover._values.frozen import EMPTY
from mailfailover._values.receipt import Receipt, RecipientStatus
from mailfailover.errors import (
    InvalidMessage,
    MailFailoverError,
    RecipientRejected,
    RecipientSuppressed,
)
from mailfailover.outbox._group_commit import LeaseLost, Write
from mailfailover.outbox._job import new_job, read_job
from mailfailover.outbox._lease import fence
from mailfailover.outbox._operator import FINISHED
from mailfailover.outbox._record import FINISH, Record
from mailfailover.outbox._tables import State
from mailfailover.outbox._verdict import Ending, decide, is_final, tell, values_of

if TYPE_CHECKING:
    from random import Random

    from mailfailover._mailer.mailer import Mailer
    from mailfailover._message.message import Message
    from mailfailover.outbox._group_commit import Writes
    from mailfailover.outbox._job import Job, Portion
    from mailfailover.outbox._lease import Lease
    from mailfailover.outbox._outbox import Outbox
    from mailfailover.outbox._rules import Rules

logger = logging.getLogger("mailfailover.outbox")

_REFUSALS: dict[type[MailFailoverError], RecipientStatus] = {
    RecipientRejected: RecipientStatus.INVALID,
    RecipientSuppressed: RecipientStatus.SUPPRESSED,
}


class Delivery:
    """
    Sends one leased mail and writes down what came of it.
    """

    def __init__(
        self,
        outbox: Outbox,
        writes: Writes,
        mailer: Mailer,
        lease: Lease,
        rules: Rules,
        *,
        rng: Random,
    ) -> None:
        self.outbox = outbox
        self.writes = writes
        self.mailer = mailer
        self.lease = lease
        self.rules = rules
        self.rng = rng
        self.ends: list[Receipt | Exception] = []

    def run(self) -> Ending | None:
        """
        Send it; return how that ended, None where it could not be written down.

        What a provider or the database raises ends here. What is meant for the whole process,
        such as KeyboardInterrupt, is raised again once the mail is safe.
        """
        try:
            job = self._read()
        except InvalidMessage as exc:  # a field that this version does not know
            return self._end_unread(f"its message cannot be read: {exc}")
        except SQLAlchemyError as exc:
            logger.error("mail %s could not be read: %s", self.lease.id, type(exc).__name__)
            return None
        if job is None:
            return self._end_unread("its message is gone")
        record = Record(self.writes, job, self.outbox.now, self.rules.lease)
        try:
            for portion in job.portions():
                self._send(job.message, portion, record)
        except LeaseLost:
            self._warn_lost()
            return None
        except Exception as exc:  # of our own code, or the database: it is about no mail
            logger.error("mail %s: %s", self.lease.id, tell(exc))
            self.ends.append(exc)
            ending = self._end(record)
            if is_time_limit(exc):
                raise
            return ending
        except BaseException as exc:
            self.ends.append(Interrupted(type(exc).__name__))
            self._end(record)
            raise
        return self._end(record)

    def _read(self) -> Job | None:
        if self.lease.body is not None:
            return new_job(self.lease, self.lease.body)
        with reading(self.outbox.engine) as connection:
            return read_job(connection, self.lease)

    def _send(self, message: Message, portion: Portion, record: Record) -> None:
        mailer, wanted = self.mailer, set(portion.emails)
        if message.send_at is not None:
            message = message.bound(send_at=None)  # that time has come
        if message.is_merge:
            message = part_for(message, tuple(one for one in message.to if one.email in wanted))
        policy = mailer.policy._replace(before_call=record.before_call)
        record.begin(portion.previous)
        try:
            receipt = mailer.deliver(mailer.prepare(message), portion.previous, policy)
        except MailFailoverError as exc:
            record.close(exc.attempts, EMPTY, EMPTY)
            self._failed(exc, portion, record)
            return
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
        if is_final(error):
            record.refuse(portion.emails, _REFUSALS.get(type(error), RecipientStatus.REFUSED))

    def _end(self, record: Record) -> Ending | None:
        now = self.outbox.now()
        ending = decide(self.lease, record.statuses(), self.ends, self.rules, now=now, rng=self.rng)
        if ending.state in FINISHED:
            record.refuse(record.people, RecipientStatus.REFUSED)
        try:
            record.finish(values_of(ending, now), forget_message=ending.state is State.SENT)
        except LeaseLost:
            self._warn_lost()
            return None
        except SQLAlchemyError as exc:
            logger.error(
                "mail %s: its end (%s) could not be written down: %s",
                self.lease.id,
                ending.state,
                type(exc).__name__,
            )
            return None
        return ending

    def _end_unread(self, reason: str) -> Ending | None:
        now = self.outbox.now()
        ending = Ending(self.lease.id, State.DEAD, reason=reason, due=now + self.rules.keep)
        values = {**values_of(ending, now), "possible_duplicate": self.lease.duplicate}
        try:
            self.writes.commit(Write(FINISH, fence(self.lease) | values, {}))
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


class Interrupted(Exception):
    """
    The try was ended from outside.
    """
