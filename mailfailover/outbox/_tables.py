"""
The tables of the outbox.

A mail that waits for a time has a ``due``, whatever its state: a scheduled or repeated mail, a
lease that ends, an unknown outcome, a finished mail that is to be forgotten. What only waits
for a worker has a ``turn`` instead, in a ``lane`` and a ``flow`` (see ``_turns``). So two small
indexes find all there is to do, and neither grows with what is done.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects import mysql

from mailfailover._sql.database import UTC, exact_text
from mailfailover._sql.schema import Part, versions
from mailfailover._values.face import published_in

if TYPE_CHECKING:
    from sqlalchemy import Connection

METADATA = MetaData()


@published_in("mailfailover.outbox")
class State(StrEnum):
    """
    The state of a mail in the outbox.

    .. versionadded:: 0.1.0
    """

    PENDING = "pending"
    """Waits for its time, or for a worker."""

    LEASED = "leased"
    """A worker took it; no provider was called yet."""

    SENDING = "sending"
    """A provider is being called; the attempt is written down."""

    SENT = "sent"
    """A provider accepted it."""

    UNKNOWN = "unknown"
    """May have been sent; an event, a repetition or the operator settles it."""

    DEAD = "dead"
    """Given up, for the reason that the mail names."""


FINISHED = (State.SENT, State.DEAD)


class Lane(IntEnum):
    """
    The lane of a mail. Mails of a lower lane go first, whatever their turns.
    """

    SOON = 0
    """A person waits for the mail."""

    BULK = 1

    ALONE = 2
    """The worker died during the send, so the next send has no other mails beside it."""


STREAM_LENGTH = 160
FLOW_LENGTH = 512


def _only(column: str) -> dict[str, Any]:
    """
    The options of an index that leaves out rows without a value, where the database can.
    """
    condition = text(f"{column} IS NOT NULL")
    return {"postgresql_where": condition, "sqlite_where": condition}


_NUMBER = BigInteger().with_variant(Integer, "sqlite")  # the rowid, which is 64 bits wide too

mails: Table = Table(
    "outbox_mails",
    METADATA,
    Column("number", _NUMBER, primary_key=True),
    Column("id", exact_text(64), nullable=False, unique=True),
    Column("state", String(8), nullable=False),
    Column("lane", SmallInteger, nullable=False),
    Column("flow", exact_text(FLOW_LENGTH), nullable=False),  # its stream and sender
    Column("stream", exact_text(STREAM_LENGTH), nullable=False),
    Column("sender", exact_text(320), nullable=False),
    Column("merge", Boolean, nullable=False),
    Column("created", UTC, nullable=False),
    Column("expires", UTC),  # it is not sent after that
    Column("due", UTC),
    Column("turn", BigInteger),  # below 0 while it is leased: then -1 - its turn
    Column("token", Integer, nullable=False),  # counts the leases: that of the last one
    Column("owner", String(128), nullable=False),  # the worker that holds the lease
    Column("tries", Integer, nullable=False),
    Column("lost", Integer, nullable=False),  # how many workers died while they sent it alone
    Column("blocked", UTC),  # since when it waits for a provider that is away
    Column("blocked_by", Text, nullable=False),
    Column("idempotency_key", exact_text(255), unique=True),
    Column("digest", String(64), nullable=False),
    Column("provider", String(255), nullable=False),
    Column("provider_message_id", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("possible_duplicate", Boolean, nullable=False),
    Column("finished", UTC),
    Index("outbox_mails_turn", "lane", "turn", "number", **_only("turn")),
    Index("outbox_mails_flow", "flow", "turn", **_only("turn")),
    Index("outbox_mails_due", "due", **_only("due")),
    Index("outbox_mails_blocked", "blocked", **_only("blocked")),
    Index("outbox_mails_state", "state", "number"),
)

bodies: Table = Table(
    "outbox_bodies",
    METADATA,
    Column("mail", BigInteger, primary_key=True, autoincrement=False),
    Column(
        "content", LargeBinary().with_variant(mysql.LONGBLOB, "mysql", "mariadb"), nullable=False
    ),
)

recipients: Table = Table(
    "outbox_recipients",
    METADATA,
    Column("mail", BigInteger, primary_key=True, autoincrement=False),
    Column("email", exact_text(320), primary_key=True),
    Column("status", String(10), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("provider_message_id", Text, nullable=False),
)

attempts: Table = Table(
    "outbox_attempts",
    METADATA,
    Column("mail", BigInteger, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("provider", String(255), nullable=False),
    Column("started", UTC, nullable=False),
    Column("duration", Float),
    Column("stage", String(16), nullable=False),
    Column("outcome", String(64), nullable=False),
    Column("in_doubt", Boolean, nullable=False),  # it may have sent the mail, or be about to
    Column("error", Text, nullable=False),
    Column("status_code", Integer),
    Column("provider_message_id", Text, nullable=False),
)

watches: Table = Table(
    "outbox_watches",
    METADATA,
    Column("mail", BigInteger, primary_key=True, autoincrement=False),
    Column("provider", String(255), nullable=False),  # who accepted it
    Column("seconds", Float, nullable=False),  # within which it should be delivered
    Column("due", UTC, nullable=False),  # when it is looked at
    Column("until", UTC, nullable=False),  # it is not sent again after that
    Column("looked", Boolean, nullable=False),  # it was late; now it matters how its provider is
    Column("token", Integer, nullable=False),  # counts the looks: that of the last one
    Index("outbox_watches_due", "looked", "due"),
)
"""The mails that were accepted, and go once more if they are not delivered in time."""


def _add_watches(connection: Connection) -> None:
    watches.create(connection)


PART = Part("outbox", 2, METADATA, "mailfailover outbox", upgrades={1: _add_watches})

metadata: MetaData = MetaData()
"""
All tables that an outbox needs, for those who make them by migrations of their own (Alembic).

.. versionadded:: 0.1.0
"""
for _table in (*METADATA.sorted_tables, versions):
    _table.to_metadata(metadata)
