"""
Which webhooks came before, in a database that processes share.

Install it with ``pip install "mailfailover[webhooks]"``.
"""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING

from mailfailover._setup.extras import extra

with extra("webhooks", "mailfailover.webhooks.sql"):
    from sqlalchemy import delete, select, update

    from mailfailover._sql.database import reading, writing
    from mailfailover._sql.rows import insert_new
    from mailfailover._sql.stored import Stored
    from mailfailover.webhooks._tables import PART, replays

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

__all__ = ["SQLReplays"]

_PURGE_EVERY = timedelta(hours=1)


class SQLReplays(Stored):
    """
    Remembers webhooks in a database, for all processes that receive them.

    Args:
        database:
            A URL of SQLAlchemy, or an ``Engine``, which is used as it is. Without one it is
            that of the variable MAILFAILOVER_DATABASE, else ``sqlite:///mailfailover.db``.

        clock: Seconds since 1970.

    Raises:
        ConfigurationError: If the database cannot be opened.

    .. versionadded:: 0.1.0
    """

    part = PART

    def __init__(
        self, database: str | Engine | None = None, *, clock: Callable[[], float] = time.time
    ) -> None:
        super().__init__(database, clock)
        self._purged = self.now()

    def claim(self, token: str, seconds: float) -> bool:
        """
        Remember *token* for so long; False if it is remembered already.
        """
        now = self.now()
        until = now + timedelta(seconds=seconds)
        ended = (replays.c.token == token) & (replays.c.until <= now)
        with writing(self.engine) as connection:
            if now - self._purged > _PURGE_EVERY:
                self._purged = now
                connection.execute(delete(replays).where(replays.c.until <= now))
            if insert_new(connection, replays, {"token": token, "until": until}):
                return True
            again = update(replays).where(ended).values(until=until)
            return connection.execute(again).rowcount == 1

    def keep(self, token: str, seconds: float) -> None:
        """
        Remember *token* for so long from now.
        """
        until = self.now() + timedelta(seconds=seconds)
        with writing(self.engine) as connection:
            longer = update(replays).where(replays.c.token == token).values(until=until)
            if connection.execute(longer).rowcount == 0:
                insert_new(connection, replays, {"token": token, "until": until})

    def release(self, token: str) -> None:
        """
        Forget *token*.
        """
        with writing(self.engine) as connection:
            connection.execute(delete(replays).where(replays.c.token == token))

    def left(self, token: str) -> float:
        """
        Return the seconds that *token* is still remembered, 0 where it is not.
        """
        asked = select(replays.c.until).where(replays.c.token == token)
        with reading(self.engine) as connection:
            until = connection.execute(asked).scalar()
        return 0.0 if until is None else max(0.0, (until - self.now()).total_seconds())
