"""
The recipients of a mail who must not get it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete
from sqlalchemy.exc import SQLAlchemyError

from mailfailover._sql.database import reading
from mailfailover.errors import AllProvidersFailed
from mailfailover.suppression._entry import Reason, SuppressionState
from mailfailover.suppression._origins import origin_of_row
from mailfailover.suppression._rows import entry_of, find_rows, row_of, store
from mailfailover.suppression._rules import Scope, scope_of
from mailfailover.suppression._tables import suppressions

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Engine, Row

    from mailfailover._message.message import Message
    from mailfailover.suppression._origins import Origins

# Of several entries for an address, report the last.
_ORDER = (
    Reason.MANUAL,
    Reason.SUPPRESSED,
    Reason.BOUNCED,
    Reason.UNSUBSCRIBED,
    Reason.COMPLAINED,
)
_SUPPRESSED = str(SuppressionState.SUPPRESSED)


class Held(str):
    """
    The reason why an address gets no mail for some days.

    Attributes:
        retry_after: Seconds until it does.
    """

    __slots__ = ("retry_after",)

    retry_after: float


def find(
    engine: Engine, tracking: Origins | None, message: Message, now: datetime
) -> dict[str, str]:
    """
    Return the recipients of *message* who must not get it, with the reason for each.

    The reason of an address that is held is a :class:`Held`.

    Raises:
        AllProvidersFailed: If that cannot be read: then nothing is sent.
    """
    spelled = defaultdict(list)
    for one in message.recipients:
        spelled[one.email.lower()].append(one.email)
    domain = "" if message.from_email is None else message.from_email.domain
    mail = Scope(message.stream, domain)
    try:
        with reading(engine) as connection:
            rows = list(find_rows(connection, spelled, now))
        held = [row for row in rows if _scope(engine, tracking, row).covers(mail)]
    except SQLAlchemyError as exc:
        text = (
            f"the list of suppressions could not be read ({type(exc).__name__}), so nothing "
            "was sent: is its database up, and did `mailfailover suppressions init` run?"
        )
        raise AllProvidersFailed(text) from None
    held.sort(key=_weight)
    return {email: _reason(row, now) for row in held for email in spelled[row.email]}


def _weight(row: Row[Any]) -> tuple[bool, int]:
    return row.state == _SUPPRESSED, _ORDER.index(Reason(row.reason))


def _reason(row: Row[Any], now: datetime) -> str:
    if row.state == _SUPPRESSED or row.expires is None:
        return str(row.reason)
    reason = Held(row.state)
    reason.retry_after = (row.expires - now).total_seconds()
    return reason


def _scope(engine: Engine, tracking: Origins | None, row: Row[Any]) -> Scope:
    """
    Return what a row holds for; one whose mail became known since holds for less from now on.
    """
    scope = Scope(row.stream, row.from_domain)
    mail = origin_of_row(row, tracking) if row.is_open else None
    if mail is None:
        return scope
    entry = entry_of(row)
    scope = scope_of(entry.reason, mail)
    with engine.begin() as connection:
        scoped = replace(entry, **scope._asdict())
        store(connection, row_of(scoped, evidence=row.evidence))
        connection.execute(delete(suppressions).where(suppressions.c.key == row.key))
    return scope
