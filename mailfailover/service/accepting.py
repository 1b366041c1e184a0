"""
A mail taken into the outbox for a caller, or refused.
"""

from __future__ import annotations

import math
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import insert
from sqlalchemy.exc import SQLAlchemyError

from mailfailover._sql.database import writing
from mailfailover.errors import IdempotencyConflict, InvalidMessage
from mailfailover.service.headings import Heading, heading_of
from mailfailover.service.limits import take
from mailfailover.service.problems import FieldError, Problem
from mailfailover.service.tables import posts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection

    from mailfailover._message.message import Message
    from mailfailover.service.parts import Service
    from mailfailover.service.reading import Post
    from mailfailover.service.rules import Caller

__all__ = ["Stored", "accept", "check", "store_all"]

MAX_KEY = 200
_POST = insert(posts)
_NOT_STORED = "The mail could not be stored, and will not be sent. Post it again later."
_LATER = {"Retry-After": "5"}


def accept(service: Service, caller: Caller, post: Post, key: str | None = None) -> str:
    """
    Store a mail; when this returns, it is on the disk.

    Args:
        service: Where.

        caller: The caller whose rules are applied.

        post: The mail, and what else is asked for.

        key: The caller's idempotency key.

    Returns:
        The mail's id; that of an earlier one, where the same mail was posted with *key* before.

    Raises:
        Problem: If it may not be sent, or cannot be stored.
    """
    stored = check(service, caller, post, key)
    try:
        with _on_disk(service) as connection:
            return _store(service, connection, caller, stored)
    except (IdempotencyConflict, InvalidMessage) as exc:
        raise _refused(exc) from None


def check(service: Service, caller: Caller, post: Post, key: str | None = None) -> Stored:
    """
    Return the mail of *post* as :func:`store_all` takes it.

    Raises:
        Problem: If the caller may not send it.
    """
    message = service.mailer.prepare(post.message)
    if errors := caller.objections(message, post.callback_url):
        detail = "This API key may not send this mail: see the errors of the fields."
        raise Problem("forbidden", detail, errors=errors)
    if post.callback_url and service.callbacks is None:
        raise _wrong("callback_url", "this service has no secret that would sign the calls")
    if post.wants_link:
        message = _with_link(service, message)
    return Stored(message, post.callback_url, _own(caller, key))


def store_all(service: Service, caller: Caller, batch: Sequence[Stored]) -> list[str | Problem]:
    """
    Store mails by one commit; return in their order the id of each, or why it was refused.

    Raises:
        Problem: If none could be stored.
    """
    with _on_disk(service) as connection:
        return [_store_or_refuse(service, connection, caller, one) for one in batch]


@contextmanager
def _on_disk(service: Service) -> Iterator[Connection]:
    """
    A transaction whose end is on the disk, or told as a problem.
    """
    try:
        with writing(service.outbox.engine) as connection:
            yield connection
    except SQLAlchemyError as exc:
        raise Problem("unavailable", _NOT_STORED, headers=_LATER) from exc
    if service.database_file.find_fault():  # what was just written is in a file that is gone
        raise Problem("unavailable", _NOT_STORED, headers=_LATER)


class Stored(NamedTuple):
    """
    A post as it is stored.
    """

    message: Message
    callback_url: str
    key: str | None


def _store_or_refuse(
    service: Service, connection: Connection, caller: Caller, stored: Stored
) -> str | Problem:
    try:
        with connection.begin_nested():
            return _store(service, connection, caller, stored)
    except Problem as problem:
        return problem
    except (IdempotencyConflict, InvalidMessage) as exc:
        return _refused(exc)


def _refused(error: IdempotencyConflict | InvalidMessage) -> Problem:
    if isinstance(error, InvalidMessage):
        return _wrong(error.field, str(error))
    detail = "Use a new idempotency key for each mail, and the same for its repetitions."
    return Problem("idempotency-conflict", detail)


def _store(service: Service, connection: Connection, caller: Caller, stored: Stored) -> str:
    message = stored.message
    mail_id = service.outbox.add(message, connection, idempotency_key=stored.key)
    if mail_id == message.id:
        if caller.key:
            _count(service, connection, caller, message)
        heading = heading_of(message) if service.keep_headings else Heading()
        row = {"mail": mail_id, "key": caller.key, "callback_url": stored.callback_url}
        connection.execute(_POST, row | heading._asdict())
    return mail_id


def _count(service: Service, connection: Connection, caller: Caller, message: Message) -> None:
    """
    Count the recipients; a mail beyond the limit is rolled back with the transaction.
    """
    wait = take(connection, caller.key, caller.rules, len(message.recipients), service.wall())
    if wait:
        seconds = math.ceil(wait)
        detail = f"This API key may send again in {seconds} seconds."
        raise Problem("limit-reached", detail, headers={"Retry-After": str(seconds)})


def _with_link(service: Service, message: Message) -> Message:
    """
    Return *message* with an unsubscribe link for each recipient.
    """
    if service.links is None:
        raise _wrong("unsubscribe", "this service makes no unsubscribe links")
    try:
        # Without the id, which is new each time: a repetition must be the same mail.
        linked = service.links.add_to(message.bound(id=""))
    except InvalidMessage as exc:
        raise _wrong(exc.field, str(exc)) from None
    return linked.bound(id=message.id)


def _wrong(field: str, detail: str) -> Problem:
    return Problem("invalid-message", detail, errors=[FieldError(field, detail)])


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
