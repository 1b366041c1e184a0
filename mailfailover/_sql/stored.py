"""
The base of everything stored: an engine, a clock, and tables that can be created and upgraded.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar

from mailfailover._sql import schema
from mailfailover._sql.database import open_engine

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

    from mailfailover._sql.schema import Part


class Stored:
    """
    A part of the library with tables of its own.

    Attributes:
        part: Its tables, and the version of them that this code knows.

        engine: The database.

        clock: Seconds since 1970.
    """

    part: ClassVar[Part]

    def __init__(self, database: str | Engine | None, clock: Callable[[], float]) -> None:
        self.engine: Engine = open_engine(database)
        self.clock = clock

    def init(self) -> None:
        """
        Make the tables; where they are there already, do nothing.
        """
        schema.init(self.engine, self.part)

    def upgrade(self) -> int:
        """
        Bring the tables to this version of the library; return the version they had.
        """
        return schema.upgrade(self.engine, self.part)

    def check(self) -> None:
        """
        Make sure that the tables have the version of this code.

        Raises:
            ConfigurationError: If not; it says what to run.
        """
        schema.check(self.engine, self.part)

    def close(self) -> None:
        """
        Close all connections. Later calls open new ones.
        """
        self.engine.dispose()

    def now(self) -> datetime:
        """
        The time by its clock.
        """
        return datetime.fromtimestamp(self.clock(), UTC)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.engine.url!r})"
