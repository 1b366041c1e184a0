"""
The mails that a caller may see, as data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import url_for
from sqlalchemy import select

from mailfailover._sql.database import reading
from mailfailover.outbox import State
from mailfailover.outbox._tables import mails
from mailfailover.service.badges import deliveries_of
from mailfailover.service.headings import Heading, read_headings
from mailfailover.service.search import EVERYTHING
from mailfailover.service.tables import posts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mailfailover._values.events import DeliveryEvent
    from mailfailover.outbox import OutboxMail
    from mailfailover.service.parts import Service
    from mailfailover.service.rules import Caller
    from mailfailover.service.search import Search
    from mailfailover.tracking import MailStatus

__all__ = [
    "OPEN_STATES",
    "describe",
    "describe_many",
    "find_mail",
    "list_mails",
    "may_see",
    "read_statuses",
    "state_of",
]

OPEN_STATES = frozenset({State.PENDING, State.LEASED, State.SENDING})
"""The states of a mail that is still on its way."""


def may_see(service: Service, caller: Caller, mail_id: str) -> bool:
    """
    Tell whether a mail is the caller's own, or it sees all of them.
    """
    if caller.sees_all:
        return True
    mine = select(posts.c.number).where(posts.c.mail == mail_id, posts.c.key == caller.key)
    with reading(service.outbox.engine) as connection:
        return connection.scalar(mine) is not None


def find_mail(service: Service, caller: Caller, mail_id: str) -> OutboxMail | None:
    """
    Return a mail without its message, or None where there is none that the caller may see.
    """
    if not may_see(service, caller, mail_id):
        return None
    one = select(mails.c.id).where(mails.c.id == mail_id)
    found = service.outbox.list(limit=1, among=one)
    return found[0] if found else None


def list_mails(
    service: Service,
    caller: Caller,
    search: Search = EVERYTHING,
    *,
    limit: int,
    before: str | None = None,
    after: str | None = None,
) -> Sequence[OutboxMail]:
    """
    Return the caller's mails without their messages, newest first.

    Args:
        service: Where they are.

        caller: The caller.

        search: Which ones.

        limit: At most so many.

        before, after: A mail's id; the page begins on its older or its newer side.
    """
    among = search.query(caller)
    if after:
        this = select(mails.c.number).where(mails.c.id == after).scalar_subquery()
        newer = (select(mails.c.id) if among is None else among).where(mails.c.number > this)
        if search.state:
            newer = newer.where(mails.c.state == search.state)
        nearest = newer.order_by(mails.c.number).limit(limit).subquery()
        among = select(nearest.c.id)
    return service.outbox.list(search.state or None, limit=limit, before=before, among=among)


def state_of(service: Service, mail_id: str) -> str | None:
    """
    Return the state of a mail, reading nothing else of it.
    """
    with reading(service.outbox.engine) as connection:
        found: str | None = connection.scalar(select(mails.c.state).where(mails.c.id == mail_id))
    return found


def describe_many(service: Service, found: Sequence[OutboxMail]) -> list[dict[str, Any]]:
    """
    Return mails as JSON-safe data, each with its URL; what they say is not in it.
    """
    headings = read_headings(service.outbox.engine, [mail.id for mail in found])
    statuses = read_statuses(service, found)
    return [
        _describe(mail, headings.get(mail.id, Heading()), statuses.get(mail.id)) for mail in found
    ]


def describe(service: Service, mail: OutboxMail) -> dict[str, Any]:
    """
    The same of one, with what vendors told of it since.
    """
    status = read_statuses(service, [mail]).get(mail.id)
    heading = read_headings(service.outbox.engine, [mail.id]).get(mail.id, Heading())
    events = status.events if status else ()
    return _describe(mail, heading, status) | {"events": [_event(one) for one in events]}


def _describe(mail: OutboxMail, heading: Heading, status: MailStatus | None) -> dict[str, Any]:
    data, told = mail.to_dict(), deliveries_of(status)
    for recipient in data["recipients"]:
        recipient["delivery"] = str(told.get(recipient["email"].lower(), ""))
    # The stored key begins with whose it is.
    data["idempotency_key"] = data["idempotency_key"].partition(":")[2]
    url = url_for("api.show", mail_id=mail.id, _external=True)
    return data | heading._asdict() | {"status_url": url}


def read_statuses(service: Service, found: Sequence[OutboxMail]) -> Mapping[str, MailStatus]:
    """
    Return what is known of the deliveries of these mails, by their ids.
    """
    return service.tracking.statuses([mail.id for mail in found]) if service.tracking else {}


def _event(event: DeliveryEvent) -> dict[str, Any]:
    return {
        "type": str(event.type),
        "provider": event.provider,
        "recipient": event.recipient,
        "timestamp": event.timestamp and event.timestamp.isoformat(),
        "reject_reason": event.reject_reason and str(event.reject_reason),
        "description": event.description,
        "mta_response": event.mta_response,
    }
