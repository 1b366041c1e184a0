"""
The tables of suppressions, and of the bounces and deliveries that they are judged by.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Boolean, Column, Index, Integer, MetaData, String, Table, Text

from mailfailover._sql.database import UTC, exact_text
from mailfailover._sql.schema import Part, add_column

if TYPE_CHECKING:
    from sqlalchemy import Connection

metadata = MetaData()

ID_LENGTH = 64
RECEIVER_LENGTH = 255


suppressions = Table(
    "suppressions",
    metadata,
    Column("key", String(64), primary_key=True),  # made of what makes it another entry
    Column("email", exact_text(320), nullable=False, index=True),
    Column("reason", String(16), nullable=False),
    Column("state", String(16), nullable=False, server_default="suppressed"),
    Column("stream", Text, nullable=False),
    Column("from_domain", exact_text(255), nullable=False),
    Column("source", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("created", UTC, nullable=False),
    Column("expires", UTC, index=True),
    # The mail that an event was of, as long as nobody knows it: then it holds for everything.
    Column("is_open", Boolean, nullable=False),
    Column("mail_id", exact_text(ID_LENGTH), nullable=False),
    Column("provider_message_id", Text, nullable=False),
    # The key of the bounce that it follows from, "" where it follows from none.
    Column("evidence", exact_text(64), nullable=False, server_default=""),
)
bounces = Table(
    "suppression_bounces",
    metadata,
    Column("key", String(64), primary_key=True),  # the same in each repetition of a bounce
    Column("email", exact_text(320), nullable=False, index=True),
    Column("receiver", exact_text(RECEIVER_LENGTH), nullable=False),
    Column("standing", String(16), nullable=False),
    Column("is_listing", Boolean, nullable=False),
    Column("is_surprise", Boolean, nullable=False),  # of an address that seemed to be alive
    Column("at", UTC, nullable=False),
    Column("received", UTC, nullable=False),
    Column("told", UTC),  # when it happened, as the vendor says it
    Column("mail", exact_text(64), nullable=False),
    Column("reason", String(16), nullable=False),
    Column("from_domain", exact_text(255), nullable=False),
    Column("source", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("expires", UTC),
    Column("mail_id", exact_text(ID_LENGTH), nullable=False),
    Column("provider_message_id", Text, nullable=False),
    Index("suppression_bounces_receiver", "receiver", "at"),
)
deliveries = Table(
    "suppression_deliveries",
    metadata,
    Column("address", String(64), primary_key=True),  # a hash: addresses need not be kept here
    Column("receiver", exact_text(RECEIVER_LENGTH), nullable=False),
    Column("last", UTC, nullable=False),
    Column("mail", exact_text(64), nullable=False),  # the mail that was delivered last
    Column("earlier", UTC),  # the last delivery of another mail
    Index("suppression_deliveries_receiver", "receiver", "last"),
)
quarantines = Table(
    "suppression_quarantines",
    metadata,
    Column("receiver", exact_text(RECEIVER_LENGTH), primary_key=True),
    Column("since", UTC, nullable=False),
    Column("seen", UTC, nullable=False),  # when the receiver was last found ill
    Column("addresses", Integer, nullable=False),
)


def _add_evidence(connection: Connection) -> None:
    add_column(connection, suppressions.c.state)
    add_column(connection, suppressions.c.evidence)
    metadata.create_all(connection, tables=[bounces, deliveries, quarantines])


PART = Part("suppressions", 2, metadata, "mailfailover suppressions", upgrades={1: _add_evidence})
