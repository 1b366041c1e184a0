"""
The intake of the outbox: each mail once, and in its turn.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import insert, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from mailfailover.errors import IdempotencyConflict, InvalidMessage
from mailfailover.outbox._body import write_body
from mailfailover.outbox._tables import STREAM_LENGTH, State, bodies, mails, recipients
from mailfailover.outbox._turns import NEXT_TURN, Turns, parameters, place_of
from mailfailover.outbox._views import PENDING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from mailfailover._message.message import Message
    from mailfailover.outbox._seal import Seal
    from mailfailover.outbox._turns import Place

MAX_KEY = 255

LIFETIME = timedelta(days=5)
"""How long a mail that does not say it is tried, as mail servers do (RFC 5321, 4.5.4.1)."""

_BATCH = 500
"""How many ids one query names."""

# Written once: to build a statement with its values costs as much as all else that `add` does.
_MAIL: Mapping[str, Any] = {
    "postgresql": postgresql.insert(mails).on_conflict_do_nothing(),
    "sqlite": sqlite.insert(mails).on_conflict_do_nothing(),
}
_MAIL_ELSEWHERE = insert(mails).prefix_with("IGNORE")
# The same where its turn is found out on the way. MariaDB reads no table that it inserts into.
_MAIL_IN_TURN = {name: statement.values(turn=NEXT_TURN) for name, statement in _MAIL.items()}
_PLAIN_MAIL = insert(mails)
_NUMBERED_MAIL = _PLAIN_MAIL.returning(mails.c.number, sort_by_parameter_order=True)
_BODY = insert(bodies)
_RECIPIENT = insert(recipients)


class Entry(NamedTuple):
    """
    A message and its idempotency key.
    """

    message: Message
    key: str | None


class Draft(NamedTuple):
    """
    The rows of a mail that has no number and no turn yet.
    """

    row: dict[str, Any]
    place: Place
    content: bytes
    emails: tuple[str, ...]
    waits: bool
    """Whether it waits for its time."""

    @classmethod
    def of(cls, entry: Entry, now: datetime, seal: Seal) -> Draft:
        """
        Write *entry* down.

        Raises:
            InvalidMessage: If it has no recipient, or an attachment cannot be read.
        """
        message = entry.message
        emails = tuple(dict.fromkeys(address.email for address in message.recipients))
        if not emails:
            text = "to is empty: name at least one recipient"
            raise InvalidMessage(text, field="to")
        content, digest = write_body(message, seal)
        sender = "" if message.from_email is None else message.from_email.email.lower()
        place = place_of(message, sender)
        start = now if message.send_at is None else max(now, message.send_at)
        waits = start > now
        row = {
            "id": message.id,
            "state": State.PENDING,
            "lane": place.lane,
            "flow": place.flow,
            "stream": message.stream[:STREAM_LENGTH],
            "sender": sender,
            "merge": message.is_merge,
            "created": now,
            "expires": message.expires or start + LIFETIME,
            "due": start if waits else None,
            "token": 0,
            "owner": "",
            "tries": 0,
            "lost": 0,
            "blocked_by": "",
            "idempotency_key": entry.key,
            "digest": digest,
            "provider": "",
            "provider_message_id": "",
            "reason": "",
            "possible_duplicate": False,
            "finished": None,
        }
        return cls(row, place, content, emails, waits)


def store(connection: Connection, entry: Entry, now: datetime, seal: Seal) -> str:
    """
    Write a mail into the tables and return its id, or that of the same mail stored before.

    Raises:
        InvalidMessage: If it has no recipient, or an attachment cannot be read.
        IdempotencyConflict: If its key, or its id, belongs to another mail.
    """
    return _store(connection, Draft.of(entry, now, seal))


def store_many(
    connection: Connection, entries: Iterable[Entry], now: datetime, seal: Seal
) -> list[str]:
    """
    Write many mails, with one statement for each table; return their ids as :func:`store` does.

    Raises:
        InvalidMessage, IdempotencyConflict: As :func:`store`, for any of them.
    """
    drafts = [Draft.of(entry, now, seal) for entry in entries]
    if len(drafts) > 1 and connection.dialect.name in _INSERTS and _are_new(connection, drafts):
        try:
            with connection.begin_nested():
                _INSERTS[connection.dialect.name](connection, drafts)
        except IntegrityError:  # another process added one of these mails at this moment
            pass
        else:
            return [draft.row["id"] for draft in drafts]
    return [_store(connection, draft) for draft in drafts]


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


def _store(connection: Connection, draft: Draft) -> str:
    number = _insert_new(connection, draft)
    if number is None:
        return _same(connection, draft.row)
    connection.execute(_BODY, {"mail": number, "content": draft.content})
    connection.execute(_RECIPIENT, _people(number, draft))
    mail_id: str = draft.row["id"]
    return mail_id


def _insert_new(connection: Connection, draft: Draft) -> int | None:
    """
    Insert a mail unless its id or key is taken, without harm to the transaction.

    Where it waits for its time, it gets no turn yet.
    """
    dialect, place = connection.dialect.name, draft.place
    row = dict(draft.row)
    if draft.waits:
        statement, row["turn"] = _MAIL.get(dialect, _MAIL_ELSEWHERE), None
    elif dialect in _MAIL_IN_TURN:
        statement = _MAIL_IN_TURN[dialect]
        row |= parameters(place)
    else:
        statement, row["turn"] = _MAIL_ELSEWHERE, Turns(connection).take(place)
    result = connection.execute(statement, row)
    key: Any = result.inserted_primary_key if result.rowcount else None
    return None if key is None else key[0]


def _insert_after_the_first(connection: Connection, drafts: Sequence[Draft]) -> None:
    """
    On SQLite, the writer of the first row holds the only write lock, so it knows the next numbers.
    """
    first = _insert_new(connection, drafts[0])
    if first is None:
        raise IntegrityError("INSERT", None, ValueError("the id or the key is taken"))
    rows = _in_turn(connection, drafts[1:])
    numbers = range(first, first + len(drafts))
    numbered = [row | {"number": number} for number, row in zip(numbers[1:], rows, strict=True)]
    connection.execute(_PLAIN_MAIL, numbered)
    _insert_rest(connection, numbers, drafts)


def _insert_and_ask(connection: Connection, drafts: Sequence[Draft]) -> None:
    """
    On a server, which tells the numbers that it gave.
    """
    numbers = connection.scalars(_NUMBERED_MAIL, _in_turn(connection, drafts)).all()
    _insert_rest(connection, numbers, drafts)


def _in_turn(connection: Connection, drafts: Iterable[Draft]) -> list[dict[str, Any]]:
    turns = Turns(connection)
    return [
        draft.row | {"turn": None if draft.waits else turns.take(draft.place)} for draft in drafts
    ]


def _insert_rest(connection: Connection, numbers: Sequence[int], drafts: Sequence[Draft]) -> None:
    both = tuple(zip(numbers, drafts, strict=True))
    connection.execute(_BODY, [{"mail": number, "content": one.content} for number, one in both])
    connection.execute(_RECIPIENT, [row for number, one in both for row in _people(number, one)])


def _people(number: int, draft: Draft) -> list[dict[str, Any]]:
    blank = {"mail": number, "status": PENDING, "attempt": 0, "provider_message_id": ""}
    return [{**blank, "email": email} for email in draft.emails]


def _are_new(connection: Connection, drafts: Sequence[Draft]) -> bool:
    """
    Whether no two of them, and none that is stored, have an id or a key in common.
    """
    for column in (mails.c.id, mails.c.idempotency_key):
        given = [value for one in drafts if (value := one.row[column.name]) is not None]
        if len(given) != len(set(given)):
            return False
        for start in range(0, len(given), _BATCH):
            query = select(mails.c.number).where(column.in_(given[start : start + _BATCH])).limit(1)
            if connection.scalar(query) is not None:
                return False
    return True


def _same(connection: Connection, row: Mapping[str, Any]) -> str:
    """
    The mail that has the id or the key already, if it is the same.
    """
    own_id, key = row["id"], row["idempotency_key"]
    taken = [mails.c.id == own_id]
    if key is not None:
        taken.append(mails.c.idempotency_key == key)
    found = connection.execute(select(mails.c.id, mails.c.digest).where(or_(*taken))).all()
    for mail_id, other in found:
        if other != row["digest"]:
            what = f"id {own_id!r}" if mail_id == own_id else f"idempotency key {key!r}"
            text = (
                f"the {what} belongs to another mail, {mail_id!r}, which was added before: "
                "use a new one for each mail"
            )
            raise IdempotencyConflict(text, mail_id=mail_id)
    earlier: str = found[0].id
    return earlier


_INSERTS = {"postgresql": _insert_and_ask, "sqlite": _insert_after_the_first}
"""By database, what writes many mails; others get them one by one."""
