"""
Connections that wait for the next mail.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from mailfailover._values.fork import after_fork

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from mailfailover.transports._smtp_connection import Connection


class IdleConnections:
    """
    Idle connections by server and account; safe in threads. A forked child has none.

    Args:
        max_idle: After how many seconds one is closed, at the next use of any.

        clock: Tells the time in seconds.
    """

    def __init__(self, max_idle: float, clock: Callable[[], float]) -> None:
        self._max_idle = max_idle
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting: list[tuple[float, Hashable, Connection]] = []  # the oldest first
        after_fork(self._forget)

    def take(self, key: Hashable) -> Connection | None:
        """
        Return the connection that was used last, or None; it is the caller's alone.
        """
        with self._lock:
            self._close_old()
            for position in reversed(range(len(self._waiting))):
                if self._waiting[position][1] == key:
                    connection = self._waiting.pop(position)[2]
                    connection.unproven = True
                    return connection
        return None

    def give(self, key: Hashable, connection: Connection) -> None:
        """
        Keep *connection* for the next mail, or close it where none can follow.
        """
        if not connection.usable:
            connection.close()
            return
        with self._lock:
            self._close_old()
            self._waiting.append((self._clock(), key, connection))

    def quit(self) -> None:
        """
        Say goodbye to all servers.
        """
        with self._lock:
            waiting, self._waiting = self._waiting, []
        for _, _, connection in waiting:
            connection.quit()

    def _forget(self) -> None:
        # The child's copies are closed without a word: the parent still talks over them.
        self._lock = threading.Lock()
        waiting, self._waiting = self._waiting, []
        for _, _, connection in waiting:
            connection.close()

    def _close_old(self) -> None:
        oldest = self._clock() - self._max_idle
        while self._waiting and self._waiting[0][0] < oldest:
            self._waiting.pop(0)[2].quit()
