from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, event, insert, select

from mailfailover._sql.rows import add_to, fit, insert_new, put
from tests.databases import KINDS, fresh_engine
from tests.samples import each

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection

METADATA = MetaData()
STOCK = Table(
    "stock",
    METADATA,
    Column("name", String(20), primary_key=True),
    Column("number", Integer, nullable=False),
)


@pytest.fixture(params=KINDS)
def connection(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Connection]:
    """
    A transaction in each kind of database, with three apples.
    """
    with fresh_engine(request.param, tmp_path) as engine:
        METADATA.create_all(engine)
        with engine.begin() as connection:
            connection.execute(insert(STOCK).values(name="apples", number=3))
            yield connection


def stock(connection: Connection) -> dict[str, int]:
    """
    What there is.
    """
    return {row.name: row.number for row in connection.execute(select(STOCK))}


def another_inserts(connection: Connection, name: str) -> None:
    """
    Let another process insert a row right after the next statement.
    """

    def after(connection: Any, *_: Any) -> None:
        connection.execute(insert(STOCK).values(name=name, number=5))

    event.listen(connection, "after_cursor_execute", after, once=True)


def test_a_new_row_is_inserted_once(connection: Connection) -> None:
    """
    The second time nothing happens, and the transaction goes on.
    """
    first = insert_new(connection, STOCK, {"name": "pears", "number": 1})
    second = insert_new(connection, STOCK, {"name": "pears", "number": 2})

    assert (True, False) == (first, second)
    assert {"apples": 3, "pears": 1} == stock(connection)


def test_put_changes_or_inserts(connection: Connection) -> None:
    """
    Whether the row was there or not.
    """
    put(connection, STOCK, {"name": "apples"}, {"number": 4})
    put(connection, STOCK, {"name": "apples"}, {"number": 4})
    put(connection, STOCK, {"name": "pears"}, {"number": 1})

    assert {"apples": 4, "pears": 1} == stock(connection)


def test_add_counts_from_nothing_on(connection: Connection) -> None:
    """
    The first number is the row's.
    """
    for name in ("apples", "pears", "pears"):
        add_to(connection, STOCK, {"name": name}, 2)

    assert {"apples": 5, "pears": 4} == stock(connection)


def test_a_row_that_another_inserts_in_between(connection: Connection) -> None:
    """
    It is changed like any other.
    """
    another_inserts(connection, "pears")
    put(connection, STOCK, {"name": "pears"}, {"number": 1})
    another_inserts(connection, "plums")
    add_to(connection, STOCK, {"name": "plums"}, 2)

    assert {"apples": 3, "pears": 1, "plums": 7} == stock(connection)


@each(
    ("text", "length", "expected"),
    [("abc", 0, "abc"), ("abc", 2, "ab"), ("a\0b", 0, "a?b"), ("é\ud83d", 0, "é?"), ("", 5, "")],
)
def test_text_is_made_to_fit(text: str, length: int, expected: str) -> None:
    """
    No zero bytes, no halves of characters, no more than there is room for.
    """
    assert expected == fit(text, length)
