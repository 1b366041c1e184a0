"""
The settlement of a mail in doubt by what a vendor's event says of it.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, select, update

from mailfailover._values.events import EventType
from mailfailover._values.receipt import RecipientStatus
from mailfailover.outbox._job import OPEN
from mailfailover.outbox._tables import State, attempts, bodies, mails, recipients
from mailfailover.outbox._verdict import REACHED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime, timedelta

    from sqlalchemy import Connection

    from mailfailover._values.events import DeliveryEvent

UNKNOWN = str(RecipientStatus.UNKNOWN)
REFUSED_LATER = "the provider took it, and then told that it is not sent"
_NOT_SENT = frozenset({EventType.REJECTED, EventType.FAILED})
_SAYS_NOTHING = frozenset({EventType.UNKNOWN, EventType.SUBSCRIBED})
_IN_DOUBT = (UNKNOWN,)
_UNSERVED = tuple(sorted(OPEN))


def settle(connection: Connection, event: DeliveryEvent, now: datetime, keep: timedelta) -> bool:
    """
    Take *event* as the answer that was missing; return whether it was missing.

    An event about one recipient means that the vendor took the mail for all, unless each recipient
    gets a separate mail. A delivery counts even if we recorded that the mail did not leave; a
    refusal counts for the attempts in doubt only.
    """
    if event.type in _SAYS_NOTHING or not event.mail_id:
        return False
    query = (
        select(mails.c.number, mails.c.state, mails.c.merge)
        .where(mails.c.id == event.mail_id, mails.c.state != State.SENT)
        .with_for_update()
    )
    mail = connection.execute(query).one_or_none()
    if mail is None:
        return False
    refused = event.type in _NOT_SENT
    among = _IN_DOUBT if refused or not _was_called(connection, mail.number, event) else _UNSERVED
    own = RecipientStatus.REFUSED if refused else RecipientStatus.ACCEPTED
    found = _mark(connection, mail.number, own, event, among)
    if not mail.merge:
        found += _mark(
            connection, mail.number, RecipientStatus.ACCEPTED, event, among, everybody=True
        )
    # A worker that is in the middle of it finds that it is settled, and writes down the end.
    if found and mail.state != State.SENDING:
        conclude(connection, [mail.number], now, keep, event)
    return bool(found)


def conclude(
    connection: Connection,
    numbers: Iterable[int],
    now: datetime,
    keep: timedelta,
    event: DeliveryEvent | None = None,
) -> dict[int, State]:
    """
    End those of these mails whose recipients are all settled; return how each ended.

    The provider that *event* names is stored too.
    """
    took = (
        {}
        if event is None
        else {"provider": event.provider, "provider_message_id": event.provider_message_id}
    )
    ends = settled_among(connection, list(numbers))
    for state in (State.SENT, State.DEAD):
        found = [number for number, end in ends.items() if end is state]
        if not found:
            continue
        if state is State.SENT:
            connection.execute(delete(bodies).where(bodies.c.mail.in_(found)))
        values = {
            "state": state,
            "reason": "" if state is State.SENT else REFUSED_LATER,
            "owner": "",
            "turn": None,
            "blocked": None,
            "due": now + keep,
            "finished": now,
            **took,
        }
        connection.execute(update(mails).where(mails.c.number.in_(found)).values(values))
    return ends


def settled_among(connection: Connection, numbers: Sequence[int]) -> dict[int, State]:
    """
    The endings of the mails that no recipient still waits for, and that at least one was sent.

    A mail that was refused before any vendor took it is left as it is.
    """
    if not numbers:
        return {}
    statuses: dict[int, set[str]] = defaultdict(set)
    query = (
        select(recipients.c.mail, recipients.c.status)
        .where(recipients.c.mail.in_(numbers))
        .distinct()
    )
    for number, status in connection.execute(query):
        statuses[number].add(status)
    return {
        number: State.SENT if found & REACHED else State.DEAD
        for number, found in statuses.items()
        if not found & OPEN
    }


def _was_called(connection: Connection, number: int, event: DeliveryEvent) -> bool:
    """
    Whether the provider of the event was ever called for the mail.
    """
    query = select(func.count()).where(
        attempts.c.mail == number, attempts.c.provider == event.provider
    )
    return bool(connection.scalar(query))


def _mark(
    connection: Connection,
    number: int,
    status: RecipientStatus,
    event: DeliveryEvent,
    among: Sequence[str],
    *,
    everybody: bool = False,
) -> int:
    statement = update(recipients).where(
        recipients.c.mail == number, recipients.c.status.in_(among)
    )
    values: dict[str, Any] = {"status": str(status)}
    if not everybody:
        statement = statement.where(func.lower(recipients.c.email) == event.recipient.lower())
        values["provider_message_id"] = event.provider_message_id
    return connection.execute(statement.values(values)).rowcount
