"""
The table of suppressions.
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, MetaData, String, Table, Text

from mailfailover._sql.database import UTC, exact_text
from mailfailover._sql.schema import Part

metadata = MetaData()

ID_LENGTH = 64


suppressions = Table(
    "suppressions",
    metadata,
    Column("key", String(64), primary_key=True),  # made of what makes it another entry
    Column("email", exact_text(320), nullable=False, index=True),
    Column("reason", String(16), nullable=False),
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
)

PART = Part("suppressions", 1, metadata, "mailfailover suppressions")
