"""
A mail taken into the outbox for a caller, or refused.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from sqlalchemy import insert
from sqlalchemy.exc import SQLAlchemyError

from mailfailover.errors import IdempotencyConflict, InvalidMessage
from mailfailover.service.limits import take
from mailfailover.service.problems import FieldError, Problem
from mailfailover.service.tables import posts

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from mailfailover._message import Message
    from mailfailover.service.parts import Service
    from mailfailover.service.rules import Caller

__all__ = ["accept"]

MAX_KEY = 200


def accept(service: Service, caller: Caller, message: Message, key: str | None = None) -> str:
    """
    Store *message*; when this returns, it is on the disk.

    Args:
        service: Where.

        caller: For whom; its rules are applied.

        message: The mail.

        key: The caller's idempotency key.

    Returns:
        The mail's id; that of an earlier one, where the same mail was posted with *key* before.

    Raises:
        Problem: If it may not be sent, or cannot be stored.
    """
    message = service.mailer.prepare(message)
    if errors := caller.objections(message):
        detail = "This API key may not send this mail: see the errors of the fields."
        raise Problem("forbidden", detail, errors=errors)
    try:
        with service.outbox.engine.begin() as connection:
            return _store(service, connection, caller, message, _own(caller, key))
    except IdempotencyConflict:
        detail = "Use a new idempotency key for each mail, and the same for its repetitions."
        raise Problem("idempotency-conflict", detail) from None
    except InvalidMessage as exc:
        error = FieldError(exc.field, str(exc))
        raise Problem("invalid-message", str(exc), errors=[error]) from None
    except SQLAlchemyError as exc:
        detail = "The mail could not be stored, and will not be sent. Post it again later."
        raise Problem("unavailable", detail, headers={"Retry-After": "5"}) from exc


def _store(
    service: Service, connection: Connection, caller: Caller, message: Message, key: str | None
) -> str:
    mail_id = service.outbox.add(message, connection, idempotency_key=key)
    if mail_id == message.id and caller.key:
        wait = take(connection, caller.key, caller.rules, len(message.recipients), service.wall())
        if wait:  # what was stored is taken back with the transaction
            seconds = math.ceil(wait)
            detail = f"This API key may send again in {seconds} seconds."
            raise Problem("limit-reached", detail, headers={"Retry-After": str(seconds)})
        connection.execute(insert(posts).values(mail=mail_id, key=caller.key))
    return mail_id


def _own(caller: Caller, key: str | None) -> str | None:
    """
    Return an idempotency key that no other caller can have.
    """
    if key is None:
        return None
    if not 0 < len(key) <= MAX_KEY or not key.isprintable():
        detail = f"Idempotency-Key must have 1 to {MAX_KEY} printable characters."
        raise Problem("unreadable-request", detail)
    return f"{caller.key}:{key}"
