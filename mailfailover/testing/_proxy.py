"""
A TCP proxy that breaks on command, in front of a server that cannot be told to fail.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from mailfailover._values.face import published_in
from mailfailover.testing._loopback import LoopbackServer
from mailfailover.testing._pipe import Flow, Pipe

if TYPE_CHECKING:
    from mailfailover.testing._channel import Channel

__all__ = ["FaultProxy"]

_CONNECT_TIMEOUT = 5.0


@published_in("mailfailover.testing")
class FaultProxy(LoopbackServer):
    """
    Forwards each connection to *target_host*:*target_port*, and fails when told to.

    For real SMTP servers, databases and brokers. `stop` refuses new connections
    and ends the present ones; `start` or `heal` is the recovery.

    .. versionadded:: 0.1.0
    """

    def __init__(self, target_host: str, target_port: int, *, port: int = 0) -> None:
        super().__init__(port=port)
        self._target = (target_host, target_port)
        self._flow = Flow()
        self._flow.open.set()
        self._pipes: set[Pipe] = set()

    def cut(self) -> None:
        """
        Reset the present connections, on both sides; new ones are let through.
        """
        self._end_pipes(reset=True)

    def refuse(self) -> None:
        """
        End the present connections and refuse new ones, until `heal`.
        """
        self.stop()

    def stall(self) -> None:
        """
        Hold back every byte in both directions until `heal`; no byte is lost.
        """
        self._flow.open.clear()

    def delay(self, seconds: float) -> None:
        """
        Let each piece wait this long before it goes on.
        """
        self._flow.delay = seconds

    def truncate_after(self, *, upstream: int | None = None, downstream: int | None = None) -> None:
        """
        Close a connection after this many bytes to the target, or from it.
        """
        self._flow.upstream_limit = upstream
        self._flow.downstream_limit = downstream

    def heal(self) -> None:
        """
        Forward everything at once, and listen.
        """
        self.truncate_after()
        self._flow.delay = 0.0
        self._flow.open.set()
        self.start()

    def drop_connections(self) -> None:
        """
        Close the present connections on both sides.
        """
        self._end_pipes(reset=False)
        super().drop_connections()

    def serve(self, channel: Channel) -> None:
        """
        Carry one connection.
        """
        # The client sees a target that cannot be reached as a connection that ends.
        target = socket.create_connection(self._target, _CONNECT_TIMEOUT)
        target.settimeout(None)
        target.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        pipe = Pipe(channel, target, self._flow)
        self._pipes.add(pipe)
        try:
            pipe.run()
        finally:
            self._pipes.discard(pipe)

    def _end_pipes(self, *, reset: bool) -> None:
        for pipe in tuple(self._pipes):
            pipe.end(reset=reset)
