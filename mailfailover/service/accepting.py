"""
A mail taken into the outbox for a caller, or refused.
"""

from __future__ import annotations

import math
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import insert
from sqlalchemy.exc import SQLAlchemyError

from mailfailover._sql.database import writing
from mailfailover.errors import IdempotencyConflict, InvalidMessage
from mailfailover.service.headings import Heading, heading_of
from mailfailover.service.limits import take
from mailfailover.service.problems import FieldError, Problem
from mailfailover.service.tables import posts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

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
_REFUSED = (Problem, IdempotencyConflict, InvalidMessage)


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
            (mail_id,) = _store(service, connection, [stored])
    except (IdempotencyConflict, InvalidMessage) as exc:
        raise _problem(exc) from None
    return mail_id


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
    return Stored(message, post.callback_url, _own(caller, key), caller)


def store_all(
    service: Service,
    batch: Sequence[Stored],
    beside: Callable[[Connection, Sequence[str | Problem]], object] | None = None,
) -> list[str | Problem]:
    """
    Store mails by one commit; return in their order the id of each, or why it was refused.

    Args:
        service: Where.

        batch: The mails.

        beside: Writes what belongs to them in the same transaction, given these answers.

    Raises:
        Problem: If none could be stored.
    """
    with _on_disk(service) as connection:
        answers = _store_all_or_each(service, connection, batch)
        if beside is not None:
            beside(connection, answers)
    return answers


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
    if service.database_file.find_fault():  # the commit went to a file that is gone
        raise Problem("unavailable", _NOT_STORED, headers=_LATER)


class Stored(NamedTuple):
    """
    A post as it is stored.
    """

    message: Message
    callback_url: str
    key: str | None
    caller: Caller


def _store_all_or_each(
    service: Service, connection: Connection, batch: Sequence[Stored]
) -> list[str | Problem]:
    """
    Store mails by few statements; one at a time if any is refused, to find out which.
    """
    try:
        with connection.begin_nested():
            return [*_store(service, connection, batch)]
    except _REFUSED as exc:
        if len(batch) == 1:
            return [_problem(exc)]
    return [one for single in batch for one in _store_all_or_each(service, connection, [single])]


def _problem(error: Problem | IdempotencyConflict | InvalidMessage) -> Problem:
    if isinstance(error, Problem):
        return error
    if isinstance(error, InvalidMessage):
        return _wrong(error.field, str(error))
    detail = "Use a new idempotency key for each mail, and the same for its repetitions."
    return Problem("idempotency-conflict", detail)


def _store(service: Service, connection: Connection, batch: Sequence[Stored]) -> list[str]:
    mail_ids = service.outbox.add_many(
        [one.message for one in batch], connection, idempotency_keys=[one.key for one in batch]
    )
    new = [one for one, mail_id in zip(batch, mail_ids, strict=True) if one.message.id == mail_id]
    for one in new:
        if one.caller.key:
            _count(service, connection, one.caller, one.message)
    if new:
        connection.execute(_POST, [_row(service, one) for one in new])
    return mail_ids


def _row(service: Service, stored: Stored) -> dict[str, Any]:
    heading = heading_of(stored.message) if service.keep_headings else Heading()
    row = {"mail": stored.message.id, "key": stored.caller.key}
    return row | {"callback_url": stored.callback_url} | heading._asdict()


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
