"""
A queue of the threads of this process that write to the same SQLite file.

SQLite lets one write at a time, and has the others look again after pauses that grow. Among
many threads some would wait for seconds while others pass them by. Here they wait for a lock,
which wakes the next one at once.
"""

from __future__ import annotations

import sqlite3
from threading import Lock
from typing import Any

from mailfailover._values.fork import after_fork


class QueuedConnection(sqlite3.Connection):
    """
    A connection that writes when it is its turn, until its transaction ends.
    """

    def __init__(self, database: str, *args: Any, **options: Any) -> None:
        super().__init__(database, *args, **options)
        self._database = database
        self._held: Lock | None = None

    def take_turn(self, seconds: float) -> None:
        """
        Wait until nobody else of this process writes to the file.

        Raises:
            sqlite3.OperationalError: If others still do after so many *seconds*.
        """
        lock = _locks.of(self._database)
        if not lock.acquire(timeout=seconds):
            message = "database is locked"  # as SQLite says it of other processes
            raise sqlite3.OperationalError(message)
        self._held = lock

    def end_turn(self) -> None:
        """
        Let the next one write.
        """
        held, self._held = self._held, None
        if held is not None:
            held.release()

    def commit(self) -> None:
        """
        Commit; a commit that fails leaves the transaction open, to be rolled back.
        """
        super().commit()
        self.end_turn()

    def rollback(self) -> None:
        """
        Roll back.
        """
        try:
            super().rollback()
        finally:
            self.end_turn()

    def close(self) -> None:
        """
        Close it, which ends its transaction too.
        """
        try:
            super().close()
        finally:
            self.end_turn()


class _Locks:
    """
    A lock for each file; new ones in a child process, whose parent may have held them.
    """

    def __init__(self) -> None:
        self._locks: dict[str, Lock] = {}
        after_fork(self.renew)

    def of(self, database: str) -> Lock:
        return self._locks.setdefault(database, Lock())

    def renew(self) -> None:
        self._locks = {}


_locks = _Locks()
