"""
The last deliveries of each address: whether its receiver took mail for it, and when.

A server may take a mail and send it back later. So the mail is noted beside the delivery, and a
bounce of that mail takes the delivery back.
"""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import delete, exists, select, update

from mailfailover._sql.rows import fit, insert_new
from mailfailover.suppression._tables import RECEIVER_LENGTH, bounces, deliveries

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection, Row

_OFTEN = timedelta(hours=1)
"""Deliveries that follow within that say nothing new of an address that is well known."""


class Delivery(NamedTuple):
    """
    A mail that reached an address.
    """

    email: str
    receiver: str
    at: datetime
    mail: str


def is_news(connection: Connection, one: Delivery) -> bool:
    """
    Whether a delivery changes anything: not where its mail bounced since.
    """
    of_mail = exists().where(bounces.c.email == one.email, bounces.c.mail == one.mail)
    if one.mail and connection.scalar(select(of_mail)):
        return False
    held = _read(connection, one.email)
    is_fresh = held is not None and held.earlier is not None and one.at - held.last < _OFTEN
    return not is_fresh or has_bounces(connection, one.email)


def has_bounces(connection: Connection, email: str) -> bool:
    """
    Whether anything is known against an address.
    """
    return bool(connection.scalar(select(exists().where(bounces.c.email == email))))


def note(connection: Connection, one: Delivery) -> None:
    """
    Write a delivery down.
    """
    address = _address(one.email)
    new = {
        "address": address,
        "receiver": fit(one.receiver, RECEIVER_LENGTH),
        "last": one.at,
        "mail": one.mail,
        "earlier": None,
    }
    held = _read(connection, one.email)
    if held is None:
        insert_new(connection, deliveries, new)  # what another process noted meanwhile will do
        return
    values: dict[str, Any]
    if one.mail and one.mail == held.mail:
        values = {"last": max(one.at, held.last)}
    elif one.at >= held.last:
        values = {"earlier": held.last, "last": one.at, "mail": one.mail}
    else:
        values = {"earlier": max(one.at, held.earlier or one.at)}
    connection.execute(update(deliveries).where(deliveries.c.address == address).values(**values))


def take_back(connection: Connection, email: str, mail: str) -> list[datetime]:
    """
    Forget the delivery of a mail that bounced; return when the address was delivered to else.
    """
    held = _read(connection, email)
    if held is None or not mail or held.mail != mail:
        return _times(held)
    own = deliveries.c.address == held.address
    if held.earlier is None:
        connection.execute(delete(deliveries).where(own))
        return []
    values = {"last": held.earlier, "mail": "", "earlier": None}
    connection.execute(update(deliveries).where(own).values(**values))
    return [held.earlier]


def delivery_times(connection: Connection, email: str) -> list[datetime]:
    """
    Return when an address was last delivered to.
    """
    return _times(_read(connection, email))


def _times(row: Row[Any] | None) -> list[datetime]:
    return [] if row is None else [at for at in (row.last, row.earlier) if at is not None]


def _read(connection: Connection, email: str) -> Row[Any] | None:
    query = select(deliveries).where(deliveries.c.address == _address(email))
    return connection.execute(query).one_or_none()


def _address(email: str) -> str:
    return sha256(email.encode("utf-8", "replace")).hexdigest()
