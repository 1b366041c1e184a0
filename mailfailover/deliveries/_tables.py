"""
The tables of deliveries: counts, and how each cell stands. They lie beside those of tracking.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, Integer, MetaData, Table, Text

from mailfailover._sql.database import exact_text
from mailfailover._sql.schema import Part
from mailfailover.deliveries._counts import OF_WEBHOOKS, OUTCOMES

metadata = MetaData()

COLUMNS = {what: f"within_{what}" if what.isdigit() else what for what in (*OUTCOMES, *OF_WEBHOOKS)}
"""The column of each number that is counted."""

counts = Table(
    "delivery_counts",
    metadata,
    Column("slice", BigInteger, primary_key=True, autoincrement=False),
    Column("link", exact_text(255), primary_key=True),
    Column("receiver", exact_text(255), primary_key=True),
    Column("changed", BigInteger, nullable=False, index=True),  # in which turn of the judge
    *(Column(name, BigInteger, nullable=False) for name in COLUMNS.values()),
)
cells = Table(
    "delivery_cells",
    metadata,
    Column("link", exact_text(255), primary_key=True),
    Column("receiver", exact_text(255), primary_key=True),
    Column("state", exact_text(16), nullable=False),
    Column("since", Float, nullable=False),
    Column("detail", Text, nullable=False),
    Column("delivered", Integer, nullable=False),
    Column("late", Integer, nullable=False),
    Column("blocked", Integer, nullable=False),
    Column("unheard", Integer, nullable=False),
    Column("usual", Float, nullable=False),
)
turns = Table(
    "delivery_turns",
    metadata,
    Column("name", exact_text(32), primary_key=True),
    Column("at", Float, nullable=False),
    Column("number", BigInteger, nullable=False),
)
"""When something was last done that one process does for all, and how often it was."""

links = Table(
    "delivery_links",
    metadata,
    Column("link", exact_text(255), primary_key=True),
    Column("first", Float, nullable=False),
)
"""When a link got its first mail, from which its warm-up counts."""

receivers = Table(
    "delivery_receivers",
    metadata,
    Column("receiver", exact_text(255), primary_key=True),
    Column("since", Float, nullable=False),
)
"""From when on the mails of a domain are counted by themselves."""

PART = Part("deliveries", 1, metadata, "mailfailover deliveries")
