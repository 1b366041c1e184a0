from __future__ import annotations

from contextlib import ExitStack
from functools import cache
from typing import TYPE_CHECKING

import pytest

from mailfailover.tracking import Tracking
from mailfailover.tracking._tables import metadata
from tests.chains import World
from tests.databases import KINDS, fresh_engine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Engine


@pytest.fixture
def world() -> World:
    """
    Time that moves when it is told to.
    """
    return World()


@pytest.fixture(scope="session")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Engine]]:
    """
    An engine with the tables for each kind of database that is asked for, made once.
    """
    with ExitStack() as stack:

        @cache
        def engine(kind: str) -> Engine:
            found = stack.enter_context(fresh_engine(kind, tmp_path_factory.mktemp(kind)))
            Tracking(found).init()
            return found

        yield engine


def _empty(engine: Engine, world: World) -> Tracking:
    with engine.begin() as connection:
        for table in metadata.sorted_tables:
            connection.execute(table.delete())
    return Tracking(engine, clock=world.wall, keep_content=True)


@pytest.fixture
def tracking(engines: Callable[[str], Engine], world: World) -> Tracking:
    """
    One that knows nothing yet, in a SQLite file.
    """
    return _empty(engines("sqlite"), world)


@pytest.fixture(params=KINDS)
def any_tracking(
    request: pytest.FixtureRequest, engines: Callable[[str], Engine], world: World
) -> Tracking:
    """
    The same in each kind of database.
    """
    return _empty(engines(request.param), world)
