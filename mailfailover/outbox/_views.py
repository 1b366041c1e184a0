"""
The views of its mails that the outbox hands out.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from mailfailover._values.face import published_in
from mailfailover._values.frozen import EMPTY
from mailfailover.outbox._body import read_body
from mailfailover.outbox._holds import IS_HELD, held_by
from mailfailover.outbox._tables import State, attempts, bodies, mails, recipients

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row, Select

    from mailfailover._message.message import Message
    from mailfailover.outbox._seal import Seal

PENDING = "pending"
"""The status of a recipient whom the mail has not been sent to."""

UNFINISHED = "unfinished"
"""The outcome of an attempt without a known end."""


@published_in("mailfailover.outbox")
@dataclass(frozen=True, slots=True)
class OutboxRecipient:
    """
    The outcome for one recipient.

    *status* is ``"pending"``, or as in a receipt: see :class:`~mailfailover.RecipientStatus`.

    .. versionadded:: 0.1.0
    """

    email: str
    status: str
    provider_message_id: str = ""


@published_in("mailfailover.outbox")
@dataclass(frozen=True, slots=True)
class OutboxAttempt:
    """
    One call to one provider, as :class:`~mailfailover.Attempt` tells of it.

    *outcome* is ``"accepted"``, the name of an error's class, or ``"unfinished"`` as long as no
    end of it was written down: then it is on its way, or its worker died.

    .. versionadded:: 0.1.0
    """

    provider: str
    started: datetime
    duration: float | None
    stage: str
    outcome: str
    error: str = ""
    status_code: int | None = None
    provider_message_id: str = ""


@published_in("mailfailover.outbox")
@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxMail:
    """
    One mail of the outbox, as it stands.

    Attributes:
        id: The id of the message.

        state: See :class:`State`.

        created: When it was added.

        due:
            When time moves it on: a mail that is scheduled or tried again is sent, a lease
            ends, an unknown outcome is tried again, a finished mail is forgotten. None where
            it only waits for a worker, or for the operator.

        expires: The time after which it is not sent.

        sender, stream: The address of its From, and its stream.

        tries: How often a worker took it.

        recipients: The outcome for each recipient.

        attempts: Every call that was made for it, oldest first.

        provider: The chain key of the provider that took it, "" for none.

        provider_message_id: That vendor's id of the mail.

        reason: Why it is dead or unknown, or was not sent when last tried.

        possible_duplicate: Whether more than one attempt may have sent it.

        held_back: The receivers that are down, for which it waits.

        finished: When it was sent, or given up.

        idempotency_key: What it was added with, "" for none.

        message: The mail itself, while it is kept; :meth:`Outbox.get` reads it.

    .. versionadded:: 0.1.0
    """

    id: str
    state: State
    created: datetime
    due: datetime | None
    expires: datetime | None = None
    sender: str = ""
    stream: str = "transactional"
    tries: int
    recipients: tuple[OutboxRecipient, ...]
    attempts: tuple[OutboxAttempt, ...]
    provider: str
    provider_message_id: str
    reason: str
    possible_duplicate: bool
    finished: datetime | None
    idempotency_key: str
    held_back: tuple[str, ...] = ()
    message: Message | None = field(default=None, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """
        Return it as JSON-safe data, the message not in it.
        """
        data = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        del data["message"]
        for name in ("created", "due", "expires", "finished"):
            data[name] = data[name] and data[name].isoformat()
        return data | {
            "state": str(self.state),
            "held_back": list(self.held_back),
            "recipients": [dataclasses.asdict(one) for one in self.recipients],
            "attempts": [
                dataclasses.asdict(one) | {"started": one.started.isoformat()}
                for one in self.attempts
            ],
        }


@published_in("mailfailover.outbox")
@dataclass(frozen=True, slots=True)
class OutboxStats:
    """
    How many mails are in each state, and since when the oldest waits that could be sent.

    *ready* wait for nothing but a worker, *held_back* for a receiver that is down.

    .. versionadded:: 0.1.0
    """

    counts: Mapping[State, int] = field(default=EMPTY)
    ready: int = 0
    oldest: datetime | None = None
    held_back: int = 0

    def to_dict(self) -> dict[str, Any]:
        """
        Return it as JSON-safe data.
        """
        return {
            "counts": {str(state): count for state, count in self.counts.items()},
            "ready": self.ready,
            "oldest": self.oldest and self.oldest.isoformat(),
            "held_back": self.held_back,
        }


def read_mail(connection: Connection, mail_id: str, seal: Seal) -> OutboxMail | None:
    """
    Read one mail with its message.
    """
    row = connection.execute(select(mails).where(mails.c.id == mail_id)).one_or_none()
    if row is None:
        return None
    body = connection.scalar(select(bodies.c.content).where(bodies.c.mail == row.number))
    message = None if body is None else read_body(body, mail_id, seal)
    return dataclasses.replace(_with_details(connection, [row])[0], message=message)


def read_mails(
    connection: Connection,
    state: State | None,
    limit: int,
    before: str | None,
    among: Select[Any] | None = None,
) -> list[OutboxMail]:
    """
    Read mails without their messages, the newest first.
    """
    query = select(mails).order_by(mails.c.number.desc()).limit(limit)
    if state is not None:
        query = query.where(mails.c.state == state)
    if before is not None:
        earlier = select(mails.c.number).where(mails.c.id == before).scalar_subquery()
        query = query.where(mails.c.number < earlier)
    if among is not None:
        query = query.where(mails.c.id.in_(among))
    return _with_details(connection, connection.execute(query).all())


def read_stats(connection: Connection) -> OutboxStats:
    """
    Count.
    """
    query = select(mails.c.state, func.count().label("total")).group_by(mails.c.state)
    found = {row.state: row.total for row in connection.execute(query)}
    ready = mails.c.turn >= 0
    return OutboxStats(
        {state: found.get(state, 0) for state in State},
        connection.scalar(select(func.count()).where(ready)) or 0,
        connection.scalar(select(mails.c.created).where(ready).order_by(mails.c.number).limit(1)),
        connection.scalar(select(func.count()).where(IS_HELD)) or 0,
    )


def _with_details(connection: Connection, rows: Sequence[Row[Any]]) -> list[OutboxMail]:
    numbers = [row.number for row in rows]
    people: dict[int, list[OutboxRecipient]] = defaultdict(list)
    query = select(recipients).where(recipients.c.mail.in_(numbers)).order_by(recipients.c.email)
    for row in connection.execute(query):
        one = OutboxRecipient(row.email, row.status, row.provider_message_id)
        people[row.mail].append(one)
    calls: dict[int, list[OutboxAttempt]] = defaultdict(list)
    query = select(attempts).where(attempts.c.mail.in_(numbers)).order_by(attempts.c.number)
    for row in connection.execute(query):
        calls[row.mail].append(_attempt(row))
    return [_mail(row, people[row.number], calls[row.number]) for row in rows]


def _attempt(row: Row[Any]) -> OutboxAttempt:
    return OutboxAttempt(
        row.provider,
        row.started,
        row.duration,
        row.stage,
        row.outcome,
        row.error,
        row.status_code,
        row.provider_message_id,
    )


def _mail(
    row: Row[Any], people: Sequence[OutboxRecipient], calls: Sequence[OutboxAttempt]
) -> OutboxMail:
    return OutboxMail(
        id=row.id,
        state=State(row.state),
        created=row.created,
        due=row.due,
        expires=row.expires,
        sender=row.sender,
        stream=row.stream,
        tries=row.tries,
        recipients=tuple(people),
        attempts=tuple(calls),
        provider=row.provider,
        provider_message_id=row.provider_message_id,
        reason=row.reason,
        possible_duplicate=row.possible_duplicate,
        finished=row.finished,
        idempotency_key=row.idempotency_key or "",
        held_back=held_by(row.blocked_by) if row.blocked else (),
    )
