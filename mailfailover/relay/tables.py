"""
The relay's own table: of each mail, to whom a bounce goes and what is to be reported.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, MetaData, String, Table, Text

from mailfailover._sql.database import UTC
from mailfailover._sql.schema import Part

_metadata = MetaData()

submissions: Table = Table(
    "mailfailover_submissions",
    _metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("mail", String(64), nullable=False, unique=True),
    Column("sender", Text, nullable=False),
    Column("wishes", Text, nullable=False),
    Column("header", Text, nullable=False),
    Column("created", UTC, nullable=False),
)
PART = Part("relay", 1, _metadata, "mailfailover relay")
