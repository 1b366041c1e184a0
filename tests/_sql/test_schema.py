from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, inspect, text

from mailfailover._sql.schema import Part, check, init, upgrade
from mailfailover.errors import ConfigurationError
from tests.databases import KINDS, fresh_engine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection, Engine


def part(version: int, *columns: str) -> Part:
    """
    Stamps, in a version that has *columns*.
    """
    metadata = MetaData()
    Table("stamps", metadata, *(Column(name, Integer) for name in columns))
    return Part(
        "stamps",
        version,
        metadata,
        "mailfailover stamps",
        {1: add_value, 2: add_year},
    )


def add_value(connection: Connection) -> None:
    """
    What makes version 2.
    """
    connection.execute(text("ALTER TABLE stamps ADD COLUMN value INTEGER"))


def add_year(connection: Connection) -> None:
    """
    What makes version 3.
    """
    connection.execute(text("ALTER TABLE stamps ADD COLUMN year INTEGER"))


FIRST = part(1, "id")
THIRD = part(3, "id", "value", "year")


@pytest.fixture(params=KINDS)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """
    An empty database of each kind.
    """
    with fresh_engine(request.param, tmp_path) as engine:
        yield engine


def columns(engine: Engine) -> list[str]:
    """
    Those that the table of stamps really has.
    """
    return [column["name"] for column in inspect(engine).get_columns("stamps")]


def test_init_makes_the_tables(engine: Engine) -> None:
    """
    In the version of this code, after which the check is content.
    """
    init(engine, THIRD)

    check(engine, THIRD)
    assert ["id", "value", "year"] == columns(engine)


def test_init_twice_is_once(engine: Engine) -> None:
    """
    It can stand in every start of a program.
    """
    init(engine, FIRST)

    init(engine, FIRST)

    check(engine, FIRST)


def test_init_at_once_is_once(engine: Engine) -> None:
    """
    Also where several programs start at the same time.
    """
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _number: init(engine, FIRST), range(4)))

    check(engine, FIRST)


def test_upgrade_takes_every_step(engine: Engine) -> None:
    """
    From the version that is there to this code's; it says which one it was.
    """
    init(engine, FIRST)

    assert 1 == upgrade(engine, THIRD)

    check(engine, THIRD)
    assert ["id", "value", "year"] == columns(engine)


def test_upgrade_of_the_newest_does_nothing(engine: Engine) -> None:
    """
    It can stand in every deployment.
    """
    init(engine, THIRD)

    assert 3 == upgrade(engine, THIRD)

    check(engine, THIRD)


def test_parts_share_a_database(engine: Engine) -> None:
    """
    Each has a version of its own.
    """
    other = MetaData()
    Table("coins", other, Column("id", Integer))
    coins = Part("coins", 7, other, "mailfailover coins")

    init(engine, FIRST)
    init(engine, coins)

    check(engine, FIRST)
    check(engine, coins)


@pytest.mark.parametrize(
    ("found", "known", "message"),
    [
        (None, FIRST, "no tables of the stamps: run `mailfailover stamps init`"),
        (FIRST, THIRD, "of version 1, this program needs 3: run `mailfailover stamps upgrade`"),
        (THIRD, FIRST, "of version 3, this program knows 1 only: update the package"),
    ],
    ids=["none", "old", "new"],
)
def test_the_check_says_what_to_run(
    engine: Engine, found: Part | None, known: Part, message: str
) -> None:
    """
    Before anything is read or written in tables of another version.
    """
    if found is not None:
        init(engine, found)

    with pytest.raises(ConfigurationError, match=message):
        check(engine, known)


@pytest.mark.parametrize(("found", "known"), [(FIRST, THIRD), (THIRD, FIRST)], ids=["old", "new"])
def test_init_leaves_another_version_alone(engine: Engine, found: Part, known: Part) -> None:
    """
    Upgrading is a step of its own.
    """
    init(engine, found)

    with pytest.raises(ConfigurationError, match="version"):
        init(engine, known)

    check(engine, found)


@pytest.mark.parametrize("found", [None, THIRD], ids=["none", "new"])
def test_upgrade_refuses_what_it_cannot_upgrade(engine: Engine, found: Part | None) -> None:
    """
    Tables that are not there, and those of a newer program.
    """
    if found is not None:
        init(engine, found)

    with pytest.raises(ConfigurationError, match="stamps"):
        upgrade(engine, FIRST)


def test_an_upgrade_that_fails_changes_nothing(engine: Engine) -> None:
    """
    Where the database can undo changes of tables, which MariaDB cannot.
    """
    if engine.dialect.name not in ("sqlite", "postgresql"):
        pytest.xfail("MariaDB commits at each change of a table")
    init(engine, FIRST)
    broken = Part(
        "stamps", 3, THIRD.metadata, THIRD.command, {1: add_value, 2: lambda _connection: 1 / 0}
    )

    with pytest.raises(ZeroDivisionError):
        upgrade(engine, broken)

    check(engine, FIRST)
    assert ["id"] == columns(engine)
