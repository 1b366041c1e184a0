"""
The silence of a vendor between two calls: what breaks it ends the connection's use.
"""

from __future__ import annotations

import select
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import socket


class Silence:
    """
    Tells whether there is anything to read from a socket, its end included.

    The system's poll object is made once: making it costs more than asking it.

    Args:
        sock: What is asked about.
    """

    __slots__ = ("_poll", "_sock")

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._poll: Any = None
        if hasattr(select, "poll"):
            self._poll = select.poll()
            self._poll.register(sock, select.POLLIN)

    def lasts(self) -> bool:
        """
        Whether the vendor has neither ended the connection nor said anything unasked.
        """
        if self._poll is None:
            return not select.select([self._sock], [], [], 0)[
                0
            ]  # Windows, where any socket will do
        return not self._poll.poll(0)
