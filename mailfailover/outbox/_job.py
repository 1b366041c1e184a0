"""
The job that a leased mail is: its message, and what earlier leases left of it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import bindparam, select

from mailfailover._values.receipt import RecipientStatus
from mailfailover.errors import Attempt, OutcomeUnknown
from mailfailover.outbox._body import read_body
from mailfailover.outbox._tables import attempts, bodies, recipients
from mailfailover.outbox._views import PENDING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Row

    from mailfailover._message.message import Message
    from mailfailover.outbox._lease import Lease
    from mailfailover.outbox._seal import Seal

OPEN = frozenset({PENDING, str(RecipientStatus.UNKNOWN)})
"""The statuses of those who are still to get the mail."""


ACCEPTED = "accepted"
"""The outcome of an attempt whose provider took the mail."""


class Standing(NamedTuple):
    """
    The status of one recipient, and the attempt that set it.
    """

    status: str = PENDING
    attempt: int = 0
    provider_message_id: str = ""


class Portion(NamedTuple):
    """
    The recipients of one send, with the attempts that may have reached them.
    """

    emails: tuple[str, ...]
    previous: tuple[Attempt, ...]


@dataclass(frozen=True, slots=True)
class Job:
    """
    A leased mail as it was read.
    """

    lease: Lease
    message: Message
    people: dict[str, Standing]
    doubts: dict[int, Attempt]
    """By number, the attempts that may have sent it."""

    next_attempt: int

    def portions(self) -> Iterator[Portion]:
        """
        Yield the parts that are sent separately.

        A mail for all is one portion. Of a merge, those whom one attempt may have reached are
        one, so that the vendor knows the same part again; those who surely got nothing, another.
        """
        open_emails = [email for email, one in self.people.items() if one.status in OPEN]
        if not open_emails:  # an event settled them meanwhile
            return
        if not self.message.is_merge:
            yield Portion(tuple(open_emails), tuple(self.doubts.values()))
            return
        groups: dict[int, list[str]] = defaultdict(list)
        for email in open_emails:
            groups[
                self.people[email].attempt if self.people[email].status != PENDING else 0
            ].append(email)
        for number, emails in sorted(groups.items(), reverse=True):
            doubt = self.doubts.get(number)
            yield Portion(tuple(emails), () if doubt is None else (doubt,))


def new_job(lease: Lease, body: bytes, seal: Seal) -> Job:
    """
    The job of a mail that no worker took before, made from its message alone.

    Raises:
        InvalidMessage: If its message is not what this version can read.
        ConfigurationError: If it is encrypted with an unknown key.
    """
    message = read_body(body, lease.id, seal)
    return Job(lease, message, {one.email: Standing() for one in message.recipients}, {}, 1)


def read_job(connection: Connection, lease: Lease, seal: Seal) -> Job | None:
    """
    Read all of a mail; None where its message is gone.

    Raises:
        InvalidMessage: If its message is not what this version can read.
        ConfigurationError: If it is encrypted with an unknown key.
    """
    of_mail = {"of_mail": lease.number}
    body = connection.scalar(_BODY, of_mail)
    if body is None:
        return None
    message = read_body(body, lease.id, seal)
    found = {
        row.email: Standing(row.status, row.attempt, row.provider_message_id)
        for row in connection.execute(_RECIPIENTS, of_mail)
    }
    people = {one.email: found[one.email] for one in message.recipients}  # in the mail's order
    rows = connection.execute(_ATTEMPTS, of_mail).all()
    doubts = {row.number: _doubt(row) for row in rows if row.in_doubt}
    return Job(lease, message, people, doubts, rows[-1].number + 1 if rows else 1)


class SentMail(NamedTuple):
    """
    A mail that a provider accepted, as it was read.
    """

    message: Message
    accepted: tuple[Attempt, ...]
    """The attempts that ended so."""

    last_attempt: int


def read_sent(connection: Connection, number: int, mail_id: str, seal: Seal) -> SentMail | None:
    """
    Read a mail that was sent; None where its message is gone.

    Raises:
        InvalidMessage, ConfigurationError: As :func:`read_job`.
    """
    body = connection.scalar(_BODY, {"of_mail": number})
    if body is None:
        return None
    rows = connection.execute(_ATTEMPTS, {"of_mail": number}).all()
    accepted = tuple(_accepted(row) for row in rows if row.outcome == ACCEPTED)
    return SentMail(read_body(body, mail_id, seal), accepted, rows[-1].number if rows else 0)


def _accepted(row: Row[Any]) -> Attempt:
    return Attempt(
        row.provider,
        row.started,
        row.duration or 0.0,
        row.stage,
        row.outcome,
        None,
        row.status_code,
        row.provider_message_id,
    )


def _doubt(row: Row[Any]) -> Attempt:
    """
    An attempt of which it is not known whether it sent the mail.
    """
    text = row.error or "its worker ended before the answer came"
    return Attempt(
        row.provider,
        row.started,
        row.duration or 0.0,
        row.stage,
        OutcomeUnknown.__name__,
        OutcomeUnknown(text, provider=row.provider, stage=row.stage),
        row.status_code,
        row.provider_message_id,
    )


_BODY = select(bodies.c.content).where(bodies.c.mail == bindparam("of_mail"))
_RECIPIENTS = select(recipients).where(recipients.c.mail == bindparam("of_mail"))
_ATTEMPTS = (
    select(attempts).where(attempts.c.mail == bindparam("of_mail")).order_by(attempts.c.number)
)
