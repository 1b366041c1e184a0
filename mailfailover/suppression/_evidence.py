"""
The evidence against an address: rows of suppressions, made of events and ends of sends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete

from mailfailover._chain.observe import MailFailed, MailSent
from mailfailover._values.events import EventType
from mailfailover._values.receipt import RecipientStatus
from mailfailover.errors import InvalidMessage, RecipientRejected, RecipientSuppressed
from mailfailover.suppression._entry import Reason, Suppression, plain_address
from mailfailover.suppression._origins import origin_of
from mailfailover.suppression._rows import row_of
from mailfailover.suppression._rules import Scope, reason_of, scope_of
from mailfailover.suppression._tables import suppressions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Delete

    from mailfailover._message.message import Message
    from mailfailover._values.events import DeliveryEvent
    from mailfailover.errors import MailFailoverError
    from mailfailover.suppression._origins import Origins

    Make = Callable[..., Suppression]
    Find = Callable[[Message], Mapping[str, str]]

_STATUSES: Mapping[RecipientStatus, Reason] = {
    RecipientStatus.INVALID: Reason.BOUNCED,
    RecipientStatus.SUPPRESSED: Reason.SUPPRESSED,
}
_ERRORS: Mapping[type[MailFailoverError], Reason] = {
    RecipientRejected: Reason.BOUNCED,
    RecipientSuppressed: Reason.SUPPRESSED,
}


def told(event: DeliveryEvent, tracking: Origins | None, make: Make) -> list[dict[str, Any]]:
    """
    Return the row for what a vendor told, if it suppresses anybody.
    """
    reason = reason_of(event)
    if reason is None:
        return []
    mail = origin_of(event, tracking)
    fields: dict[str, Any] = {
        "source": event.provider,
        "detail": event.mta_response or event.description,
    }
    if event.timestamp is not None:
        fields["created"] = event.timestamp
    try:
        entry = make(event.recipient, reason, scope_of(reason, mail or Scope()), **fields)
    except InvalidMessage:
        return []  # nobody can send to what is no address
    if mail is not None:
        return [row_of(entry)]
    return [row_of(entry, event.mail_id, event.provider_message_id)]


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


def reported(event: MailSent | MailFailed, find: Find, make: Make) -> list[dict[str, Any]]:
    """
    Return a row for each recipient that a provider refused for good while it was asked.
    """
    source, reasons = _reports(event)
    if not reasons:
        return []
    known = find(event.message)  # they were left out by us, not by a provider
    sender = event.message.from_email
    scope = Scope(from_domain="" if sender is None else sender.domain)
    return [
        row_of(make(email, reason, scope, source=source))
        for email, reason in reasons.items()
        if email not in known
    ]


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
    if reason is None:
        return "", {}
    every = [one.email for one in event.message.recipients]
    named = every if len(every) == 1 else getattr(error, "recipients", ())
    return getattr(error, "provider", ""), dict.fromkeys(set(every) & set(named), reason)
