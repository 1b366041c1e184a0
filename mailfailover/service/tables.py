"""
The tables of the service: API keys and what they have used, who posted which mail, webhooks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, String, Table, Text

from mailfailover._sql.database import UTC
from mailfailover._sql.schema import Part, add_column

if TYPE_CHECKING:
    from sqlalchemy import Connection

_metadata = MetaData()

keys: Table = Table(
    "mailfailover_keys",
    _metadata,
    Column("id", String(16), primary_key=True),
    Column("name", String(64), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("created", UTC, nullable=False),
    Column("revoked", UTC),
    Column("rules", Text, nullable=False),
)
usage: Table = Table(
    "mailfailover_key_usage",
    _metadata,
    Column("key", String(16), primary_key=True),
    Column("period", Integer, primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("used", Integer, nullable=False),
)
posts: Table = Table(
    "mailfailover_posts",
    _metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("mail", String(64), nullable=False, unique=True),
    Column("key", String(16), nullable=False),
    Column("callback_url", Text, nullable=False),
    Column("subject", String(998), nullable=False, server_default=""),
    Column("from_email", String(998), nullable=False, server_default=""),
    Index("mailfailover_posts_key", "key", "number"),
)
secrets: Table = Table(
    "mailfailover_service_secrets",
    _metadata,
    Column("name", String(32), primary_key=True),
    Column("value", String(64), nullable=False),
)
hooks: Table = Table(
    "mailfailover_hooks",
    _metadata,
    Column("id", String(16), primary_key=True),
    Column("url", Text, nullable=False),
    Column("types", Text, nullable=False),
    Column("created", UTC, nullable=False),
)


def _add_headings_and_hooks(connection: Connection) -> None:
    for column in (posts.c.subject, posts.c.from_email):
        add_column(connection, column)
    hooks.create(connection)


PART = Part("service", 2, _metadata, "mailfailover keys", upgrades={1: _add_headings_and_hooks})
