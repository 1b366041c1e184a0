"""
The service's own tables: its API keys, what they have used, and who posted which mail.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, String, Table, Text

from mailfailover._sql.database import UTC
from mailfailover._sql.schema import Part

_metadata = MetaData()

keys = Table(
    "mailfailover_keys",
    _metadata,
    Column("id", String(16), primary_key=True),
    Column("name", String(64), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("created", UTC, nullable=False),
    Column("revoked", UTC),
    Column("rules", Text, nullable=False),
)
usage = Table(
    "mailfailover_key_usage",
    _metadata,
    Column("key", String(16), primary_key=True),
    Column("period", Integer, primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("used", Integer, nullable=False),
)
posts = Table(
    "mailfailover_posts",
    _metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("mail", String(64), nullable=False, unique=True),
    Column("key", String(16), nullable=False),
    Column("callback_url", Text, nullable=False),
    Index("mailfailover_posts_key", "key", "number"),
)
secrets = Table(
    "mailfailover_service_secrets",
    _metadata,
    Column("name", String(32), primary_key=True),
    Column("value", String(64), nullable=False),
)
PART = Part("service", 1, _metadata, "mailfailover keys")
