"""
Tables of version 1 are brought to this one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert, text, update

from mailfailover._sql.database import open_engine
from mailfailover._sql.schema import versions
from mailfailover.errors import ConfigurationError
from mailfailover.suppression import Reason, Suppression, SuppressionList
from mailfailover.suppression._tables import bounces, deliveries, quarantines, suppressions
from tests.chains import NOW
from tests.databases import KINDS, fresh_database, fresh_engine

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine

ANN = Suppression(
    email="ann@example.org", reason=Reason.BOUNCED, source="a", detail="550 5.1.1", created=NOW
)


def go_back(engine: Engine, place: str = "") -> None:
    """
    Make the tables what version 1 made, with an entry.
    """
    SuppressionList(engine).init()
    with engine.begin() as connection:
        for table in (bounces, deliveries, quarantines):
            table.drop(connection)
        for column in ("state", "evidence"):
            connection.execute(text(f"ALTER TABLE {place}suppressions DROP COLUMN {column}"))
        connection.execute(update(versions).values(version=1))
        row = {
            **{name: getattr(ANN, name) for name in ("email", "source", "detail", "created")},
            **dict.fromkeys(("stream", "from_domain", "mail_id", "provider_message_id"), ""),
            "key": "k",
            "reason": "bounced",
            "is_open": False,
        }
        names = [name for name in suppressions.c.keys() if name in row]  # noqa: SIM118 -- of columns
        connection.execute(insert(suppressions).values({name: row[name] for name in names}))


@pytest.mark.parametrize("kind", KINDS)
def test_entries_stay_as_they_are(kind: str, tmp_path: Path) -> None:
    """
    Suppressed, and they can be taken back.
    """
    with fresh_engine(kind, tmp_path) as engine:
        go_back(engine)
        found = SuppressionList(engine)
        with pytest.raises(ConfigurationError, match="run `mailfailover suppressions upgrade`"):
            found.check()

        had = found.upgrade()

        found.check()
        assert (1, (ANN,)) == (had, found.list())
        assert (ANN,) == found.undo(response="5.1.1")


@pytest.mark.services
def test_tables_in_a_schema_are_upgraded_there() -> None:
    """
    That of the database's URL.
    """
    with fresh_database("postgresql") as url:
        engine = open_engine(f"{url}?schema=mails")
        go_back(engine, "mails.")
        found = SuppressionList(engine)

        found.upgrade()

        assert (ANN,) == found.list()
        engine.dispose()
