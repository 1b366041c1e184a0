"""
The tables of deliveries: counts, and how each cell stands. They lie beside those of tracking.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, Integer, MetaData, Table, Text

from mailfailover._sql.database import exact_text
from mailfailover._sql.schema import Part

metadata = MetaData()

counts = Table(
    "delivery_counts",
    metadata,
    Column("slice", BigInteger, primary_key=True, autoincrement=False),
    Column("link", exact_text(255), primary_key=True),
    Column("receiver", exact_text(255), primary_key=True),
    Column("what", exact_text(16), primary_key=True),
    Column("number", Integer, nullable=False),
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
)
"""When something was last done that one process does for all."""

links = Table(
    "delivery_links",
    metadata,
    Column("link", exact_text(255), primary_key=True),
    Column("first", Float, nullable=False),
)
"""When a link got its first mail, from which its warm-up counts."""

PART = Part("deliveries", 1, metadata, "mailfailover deliveries")
