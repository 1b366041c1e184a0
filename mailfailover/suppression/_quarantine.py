"""
The quarantine of a receiver that refuses many addresses which it took mail for before.

That is an outage of its own. Its bounces suppress nobody as long as it lasts, and those that came
shortly before it was found count for nothing either. It ends a day after the receiver was last
found ill. No outage lasts longer than :data:`LONGEST`: a domain that is gone for good is not ill,
and until it has taken another mail it is not quarantined again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import delete, exists, func, select, update

from mailfailover._sql.rows import insert_new
from mailfailover._values.face import published_in
from mailfailover.suppression._sentence import Standing
from mailfailover.suppression._tables import bounces, deliveries, quarantines

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row

LONGEST = timedelta(days=7)
AFTERWARDS = timedelta(days=1)
"""How long a quarantine lasts after the receiver was last found ill."""

_MARGIN = timedelta(hours=1)
_LOOK_EVERY = timedelta(minutes=10)
_WINDOWS = (timedelta(hours=1), timedelta(hours=6), timedelta(days=1))
_YEAR = timedelta(days=365)
_SHARE = 0.3
"""Of lists that were not mailed for a year, one address in ten bounces."""

_FEW = 5
_MANY = 10
_MOST = 1000
"""How many refused addresses are looked at, the latest."""


@published_in("mailfailover.suppression")
@dataclass(frozen=True, slots=True)
class Quarantine:
    """
    A receiver whose bounces suppress nobody at present.

    Attributes:
        receiver: The operator of the mailboxes, such as ``"gmail"``.

        since: Since when its bounces count for nothing.

        seen: When the receiver was last found ill.

        until: When that ends, unless the receiver goes on like that.

        addresses: How many addresses it refused by the time that it was found.

    .. versionadded:: 0.1.0
    """

    receiver: str
    since: datetime
    seen: datetime
    until: datetime
    addresses: int

    def to_dict(self) -> dict[str, str | int]:
        """
        Return it as JSON-safe data.
        """
        return {
            "receiver": self.receiver,
            "since": self.since.isoformat(),
            "seen": self.seen.isoformat(),
            "until": self.until.isoformat(),
            "addresses": self.addresses,
        }


class Sighting(NamedTuple):
    """
    A look that found a receiver ill, since when, and by how many addresses.
    """

    since: datetime
    addresses: int


def find_quarantine(connection: Connection, receiver: str, at: datetime) -> Quarantine | None:
    """
    Return the quarantine that a bounce at this time falls into.
    """
    found = _read(connection, receiver)
    return found if found is not None and found.since <= at < found.until else None


def read_quarantines(connection: Connection, now: datetime) -> list[Quarantine]:
    """
    Return those of now, by the names of their receivers.
    """
    query = select(quarantines).order_by(quarantines.c.receiver)
    return [one for one in map(_quarantine, connection.execute(query)) if one.until > now]


def look(connection: Connection, receiver: str, at: datetime) -> Sighting | None:
    """
    Look whether a receiver refused many addresses by *at*, None where nothing is wrong.

    Many are a large part of all addresses that it took mail for within a year. Where only some of
    these were mailed, many are a large part of those that it took mail for or refused of late; the
    refusals must go on for a while then, as they are often told faster than deliveries.
    """
    refused = _refused(connection, receiver, at)
    number = len(refused)
    if number >= _FEW and _has_few(connection, receiver, at - _YEAR, number / _SHARE):
        return Sighting(min(refused) - _MARGIN, number)
    for window in _WINDOWS:
        lately = [one for one in refused if one > at - window]
        if len(lately) < _MANY or at - min(lately) < window / 2:
            continue
        taken = len(lately) * (1 - _SHARE) / _SHARE
        if _has_few(connection, receiver, at - window, taken):
            return Sighting(min(lately) - _MARGIN, len(lately))
    return None


def begin(
    connection: Connection, receiver: str, at: datetime, sighting: Sighting
) -> Quarantine | None:
    """
    Begin a quarantine, None where there is one, or where the receiver never came back.
    """
    old = _read(connection, receiver)
    if old is not None and _stands_in_the_way(connection, old, at):
        return None
    connection.execute(delete(quarantines).where(quarantines.c.receiver == receiver))
    row = {"receiver": receiver, "seen": at, **sighting._asdict()}
    return _read(connection, receiver) if insert_new(connection, quarantines, row) else None


def go_on(connection: Connection, quarantine: Quarantine, at: datetime) -> bool:
    """
    Let a quarantine last, if its receiver is still ill; return whether it was looked at.

    The receiver is looked at once in :data:`_LOOK_EVERY`.
    """
    if at - quarantine.seen < _LOOK_EVERY:
        return False
    receiver = quarantine.receiver
    if look(connection, receiver, at) is not None:
        own = quarantines.c.receiver == receiver
        connection.execute(update(quarantines).where(own).values(seen=at))
    return True


def take_in(connection: Connection, quarantine: Quarantine) -> list[str]:
    """
    Let no bounce of a quarantine count; return the addresses that it is about.
    """
    own = (
        bounces.c.receiver == quarantine.receiver,
        bounces.c.at >= quarantine.since,
        bounces.c.standing == str(Standing.COUNTED),
    )
    query = select(bounces.c.email).where(*own).distinct().order_by(bounces.c.email)
    emails = list(connection.scalars(query))
    values = {"standing": str(Standing.QUARANTINED)}
    connection.execute(update(bounces).where(*own).values(**values))
    return emails


def _refused(connection: Connection, receiver: str, at: datetime) -> Sequence[datetime]:
    """
    Return when addresses of a receiver were refused that seemed to be alive.
    """
    query = (
        select(bounces.c.email, bounces.c.at)
        .where(
            bounces.c.receiver == receiver,
            bounces.c.is_surprise.is_(True),
            bounces.c.standing != str(Standing.LIFTED),
            bounces.c.at > at - _WINDOWS[-1],
            bounces.c.at <= at,
        )
        .order_by(bounces.c.at.desc())
        .limit(_MOST)
    )
    latest: dict[str, datetime] = {}
    for email, refused in connection.execute(query):
        latest.setdefault(email, refused)
    return list(latest.values())


def _has_few(connection: Connection, receiver: str, since: datetime, most: float) -> bool:
    """
    Whether the receiver took mail for no more addresses than *most* since then.
    """
    taken = select(deliveries.c.address).where(
        deliveries.c.receiver == receiver, deliveries.c.last >= since
    )
    count = select(func.count()).select_from(taken.limit(int(most) + 1).subquery())
    return (connection.scalar(count) or 0) <= most


def _stands_in_the_way(connection: Connection, old: Quarantine, at: datetime) -> bool:
    """
    Whether an earlier quarantine keeps the next one from beginning.

    A quarantine far in the future does not: a wrong clock began it.
    """
    if at < old.since - LONGEST:
        return False
    return at < old.until or not _took_mail(connection, old.receiver, old.seen)


def _took_mail(connection: Connection, receiver: str, since: datetime) -> bool:
    taken = deliveries.c.receiver == receiver, deliveries.c.last > since
    return bool(connection.scalar(select(exists().where(*taken))))


def _read(connection: Connection, receiver: str) -> Quarantine | None:
    query = select(quarantines).where(quarantines.c.receiver == receiver)
    row = connection.execute(query).one_or_none()
    return None if row is None else _quarantine(row)


def _quarantine(row: Row[Any]) -> Quarantine:
    until = min(row.seen + AFTERWARDS, row.since + LONGEST)
    return Quarantine(row.receiver, row.since, row.seen, until, row.addresses)
