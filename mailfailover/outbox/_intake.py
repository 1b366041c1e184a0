"""
The intake of the outbox: each mail once, and in its turn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from mailfailover.errors import IdempotencyConflict, InvalidMessage
from mailfailover.outbox._body import write_body
from mailfailover.outbox._tables import State, bodies, mails, recipients
from mailfailover.outbox._turns import NEXT_TURN, SENDER, next_turn
from mailfailover.outbox._views import PENDING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from mailfailover._message.message import Message

MAX_KEY = 255

# Written once: to build a statement with its values costs as much as all else that `add` does.
_MAIL: Mapping[str, Any] = {
    "postgresql": postgresql.insert(mails).on_conflict_do_nothing(),
    "sqlite": sqlite.insert(mails).on_conflict_do_nothing(),
}
_MAIL_ELSEWHERE = insert(mails).prefix_with("IGNORE")
# The same where its turn is found out on the way. MariaDB reads no table that it inserts into.
_MAIL_IN_TURN = {name: statement.values(turn=NEXT_TURN) for name, statement in _MAIL.items()}
_BODY = insert(bodies)
_RECIPIENT = insert(recipients)


def store(connection: Connection, message: Message, key: str | None, now: datetime) -> str:
    """
    Write *message* into the tables and return its id, or that of the same mail stored before.

    Raises:
        InvalidMessage: If it has no recipient, or an attachment cannot be read.
        IdempotencyConflict: If *key*, or its id, belongs to another mail.
    """
    if not message.recipients:
        text = "to is empty: name at least one recipient"
        raise InvalidMessage(text, field="to")
    content, digest = write_body(message)
    sender = "" if message.from_email is None else message.from_email.email.lower()
    waits = message.send_at is not None and message.send_at > now
    row = {
        "id": message.id,
        "state": State.PENDING,
        "sender": sender,
        "merge": message.is_merge,
        "created": now,
        "due": message.send_at if waits else None,
        "token": 0,
        "owner": "",
        "tries": 0,
        "lost": 0,
        "idempotency_key": key,
        "digest": digest,
        "provider": "",
        "provider_message_id": "",
        "reason": "",
        "possible_duplicate": False,
        "finished": None,
    }
    number = _insert_new(connection, row, waits=waits)
    if number is None:
        return _same(connection, message, key, digest)
    connection.execute(_BODY, {"mail": number, "content": content})
    blank = {"mail": number, "status": PENDING, "attempt": 0, "provider_message_id": ""}
    emails = dict.fromkeys(address.email for address in message.recipients)
    connection.execute(_RECIPIENT, [{**blank, "email": email} for email in emails])
    return message.id


def check_key(key: str | None) -> str | None:
    """
    Return an idempotency key that can be stored.

    Raises:
        ValueError: If it is empty or too long.
    """
    if key is not None and not 0 < len(key) <= MAX_KEY:
        message = f"idempotency_key must have 1 to {MAX_KEY} characters, not {len(key)}"
        raise ValueError(message)
    return key


def _insert_new(connection: Connection, row: dict[str, Any], *, waits: bool) -> int | None:
    """
    Insert *row* unless its id or key is taken, without harm to the transaction.

    Where it *waits* for its time, it gets no turn yet.
    """
    dialect, sender = connection.dialect.name, row["sender"]
    more: dict[str, Any]
    if waits:
        statement, more = _MAIL.get(dialect, _MAIL_ELSEWHERE), {"turn": None}
    elif dialect in _MAIL_IN_TURN:
        statement, more = _MAIL_IN_TURN[dialect], {SENDER: sender}
    else:
        statement, more = _MAIL_ELSEWHERE, {"turn": next_turn(connection, sender)}
    result = connection.execute(statement, row | more)
    key: Any = result.inserted_primary_key if result.rowcount else None
    return None if key is None else key[0]


def _same(connection: Connection, message: Message, key: str | None, digest: str) -> str:
    """
    The mail that has the id or the key already, if it is the same.
    """
    taken = [mails.c.id == message.id]
    if key is not None:
        taken.append(mails.c.idempotency_key == key)
    found = connection.execute(select(mails.c.id, mails.c.digest).where(or_(*taken))).all()
    for mail_id, other in found:
        if other != digest:
            what = f"id {message.id!r}" if mail_id == message.id else f"idempotency key {key!r}"
            text = (
                f"the {what} belongs to another mail, {mail_id!r}, which was added before: "
                "use a new one for each mail"
            )
            raise IdempotencyConflict(text, mail_id=mail_id)
    earlier: str = found[0].id
    return earlier
