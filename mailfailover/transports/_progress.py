"""
How far one call got, and until when: the facts that its error is made of.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from mailfailover._values.wire import Stage, Timeout

if TYPE_CHECKING:
    import socket

CONNECT_TIMEOUT = 3.0
"""At most so many seconds for a connection: its name, TCP, a proxy's tunnel and TLS together."""

_SLACK = 0.05


class Progress:
    """
    The stage and the deadline of one call, kept up to date by the code that does its IO.

    Attributes:
        timeout: The seconds that it was given.

        stage: How far it got. It only moves on, by the methods here.

        status_code: The status that arrived, None before.
    """

    __slots__ = ("_ends", "_limit", "_until", "stage", "status_code", "timeout")

    def __init__(self, timeout: float) -> None:
        now = monotonic()
        self.timeout: float = timeout
        self._ends = self._until = now + timeout
        self._limit = now + timeout.limit if isinstance(timeout, Timeout) else self._ends
        self.stage: Stage = Stage.PREPARING
        self.status_code: int | None = None

    def left(self) -> float:
        """
        Seconds left for the present stage, more than 0.

        Raises:
            TimeoutError: If none are left.
        """
        left = self._until - monotonic()
        if left <= 0:
            raise TimeoutError("the time for this call is used up")
        return left

    def bound(self, sock: socket.socket) -> None:
        """
        Let the next read or write of *sock* end with the time left, or at most 50 ms later.

        Raises:
            TimeoutError: If none is left.
        """
        left = self.left()
        # Each change is a call into the system, at which all other threads get their turn.
        if not left <= (sock.gettimeout() or 0.0) <= left + _SLACK:
            sock.settimeout(left)

    def connecting(self) -> None:
        """
        A connection is made from now on.
        """
        self.stage = Stage.CONNECTING

    def dialling(self) -> None:
        """
        A name is looked up, or an address called: the time to connect starts to run.
        """
        self._until = min(self._ends, monotonic() + CONNECT_TIMEOUT)

    def connected(self) -> None:
        """
        A connection stands.
        """
        self.stage = Stage.CONNECTED
        self._until = self._ends

    def writing(self) -> None:
        """
        Bytes are handed to the system; of the mail, unless they only make the connection.
        """
        if self.stage is Stage.CONNECTED:
            self.stage = Stage.WRITING

    def flowing(self) -> None:
        """
        The system took some of a large body: the time for the call begins anew, up to its limit.
        """
        self._ends = self._until = min(self._limit, monotonic() + self.timeout)

    def written(self) -> None:
        """
        All of the request was handed to the system.
        """
        self.stage = Stage.WRITTEN

    def answered(self, status_code: int) -> None:
        """
        A status line arrived.
        """
        self.stage = Stage.RESPONSE
        self.status_code = status_code
