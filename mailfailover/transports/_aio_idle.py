"""
Connections of an event loop that wait for their next call.
"""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mailfailover.transports._aio_connection import Connection

    Origin = tuple[str, str, int]


class Idle:
    """
    Idle connections of the running loop by their origin; the one used last is taken first.

    Attributes:
        loop: The loop in which alone they can be used.

    Args:
        seconds: After which a connection is closed instead of used again.
    """

    def __init__(self, seconds: float) -> None:
        self.loop = asyncio.get_running_loop()
        self._seconds = seconds
        self._stacks: dict[Origin, list[tuple[float, Connection]]] = {}
        self._is_closed = False

    def take(self, origin: Origin) -> Connection | None:
        """
        Take a connection that is alive, None if there is none.
        """
        stack = self._stacks.get(origin)
        while stack:
            since, connection = stack.pop()
            if monotonic() - since < self._seconds and connection.is_alive():
                return connection
            connection.abort()
        return None

    def give(self, origin: Origin, connection: Connection) -> None:
        """
        Keep *connection* for the next call, if it is of any use.
        """
        if self._is_closed:
            connection.abort()
        if connection.is_usable:
            stack = self._stacks.setdefault(origin, [])
            now = monotonic()
            while stack and now - stack[0][0] >= self._seconds:
                stack.pop(0)[1].abort()
            stack.append((now, connection))

    def close(self) -> None:
        """
        Close all connections now, and later every connection that is returned.
        """
        self._is_closed = True
        for stack in self._stacks.values():
            for _, connection in stack:
                connection.abort()
        self._stacks.clear()
