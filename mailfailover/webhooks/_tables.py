"""
The tables of webhooks: which came before, and which calls of ours are still to be made.
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, MetaData, Table, Text

from mailfailover._sql.database import UTC, exact_text
from mailfailover._sql.schema import Part

metadata = MetaData()

replays = Table(
    "webhook_replays",
    metadata,
    Column("token", exact_text(64), primary_key=True),
    Column("until", UTC, nullable=False, index=True),
)

callbacks = Table(
    "webhook_callbacks",
    metadata,
    # The same for each repetition of an event: an event that a vendor repeats is one call.
    Column("id", exact_text(64), primary_key=True),
    Column("url", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("created", UTC, nullable=False),
    Column("due", UTC, nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("dead", Boolean, nullable=False, default=False),
    Column("detail", Text, nullable=False, default=""),
    Index("webhook_callbacks_due", "dead", "due"),
)

PART = Part("webhooks", 1, metadata, "mailfailover webhooks")
