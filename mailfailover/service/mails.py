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
from mailfailover.service.tables import posts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailfailover._values.events import DeliveryEvent
    from mailfailover.outbox import OutboxMail
    from mailfailover.service.parts import Service
    from mailfailover.service.rules import Caller

__all__ = [
    "OPEN_STATES",
    "describe",
    "describe_all",
    "events_of",
    "find_mail",
    "list_mails",
    "may_see",
    "state_of",
]

OPEN_STATES = frozenset({State.PENDING, State.LEASED, State.SENDING})
"""Those in which a mail is still on its way."""


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
    found = list_mails(service, caller, limit=1, only=mail_id)
    return found[0] if found else None


def list_mails(
    service: Service,
    caller: Caller,
    state: str | None = None,
    *,
    limit: int,
    before: str | None = None,
    only: str = "",
) -> Sequence[OutboxMail]:
    """
    Return the caller's mails without their messages, newest first; *only* one where it is given.
    """
    mine = None if caller.sees_all else select(posts.c.mail).where(posts.c.key == caller.key)
    if only:
        one = select(mails.c.id).where(mails.c.id == only)
        mine = one if mine is None else mine.where(posts.c.mail == only)
    return service.outbox.list(state, limit=limit, before=before, among=mine)


def state_of(service: Service, mail_id: str) -> str | None:
    """
    Return the state of a mail, reading nothing else of it.
    """
    with reading(service.outbox.engine) as connection:
        found: str | None = connection.scalar(select(mails.c.state).where(mails.c.id == mail_id))
    return found


def describe(mail: OutboxMail) -> dict[str, Any]:
    """
    Return a mail as JSON-safe data, with its URL; what it says is not in it.
    """
    data = mail.to_dict()
    # The stored key begins with whose it is.
    data["idempotency_key"] = data["idempotency_key"].partition(":")[2]
    return data | {"status_url": url_for("api.show", mail_id=mail.id, _external=True)}


def describe_all(service: Service, mail: OutboxMail) -> dict[str, Any]:
    """
    The same with what vendors told of it since.
    """
    return describe(mail) | {"events": [_event(one) for one in events_of(service, mail.id)]}


def events_of(service: Service, mail_id: str) -> Sequence[DeliveryEvent]:
    """
    Return what vendors told of a mail, in the order in which it happened.
    """
    found = service.tracking.status(mail_id) if service.tracking else None
    return found.events if found else ()


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
