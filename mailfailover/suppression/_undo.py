"""
The undoing of a wrong day: bounces are taken back, and what followed from them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select, update

from mailfailover.errors import ConfigurationError
from mailfailover.suppression._bounce_rows import judge_again
from mailfailover.suppression._entry import Reason, Suppression, SuppressionState
from mailfailover.suppression._rows import BATCH, entry_of
from mailfailover.suppression._sentence import Standing
from mailfailover.suppression._tables import bounces, suppressions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sqlalchemy import Column, ColumnElement, Connection, Row

_REASONS = (str(Reason.BOUNCED), str(Reason.SUPPRESSED))
_HARMLESS = str(SuppressionState.QUARANTINED)


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongDay:
    """
    The wrong bounces of a receiver.

    Attributes:
        domain: The domain of the addresses, or the name of their receiver; "" for every one.

        since, until: Between which times; None for any.

        response: A part of what the receiver answered; "" for any.

    Raises:
        ConfigurationError: If it means nothing.
    """

    domain: str = ""
    since: datetime | None = None
    until: datetime | None = None
    response: str = ""

    def __post_init__(self) -> None:
        if not any((self.domain, self.since, self.until, self.response)):
            message = "undo needs to know which bounces are wrong: give domain, since or response"
            raise ConfigurationError(message)
        for name in ("since", "until"):
            given = getattr(self, name)
            if given is not None and given.tzinfo is None:
                message = f"{name} has no time zone: use datetime(..., tzinfo=UTC)"
                raise ConfigurationError(message)
        if self.since is not None and self.until is not None and self.since >= self.until:
            message = f"since must be before until, not {self.since} and {self.until}"
            raise ConfigurationError(message)

    def between(self, column: Column[datetime]) -> Iterator[ColumnElement[bool]]:
        """
        Yield the conditions that a time has to fulfil.
        """
        if self.since is not None:
            yield column >= self.since.astimezone(UTC)
        if self.until is not None:
            yield column < self.until.astimezone(UTC)

    def means(self, row: Row[Any], receiver_of: Callable[[str], str]) -> bool:
        """
        Whether a row is about such an address, with such an answer.
        """
        domain = row.email.rpartition("@")[2]
        is_there = not self.domain or self.domain.lower() in (domain, receiver_of(domain))
        return is_there and self.response.lower() in row.detail.lower()


def undo(
    connection: Connection, wrong: WrongDay, receiver_of: Callable[[str], str]
) -> list[Suppression]:
    """
    Take back what *wrong* means; return the entries that keep mail back no more, or not for ever.
    """

    def find(table: Any, time: Any, *where: Any) -> list[Row[Any]]:
        query = select(table).where(table.c.reason.in_(_REASONS), *wrong.between(time), *where)
        rows = connection.execute(query, execution_options={"yield_per": BATCH})
        return [row for row in rows if wrong.means(row, receiver_of)]

    told = find(bounces, bounces.c.at, bounces.c.standing != str(Standing.LIFTED))
    entries = find(suppressions, suppressions.c.created, suppressions.c.state != _HARMLESS)
    emails = sorted({row.email for row in told} | {row.email for row in entries})
    before = list(_kept_back(connection, emails))
    for part in _batches(row.key for row in told):
        values = {"standing": str(Standing.LIFTED)}
        connection.execute(update(bounces).where(bounces.c.key.in_(part)).values(**values))
    for part in _batches(row.key for row in entries):
        connection.execute(delete(suppressions).where(suppressions.c.key.in_(part)))
    for email in emails:
        judge_again(connection, email)
    after = set(map(_effect, _kept_back(connection, emails)))
    return [entry for entry in before if _effect(entry) not in after]


def _kept_back(connection: Connection, emails: Iterable[str]) -> Iterator[Suppression]:
    for part in _batches(emails):
        query = select(suppressions).where(
            suppressions.c.email.in_(part),
            suppressions.c.reason.in_(_REASONS),
            suppressions.c.state != _HARMLESS,
        )
        order = suppressions.c.email, suppressions.c.created
        yield from map(entry_of, connection.execute(query.order_by(*order)))


def _effect(entry: Suppression) -> tuple[Any, ...]:
    return entry.email, entry.reason, entry.state, entry.stream, entry.from_domain, entry.expires


def _batches(values: Iterable[str]) -> Iterator[list[str]]:
    found = list(values)
    for start in range(0, len(found), BATCH):
        yield found[start : start + BATCH]
