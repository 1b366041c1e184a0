"""
The record of a mail while it is being sent: each attempt is in it before its bytes leave.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, func, insert, or_, select, update

from mailfailover._sql.database import reading
from mailfailover._values.frozen import EMPTY
from mailfailover._values.receipt import RecipientStatus
from mailfailover._values.wire import MAY_HAVE_LEFT
from mailfailover.errors import Verdict
from mailfailover.outbox._group_commit import Write
from mailfailover.outbox._job import OPEN, Standing
from mailfailover.outbox._lease import HELD, OWN, fence, is_in
from mailfailover.outbox._tables import State, attempts, bodies, recipients
from mailfailover.outbox._views import PENDING, UNFINISHED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Engine, Update

    from mailfailover._chain.policy import Upcoming
    from mailfailover.errors import Attempt
    from mailfailover.outbox._group_commit import Rows, Statement, Writes
    from mailfailover.outbox._job import Job

UNKNOWN = str(RecipientStatus.UNKNOWN)
NOT_MADE = "not made"


class Settled(Exception):
    """
    Everybody has the mail already.
    """


class Record:
    """
    Keeps the tables in step with the sending of one leased mail.

    Attributes:
        people: The status of each recipient, as far as this process knows.

        duplicate: Whether more than one attempt may have sent it.
    """

    def __init__(
        self, engine: Engine, writes: Writes, job: Job, now: Callable[[], datetime], lease: float
    ) -> None:
        self.people = dict(job.people)
        self.duplicate = job.lease.duplicate
        self._engine = engine
        self._writes = writes
        self._lease = job.lease
        self._is_merge = job.message.is_merge
        self._now = now
        self._seconds = timedelta(seconds=lease)
        self._number = job.next_attempt - 1
        """Of the last attempt."""

        self._open: dict[str, Standing] = {}
        """Whom the attempt under way is for, and how they stood before it."""

        self._seen = 0
        """How much of the trail of this send is written down."""

        self._trail: Sequence[Attempt] = ()
        """The attempts of the current send, which the send itself keeps up to date."""

        self._closed: list[dict[str, Any]] = []
        self._dirty: set[str] = set()

    def begin(self, previous: Sequence[Attempt]) -> None:
        """
        Take the next send, whose trail begins with *previous*.
        """
        self._seen = len(previous)

    def before_call(self, upcoming: Upcoming) -> None:
        """
        Write down, durably, that a call is about to be made.

        Raises:
            Settled: If an event told meanwhile that all have the mail; no call must be made.
            LeaseLost: If the mail is not this worker's any more; the call must not be made.
            SQLAlchemyError: If it cannot be written; nor must it then.
        """
        self._trail = upcoming.attempts
        self.close(upcoming.attempts, upcoming.recipients, upcoming.message_ids)
        emails = [one.email for one in upcoming.message.to] if self._is_merge else self.people
        before = {email: self.people[email] for email in emails if email in self.people}
        if _is_doubted(before) and not self._is_open():
            raise Settled
        number = self._number + 1
        for email in before:
            self._put(email, Standing(UNKNOWN, number))
        values = {
            "due": self._now() + self._seconds,
            "possible_duplicate": self.duplicate or _is_doubted(before),
        }
        row = begun(self._lease.number, number, upcoming.provider, self._now())
        try:
            self._commit(_CALL, values, {BEGIN: [row]})
        except BaseException:
            for email, standing in before.items():
                self._put(email, standing)
            raise
        self._number = number
        self._open = before

    def close(
        self,
        trail: Sequence[Attempt],
        statuses: Mapping[str, RecipientStatus],
        message_ids: Mapping[str, str],
    ) -> None:
        """
        Note how the call under way ended: the last of *trail*, unless it was not made at all.
        """
        before, self._open = self._open, {}
        last = trail[-1] if len(trail) > self._seen else None
        self._seen = max(self._seen, len(trail))
        if not before:
            return
        is_unknown = _is_unknown(last)
        if not is_unknown:
            for email, standing in before.items():
                self._put(email, standing)
        self.learn(statuses, message_ids)
        is_unknown |= Standing(UNKNOWN, self._number) in self.people.values()
        is_accepted = last is not None and last.error is None
        self.duplicate |= (is_unknown or is_accepted) and _is_doubted(before)
        self._closed.append(ended(self._lease.number, self._number, last, in_doubt=is_unknown))

    def interrupt(self, error: BaseException) -> None:
        """
        Note that *error* ended the send from outside: in doubt, unless surely no byte left.

        A transport says in its ``stage`` how far the call got.
        """
        stage = getattr(error, "stage", None)
        is_sure = stage is not None and stage not in MAY_HAVE_LEFT
        if is_sure or len(self._trail) > self._seen:
            self.close(self._trail, EMPTY, EMPTY)

    def learn(
        self, statuses: Mapping[str, RecipientStatus], message_ids: Mapping[str, str]
    ) -> None:
        """
        Note what became of recipients, if it was not known before.
        """
        for email, status in statuses.items():
            known = self.people.get(email)
            if known is not None and known.status in OPEN and known.status != status:
                self._put(email, Standing(str(status), self._number, message_ids.get(email, "")))

    def refuse(self, emails: Iterable[str], status: RecipientStatus) -> None:
        """
        Note that those of *emails* who got nothing will not get it.
        """
        for email in emails:
            if self.people[email].status == PENDING:
                self._put(email, Standing(str(status), self._number))

    @property
    def is_doubted(self) -> bool:
        """
        Whether an attempt may have sent it to somebody.
        """
        return _is_doubted(self.people)

    def statuses(self) -> set[str]:
        """
        How recipients stand.
        """
        return {one.status for one in self.people.values()}

    def finish(
        self,
        values: Mapping[str, Any],
        *,
        forget_message: bool,
        more: Mapping[Statement, Rows] = EMPTY,
    ) -> None:
        """
        Write down how it ended, and *more* with it.

        Raises:
            LeaseLost: If the mail is not this worker's any more; nothing was written.
            SQLAlchemyError: If it cannot be written.
        """
        forgotten: dict[Statement, Rows] = {}
        if forget_message:  # it may hold what opens an account
            forgotten[_FORGET] = [{"of_mail": self._lease.number}]
        self._commit(
            FINISH, {**values, "possible_duplicate": self.duplicate}, {**forgotten, **more}
        )

    def _commit(
        self, statement: Update, values: Mapping[str, Any], rest: Mapping[Statement, Rows]
    ) -> None:
        self._writes.commit(
            Write(statement, {**fence(self._lease), **values}, {**self._learned(), **rest})
        )
        self._closed = []
        self._dirty = set()

    def _is_open(self) -> bool:
        with reading(self._engine) as connection:
            return bool(connection.scalar(_COUNT_OPEN, {"of_mail": self._lease.number}))

    def _put(self, email: str, standing: Standing) -> None:
        self.people[email] = standing
        self._dirty.add(email)

    def _learned(self) -> dict[Statement, Rows]:
        """
        The changes since the last write.
        """
        found: dict[Statement, list[dict[str, Any]]] = defaultdict(list)
        if self._closed:
            found[END] = self._closed
        groups: dict[Standing, list[str]] = defaultdict(list)
        for email in self._dirty:
            groups[self.people[email]].append(email)
        for standing, emails in groups.items():
            row = {"of_mail": self._lease.number, **standing._asdict()}
            if len(emails) == len(self.people):
                found[_ALL].append(row)
            elif len(emails) == 1:
                found[_ONE].append(row | {"of_email": emails[0]})
            else:
                found[_ALL.where(recipients.c.email.in_(emails))].append(row)
        return {**found}


_IS_OPEN = or_(*(recipients.c.status == status for status in sorted(OPEN)))
_COUNT_OPEN = select(func.count()).where(recipients.c.mail == bindparam("of_mail"), _IS_OPEN)
# Do not overwrite recipients that a vendor's event settled in the meantime.
_ALL = update(recipients).where(recipients.c.mail == bindparam("of_mail"), _IS_OPEN)
_ONE = _ALL.where(recipients.c.email == bindparam("of_email"))
BEGIN = insert(attempts)
"""Stores that a call is about to be made, see :func:`begun`."""

END = update(attempts).where(
    attempts.c.mail == bindparam("of_mail"), attempts.c.number == bindparam("of_number")
)
"""Stores how a call ended, see :func:`ended`."""

_FORGET = delete(bodies).where(bodies.c.mail == bindparam("of_mail"))
_CALL = OWN.where(is_in(*HELD)).values(state=State.SENDING)
# An answer that comes after the lease, but before anybody else took the mail, still tells the
# truth about it.
FINISH = OWN.where(is_in(*HELD, State.UNKNOWN)).values(owner="", turn=None)
"""Writes down how a mail ended."""


def begun(mail: int, number: int, provider: str, now: datetime) -> dict[str, Any]:
    """
    The row of an attempt that is about to be made.
    """
    return {
        "mail": mail,
        "number": number,
        "provider": provider,
        "started": now,
        "stage": "",
        "outcome": UNFINISHED,
        "in_doubt": True,
        "error": "",
        "provider_message_id": "",
    }


def ended(mail: int, number: int, last: Attempt | None, *, in_doubt: bool) -> dict[str, Any]:
    """
    The columns of an attempt that has ended; None if the call was not made at all.
    """
    return {
        "of_mail": mail,
        "of_number": number,
        "duration": None if last is None else last.duration,
        "stage": "" if last is None else str(last.stage),
        "outcome": NOT_MADE if last is None else last.outcome,
        "in_doubt": in_doubt,
        "error": "" if last is None or last.error is None else str(last.error),
        "status_code": None if last is None else last.status_code,
        "provider_message_id": "" if last is None else last.provider_message_id,
    }


def _is_unknown(attempt: Attempt | None) -> bool:
    error = None if attempt is None else attempt.error
    return error is not None and error.verdict is Verdict.UNKNOWN


def _is_doubted(people: Mapping[str, Standing]) -> bool:
    return any(one.status == UNKNOWN for one in people.values())
