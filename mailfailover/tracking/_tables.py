"""
The tables of tracking.

Nothing in them is derived: how a mail and its recipients stand is told of the rows when it is
asked. So an event that comes before its mail is recorded needs no repair later.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Integer,
    MetaData,
    Table,
    Text,
)

from mailfailover._sql.database import UTC, exact_text
from mailfailover._sql.schema import Part

metadata = MetaData()
_number = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts up only plain integers
_json = JSON(none_as_null=True)

ID_LENGTH = 255
"""Of a vendor's message id; longer ones are cut, here and where they are looked up."""

ADDRESS_LENGTH = 320

mails = Table(
    "tracking_mails",
    metadata,
    Column("mail_id", exact_text(64), primary_key=True),
    Column("recorded", UTC, nullable=False, index=True),
    Column("stream", Text, nullable=False),
    Column("sender", Text, nullable=False),
    Column("outcome", exact_text(16), nullable=False),
    Column("provider", exact_text(255), nullable=False),
    Column("provider_message_id", exact_text(ID_LENGTH), nullable=False),
    Column("possible_duplicate", Boolean, nullable=False),
    Column("error", Text, nullable=False),
    Column("attempts", _json, nullable=False),
    Column("content", _json),
    Column("is_counted", Boolean, nullable=False),  # among those whose delivery is waited for
    Column("is_purged", Boolean, nullable=False),  # of its addresses
)
recipients = Table(
    "tracking_recipients",
    metadata,
    Column("mail_id", exact_text(64), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("address", exact_text(ADDRESS_LENGTH), nullable=False),
    Column("state", exact_text(16), nullable=False),
    Column("provider", exact_text(255), nullable=False),
    Column("provider_message_id", exact_text(ID_LENGTH), nullable=False, index=True),
)
events = Table(
    "tracking_events",
    metadata,
    Column("number", _number, primary_key=True),
    Column("key", exact_text(64), unique=True),  # the same in each repetition; None when purged
    Column("mail_id", exact_text(64), nullable=False, index=True),
    Column("provider", exact_text(255), nullable=False),
    Column("provider_message_id", exact_text(ID_LENGTH), nullable=False, index=True),
    Column("recipient", exact_text(ADDRESS_LENGTH), nullable=False, index=True),
    Column("type", exact_text(16), nullable=False),
    Column("timestamp", UTC, nullable=False),
    Column("received", UTC, nullable=False, index=True),
    Column("details", _json, nullable=False),
    Column("raw", _json),
)
counts = Table(
    "tracking_counts",
    metadata,
    Column("slice", BigInteger, primary_key=True, autoincrement=False),
    Column("provider", exact_text(255), primary_key=True),
    Column("what", exact_text(16), primary_key=True),
    Column("shard", Integer, primary_key=True, autoincrement=False),  # who writes seldom waits
    Column("number", Integer, nullable=False),
)


PART = Part("tracking", 1, metadata, "mailfailover tracking")
