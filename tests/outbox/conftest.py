from __future__ import annotations

from contextlib import ExitStack
from functools import cache
from typing import TYPE_CHECKING

import pytest

from mailfailover.outbox import Outbox
from mailfailover.outbox._tables import METADATA
from tests.chains import World
from tests.databases import KINDS, fresh_engine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlalchemy import Engine


@pytest.fixture
def world() -> World:
    """
    Time that moves when it is told to.
    """
    return World()


@pytest.fixture
def outbox(tmp_path: Path, world: World) -> Iterator[Outbox]:
    """
    An empty outbox in a SQLite file.
    """
    with fresh_engine("sqlite", tmp_path) as engine:
        outbox = Outbox(engine, clock=world.wall)
        outbox.init()
        yield outbox


@pytest.fixture(scope="session")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Engine]]:
    """
    An engine with the tables for each kind of database that is asked for, made once.
    """
    with ExitStack() as stack:

        @cache
        def engine(kind: str) -> Engine:
            found = stack.enter_context(fresh_engine(kind, tmp_path_factory.mktemp(kind)))
            Outbox(found).init()
            return found

        yield engine


@pytest.fixture(params=KINDS)
def any_outbox(
    request: pytest.FixtureRequest, engines: Callable[[str], Engine], world: World
) -> Outbox:
    """
    An empty outbox in each kind of database.
    """
    engine = engines(request.param)
    with engine.begin() as connection:
        for table in METADATA.sorted_tables:
            connection.execute(table.delete())
    return Outbox(engine, clock=world.wall)
