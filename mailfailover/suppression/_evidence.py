"""
The evidence against an address, made of events and of ends of sends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import delete

from mailfailover._chain.observe import MailFailed, MailSent
from mailfailover._values.events import EventType
from mailfailover._values.receipt import RecipientStatus
from mailfailover.errors import InvalidMessage, RecipientRejected, RecipientSuppressed
from mailfailover.suppression._bounce_rows import digest
from mailfailover.suppression._entry import Reason, Suppression, plain_address
from mailfailover.suppression._origins import origin_of
from mailfailover.suppression._rules import Scope, reason_of, scope_of
from mailfailover.suppression._sentence import Bounce
from mailfailover.suppression._tables import suppressions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from sqlalchemy import Delete

    from mailfailover._message.message import Message
    from mailfailover._values.events import DeliveryEvent
    from mailfailover.errors import MailFailoverError
    from mailfailover.suppression._origins import Origins

    Make = Callable[..., Suppression]
    Find = Callable[[Message], Iterable[str]]

_STATUSES: Mapping[RecipientStatus, Reason] = {
    RecipientStatus.INVALID: Reason.BOUNCED,
    RecipientStatus.SUPPRESSED: Reason.SUPPRESSED,
}
_ERRORS: Mapping[type[MailFailoverError], Reason] = {
    RecipientRejected: Reason.BOUNCED,
    RecipientSuppressed: Reason.SUPPRESSED,
}


class Evidence(NamedTuple):
    """
    A provider's or a person's report against an address.

    Attributes:
        entry: What follows from it by itself.

        key: The same in each repetition.

        mail: A key of the mail, "" while the mail is unknown.

        told: When it happened, as the vendor says it.

        is_listing: Whether a vendor has the address on a list of its own, and did not try.

        mail_id, provider_message_id: The ids of the mail that bounced, until the mail is found.
    """

    entry: Suppression
    key: str = ""
    mail: str = ""
    told: datetime | None = None
    is_listing: bool = False
    mail_id: str = ""
    provider_message_id: str = ""

    @property
    def is_bounce(self) -> bool:
        """
        Whether it has to be judged beside other bounces.
        """
        return self.entry.reason in (Reason.BOUNCED, Reason.SUPPRESSED)

    def as_bounce(self, receiver: str, now: datetime) -> Bounce:
        """
        Return it as a bounce that *receiver* is responsible for.
        """
        entry = self.entry
        return Bounce(
            key=self.key,
            email=entry.email,
            receiver=receiver,
            reason=entry.reason,
            is_listing=self.is_listing,
            at=min(entry.created, now),
            received=now,
            told=self.told,
            mail=self.mail,
            from_domain=entry.from_domain,
            source=entry.source,
            detail=entry.detail,
            expires=entry.expires,
            mail_id=self.mail_id,
            provider_message_id=self.provider_message_id,
        )


def time_of(event: DeliveryEvent) -> datetime | None:
    """
    Return when *event* happened, None where it does not say, or not in which zone.
    """
    found = event.timestamp
    return None if found is None or found.tzinfo is None else found


def mail_of(event: DeliveryEvent) -> str:
    """
    Return what stands for the mail of *event* at its provider, "" where it names none.
    """
    name = event.mail_id or event.provider_message_id
    return digest(event.provider, name) if name else ""


def told(
    event: DeliveryEvent, tracking: Origins | None, make: Make, now: datetime
) -> Evidence | None:
    """
    Return what a vendor told against an address, None where it told nothing of that kind.
    """
    reason = reason_of(event)
    if reason is None:
        return None
    mail = origin_of(event, tracking)
    fields: dict[str, Any] = {
        "source": event.provider,
        "detail": event.mta_response or event.description,
    }
    happened = time_of(event)
    if happened is not None:
        fields["created"] = happened
    try:
        entry = make(event.recipient, reason, scope_of(reason, mail or Scope()), **fields)
    except InvalidMessage:
        return None  # an invalid address cannot get mail anyway
    return Evidence(
        entry,
        key=_key(event, entry, now),
        mail=mail_of(event),
        told=happened,
        is_listing=event.type is EventType.REJECTED,
        mail_id="" if mail else event.mail_id,
        provider_message_id="" if mail else event.provider_message_id,
    )


def _key(event: DeliveryEvent, entry: Suppression, now: datetime) -> str:
    """
    Return what is the same in each repetition of an event, and in no other event.

    An event that has neither an id, nor a mail, nor a time, can only be told by its day.
    """
    parts = [event.event_id]
    if not event.event_id:
        time = "" if event.timestamp is None else event.timestamp.isoformat()
        parts = [event.mail_id, event.provider_message_id, time]
    if not any(parts):
        parts = [now.date().isoformat()]
    return digest(event.provider, event.type, entry.email, *parts)


def taken_back(event: DeliveryEvent, tracking: Origins | None) -> Delete | None:
    """
    Return what forgets an unsubscription, where *event* is a subscription that came after it.
    """
    if event.type is not EventType.SUBSCRIBED:
        return None
    try:
        email = plain_address(event.recipient)
    except InvalidMessage:
        return None
    where = [
        suppressions.c.email == email,
        suppressions.c.reason == str(Reason.UNSUBSCRIBED),
    ]
    if stream := (origin_of(event, tracking) or Scope()).stream:
        where.append(suppressions.c.stream.in_(["", stream]))
    if event.timestamp is not None:
        where.append(suppressions.c.created <= event.timestamp)
    return delete(suppressions).where(*where)


def reported(event: MailSent | MailFailed, find: Find, make: Make, now: datetime) -> list[Evidence]:
    """
    Return what a provider said of recipients while it was asked to send to them.

    Args:
        event: How a send ended.

        find: Whom we left out by ourselves.

        make: Makes an entry.

        now: The time.
    """
    source, reasons = _reports(event)
    if not reasons:
        return []
    message = event.message
    # Only a receipt names those whom we left out, and only as suppressed.
    is_ours = isinstance(event, MailSent) and Reason.SUPPRESSED in reasons.values()
    ours = set(find(message)) if is_ours else set()
    sender = message.from_email
    scope = Scope(from_domain="" if sender is None else sender.domain)
    found = []
    for email, reason in reasons.items():
        if reason is Reason.SUPPRESSED and email in ours:
            continue
        entry = make(email, reason, scope, source=source)
        key = digest(source, reason, entry.email, message.id, now.date().isoformat())
        is_listing = reason is Reason.SUPPRESSED
        found.append(Evidence(entry, key, digest(source, message.id), is_listing=is_listing))
    return found


def _reports(event: MailSent | MailFailed) -> tuple[str, dict[str, Reason]]:
    if isinstance(event, MailSent):
        receipt = event.receipt
        found = {
            email: _STATUSES[status]
            for email, status in receipt.recipients.items()
            if status in _STATUSES
        }
        return receipt.provider, found
    error = event.error
    reason = _ERRORS.get(type(error))
    provider = getattr(error, "provider", "")
    if reason is None or not provider:  # without a provider, the error is our own list's
        return "", {}
    every = [one.email for one in event.message.recipients]
    named = every if len(every) == 1 else getattr(error, "recipients", ())
    return provider, dict.fromkeys(set(every) & set(named), reason)
