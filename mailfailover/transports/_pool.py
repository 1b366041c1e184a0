"""
Idle connections to one origin. Nothing in them waits or locks.
"""

from __future__ import annotations

from collections import deque
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mailfailover.transports._connection import Connection


class Pool:
    """
    Idle connections, the one used last on top; those idle for too long are closed.

    No lock guards it, which a fork could catch locked: each step of a deque is atomic.

    Args:
        size: How many are kept; what is given beyond that is closed.

        idle: Seconds after which a connection is not used again.
    """

    def __init__(self, size: int, idle: float) -> None:
        self._size = size
        self._idle = idle
        self._stack: deque[tuple[Connection, float]] = deque()
        self._is_closed = False

    def take(self) -> Connection | None:
        """
        Take the connection used last that is still alive, None where there is none.
        """
        self._close_old()
        while True:
            try:
                connection = self._stack.pop()[0]
            except IndexError:
                return None
            if connection.is_alive():
                return connection
            connection.close()

    def give(self, connection: Connection) -> None:
        """
        Keep *connection* for the next call, or close it where it is of no use.
        """
        if not connection.is_usable or self._is_closed or len(self._stack) >= self._size:
            connection.close()
            return
        self._stack.append((connection, monotonic()))
        if self._is_closed:  # meanwhile
            self.close()

    def close(self) -> None:
        """
        Close all connections now, and later every connection that is returned.
        """
        self._is_closed = True
        try:
            while True:
                self._stack.pop()[0].close()
        except IndexError:  # no suppress(): the names of a module are gone when a program ends
            pass

    def __del__(self) -> None:
        # A mailer that is dropped unclosed must not leave its sockets to the garbage collector.
        self.close()

    def _close_old(self) -> None:
        oldest_allowed = monotonic() - self._idle
        try:
            while self._stack[0][1] <= oldest_allowed:
                connection, since = self._stack.popleft()
                if since > oldest_allowed:  # another thread took the old one
                    self._stack.appendleft((connection, since))
                    return
                connection.close()
        except IndexError:
            return
