"""
The log of bounces, and the entries that follow from it.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select, update

from mailfailover._sql.rows import fit, insert_new
from mailfailover.suppression._delivery_rows import delivery_times
from mailfailover.suppression._entry import Reason, Suppression, SuppressionState
from mailfailover.suppression._rows import row_of, store
from mailfailover.suppression._sentence import Bounce, Sentence, Standing, sentences
from mailfailover.suppression._tables import (
    ID_LENGTH,
    RECEIVER_LENGTH,
    bounces,
    suppressions,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row

_MOST = 100
"""How many bounces of one address are looked at, the latest."""

_RANK = {
    SuppressionState.QUARANTINED: 0,
    SuppressionState.HELD: 1,
    SuppressionState.SUPPRESSED: 2,
}
_TEXTS = ("email", "from_domain", "source", "detail", "provider_message_id", "mail", "key")


def digest(*parts: str) -> str:
    """
    Return what stands for *parts*, and for nothing else.
    """
    return sha256("\n".join(parts).encode("utf-8", "replace")).hexdigest()


def insert_bounce(connection: Connection, bounce: Bounce, *, is_surprise: bool) -> bool:
    """
    Write *bounce*; return whether it is new.
    """
    row: dict[str, Any] = {name: getattr(bounce, name) for name in Bounce.__slots__}
    row |= {name: fit(row[name]) for name in _TEXTS}
    row |= {
        "receiver": fit(bounce.receiver, RECEIVER_LENGTH),
        "mail_id": fit(bounce.mail_id, ID_LENGTH),
        "reason": str(bounce.reason),
        "standing": str(bounce.standing),
        "is_surprise": is_surprise,
    }
    return insert_new(connection, bounces, row)


def read_bounces(connection: Connection, email: str) -> list[Bounce]:
    """
    Return the latest bounces of an address.
    """
    query = select(bounces).where(bounces.c.email == email)
    rows = connection.execute(query.order_by(bounces.c.at.desc()).limit(_MOST))
    return list(map(bounce_of, rows))


def bounce_of(row: Row[Any]) -> Bounce:
    """
    Return the bounce of a row.
    """
    values = {name: getattr(row, name) for name in Bounce.__slots__}
    values |= {"reason": Reason(row.reason), "standing": Standing(row.standing)}
    return Bounce(**values)


def lift(connection: Connection, email: str, **wanted: str | None) -> None:
    """
    Let the bounces of an address count no more, or those with these values.
    """
    where = [bounces.c[name] == str(one) for name, one in wanted.items() if one is not None]
    values = {"standing": str(Standing.LIFTED)}
    connection.execute(update(bounces).where(bounces.c.email == email, *where).values(**values))


def judge_again(connection: Connection, email: str) -> None:
    """
    Make the entries of an address those that follow from its bounces now.
    """
    judge(connection, read_bounces(connection, email), delivery_times(connection, email))


def judge(
    connection: Connection, known: Sequence[Bounce], times: Sequence[datetime], *, new: int = 0
) -> None:
    """
    Make the entries of an address those that follow from its *known* bounces and deliveries.

    Args:
        connection: The database.

        known: All bounces of one address.

        times: When it was last delivered to.

        new: How many of the bounces, the last ones, nothing follows from yet.
    """
    if old := [one.key for one in known[: len(known) - new]]:
        email = known[0].email
        entries = suppressions.c.email == email, suppressions.c.evidence.in_(old)
        connection.execute(delete(suppressions).where(*entries))
    rows = map(_row, _strongest(list(sentences(known, times))))
    if unique := {row["key"]: row for row in sorted(rows, key=_later)}:
        store(connection, *unique.values())


def _strongest(found: Sequence[Sentence]) -> Iterator[Sentence]:
    """
    Yield the sentences beside which no stronger one holds for the same mails.
    """
    for one in found:
        stronger = (other for other in found if _RANK[other.state] > _RANK[one.state])
        if not any(other.bounce.from_domain in ("", one.bounce.from_domain) for other in stronger):
            yield one


def _row(sentence: Sentence) -> dict[str, Any]:
    bounce = sentence.bounce
    entry = Suppression(
        email=bounce.email,
        reason=bounce.reason,
        from_domain=bounce.from_domain,
        source=bounce.source,
        detail=bounce.detail,
        created=bounce.at,
        expires=sentence.until,
        state=sentence.state,
    )
    return row_of(entry, bounce.mail_id, bounce.provider_message_id, bounce.key)


def _later(row: dict[str, Any]) -> tuple[bool, Any]:
    """
    Sort rows so that the one that holds longest comes last.
    """
    expires = row["expires"]
    return expires is None, 0.0 if expires is None else expires.timestamp()
