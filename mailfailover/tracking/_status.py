"""
The status of a mail, told of its rows.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, select

from mailfailover._values.face import published_in
from mailfailover._values.frozen import EMPTY
from mailfailover.tracking._event_rows import event_of
from mailfailover.tracking._send_rows import ACCEPTED, FAILED, UNKNOWN
from mailfailover.tracking._standing import STATES, RecipientState, Standing, in_order, stand
from mailfailover.tracking._tables import events, mails, recipients
from mailfailover.unsubscribe import PROVIDER as LINK

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row

    from mailfailover._values.events import DeliveryEvent

_WITH_REASON = (RecipientState.DEFERRED, RecipientState.REJECTED, RecipientState.BOUNCED)


@published_in("mailfailover.tracking")
@dataclass(frozen=True, slots=True, kw_only=True)
class RecipientTrack:
    """
    How one recipient stands.

    Attributes:
        email: The address, or its place in the mail, as ``#0``, after it was purged.

        state: The recipient's state.

        provider: The chain key of the provider that this is known of, "" for none.

        provider_message_id: That provider's id of the mail.

        since: When an event told it first, None where the send itself did.

        reason: Why the mail did not arrive, in the vendor's or the receiving server's words.

    .. versionadded:: 0.1.0
    """

    email: str
    state: RecipientState
    provider: str = ""
    provider_message_id: str = ""
    since: datetime | None = None
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """
        Return it as JSON-safe data.
        """
        return {
            "email": self.email,
            "state": str(self.state),
            "provider": self.provider,
            "provider_message_id": self.provider_message_id,
            "since": self.since and self.since.isoformat(),
            "reason": self.reason,
        }


@published_in("mailfailover.tracking")
@dataclass(frozen=True, slots=True, kw_only=True)
class MailStatus:
    """
    Which way a mail went, and what became of it.

    Attributes:
        mail_id: Our id of the mail.

        outcome: ``"accepted"``, ``"failed"`` or ``"unknown"``.

        is_settled: Whether only an event showed the outcome, which the send did not know.

        provider: The chain key of the provider that took it, "" for none.

        provider_message_id: That vendor's id of it.

        possible_duplicate: Whether more than one attempt may have sent it.

        recorded: When the send ended, None where only events tell of the mail so far.

        stream, sender: The mail's own.

        error: Why the send failed, "" where it did not.

        attempts: Every call that was made for it, as :meth:`~mailfailover.Attempt.to_dict`.

        recipients: How each recipient stands.

        events: All that was told of it since, in the order in which it happened.

        content: Its subject, text and html, where they are kept.

    .. versionadded:: 0.1.0
    """

    mail_id: str
    outcome: str
    is_settled: bool = False
    provider: str = ""
    provider_message_id: str = ""
    possible_duplicate: bool = False
    recorded: datetime | None = None
    stream: str = ""
    sender: str = ""
    error: str = ""
    attempts: tuple[Mapping[str, Any], ...] = ()
    recipients: tuple[RecipientTrack, ...] = ()
    events: tuple[DeliveryEvent, ...] = ()
    content: Mapping[str, str] | None = None

    def to_dict(self) -> dict[str, Any]:
        """
        Return it as JSON-safe data.
        """
        return {
            "mail_id": self.mail_id,
            "outcome": self.outcome,
            "is_settled": self.is_settled,
            "provider": self.provider,
            "provider_message_id": self.provider_message_id,
            "possible_duplicate": self.possible_duplicate,
            "recorded": self.recorded and self.recorded.isoformat(),
            "stream": self.stream,
            "sender": self.sender,
            "error": self.error,
            "attempts": list(self.attempts),
            "recipients": [one.to_dict() for one in self.recipients],
            "events": [dataclasses.replace(one, raw=EMPTY).to_dict() for one in self.events],
            "content": self.content,
        }


def read_statuses(connection: Connection, mail_ids: Iterable[str]) -> dict[str, MailStatus]:
    """
    Return how each of these mails stands, without those of which nothing is known.
    """
    wanted = list(mail_ids)
    recorded = select(mails).where(mails.c.mail_id.in_(wanted))
    found = {row.mail_id: _recorded(row) for row in connection.execute(recorded)}
    query = (
        select(recipients)
        .where(recipients.c.mail_id.in_(wanted))
        .order_by(recipients.c.mail_id, recipients.c.position)
    )
    rows: dict[str, list[Row[Any]]] = defaultdict(list)
    for row in connection.execute(query):
        rows[row.mail_id].append(row)
    told = _told(connection, wanted)
    return {
        mail_id: dataclasses.replace(
            _settled(found.get(mail_id) or MailStatus(mail_id=mail_id, outcome=UNKNOWN), events_),
            recipients=tuple(_tracks(rows[mail_id], events_)),
            events=tuple(events_),
        )
        for mail_id in wanted
        if (events_ := told[mail_id]) or mail_id in found
    }


def _told(connection: Connection, mail_ids: list[str]) -> dict[str, list[DeliveryEvent]]:
    """
    Read the events of these mails: those with our id, and those that only have the vendor's.
    """
    sent = (
        select(recipients.c.mail_id, recipients.c.provider, recipients.c.provider_message_id)
        .where(recipients.c.mail_id.in_(mail_ids), recipients.c.provider_message_id != "")
        .distinct()
        .subquery()
    )
    theirs = select(sent.c.mail_id.label("sent_as"), events).join(
        events,
        and_(
            events.c.provider == sent.c.provider,
            events.c.provider_message_id == sent.c.provider_message_id,
            events.c.mail_id == "",
        ),
    )
    ours = select(events.c.mail_id.label("sent_as"), events).where(events.c.mail_id.in_(mail_ids))
    found: dict[str, list[DeliveryEvent]] = defaultdict(list)
    for query in (ours, theirs):
        for row in connection.execute(query).mappings():
            found[row["sent_as"]].append(event_of(dict(row)))
    for events_ in found.values():
        events_.sort(key=in_order)
    return found


def _recorded(row: Row[Any]) -> MailStatus:
    return MailStatus(
        mail_id=row.mail_id,
        outcome=row.outcome,
        provider=row.provider,
        provider_message_id=row.provider_message_id,
        possible_duplicate=row.possible_duplicate,
        recorded=row.recorded,
        stream=row.stream,
        sender=row.sender,
        error=row.error,
        attempts=tuple(row.attempts),
        content=row.content,
    )


def _settled(status: MailStatus, told: list[DeliveryEvent]) -> MailStatus:
    """
    Let events have the last word on a mail that was not surely accepted.
    """
    proofs = [event for event in told if event.type in STATES and event.provider != LINK]
    taken = [event for event in proofs if STATES[event.type] is not RecipientState.REJECTED]
    if status.outcome == ACCEPTED or not (taken or (proofs and status.outcome == UNKNOWN)):
        return status
    proof = (taken or proofs)[0]
    return dataclasses.replace(
        status,
        outcome=ACCEPTED if taken else FAILED,
        is_settled=True,
        provider=proof.provider,
        provider_message_id=proof.provider_message_id,
    )


def _tracks(rows: Sequence[Row[Any]], told: list[DeliveryEvent]) -> Iterator[RecipientTrack]:
    """
    Yield the state of each recipient: first the mail's own, then others that events name.
    """
    by_address = defaultdict(list)
    for event in told:
        by_address[event.recipient.lower()].append(event)
    unnamed = by_address.pop("", [])
    for row in rows:
        own = by_address.pop(row.address.lower(), [])
        if len(rows) == 1:  # then nobody else can be meant
            own += unnamed
        standing = stand(RecipientState(row.state), row.provider, own)
        yield _track(row.address, standing, row)
    for events_of_one in by_address.values():
        standing = stand(RecipientState.UNKNOWN, "", events_of_one)
        yield _track(events_of_one[0].recipient, standing, None)


def _track(email: str, standing: Standing, row: Row[Any] | None) -> RecipientTrack:
    event = standing.event
    known: Any = row if event is None else event
    return RecipientTrack(
        email=email,
        state=standing.state,
        provider=known.provider,
        provider_message_id=known.provider_message_id,
        since=None if event is None else event.timestamp,
        reason="" if event is None else _reason(event),
    )


def _reason(event: DeliveryEvent) -> str:
    if STATES[event.type] not in _WITH_REASON:
        return ""
    return event.mta_response or event.description or str(event.reject_reason or "")
