"""
Two connections joined until one of them ends or a test breaks them.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mailfailover.testing._channel import RESET_ON_CLOSE

if TYPE_CHECKING:
    from mailfailover.testing._channel import Channel

__all__ = ["Flow", "Pipe"]

_CHUNK = 65536
_TICK = 0.01


@dataclass(slots=True)
class Flow:
    """
    How bytes go through: changed by the proxy while pipes read it.
    """

    delay: float = 0.0
    upstream_limit: int | None = None
    downstream_limit: int | None = None
    open: threading.Event = field(default_factory=threading.Event)


class Pipe:
    """
    Carries bytes both ways between a client and a target, by the rules of *flow*.
    """

    def __init__(self, client: Channel, target: socket.socket, flow: Flow) -> None:
        self._client = client
        self._target = target
        self._flow = flow
        self._ended = threading.Event()
        self._woken, self._wake = socket.socketpair()
        self._reset = False

    def run(self) -> None:
        """
        Carry until both sides are done; then close the target's side.
        """
        back = threading.Thread(target=self._pump, args=("downstream",), daemon=True)
        back.start()
        try:
            self._pump("upstream")
            back.join()
        finally:
            with contextlib.suppress(OSError):
                if self._reset:
                    self._target.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
                    self._client.reset()
                else:
                    self._target.shutdown(socket.SHUT_RDWR)
            self._target.close()
            self._woken.close()
            self._wake.close()

    def end(self, *, reset: bool) -> None:
        """
        Break both connections; safe from any thread.
        """
        self._reset = reset
        self._ended.set()
        with contextlib.suppress(OSError):
            self._wake.send(b"!")

    def _pump(self, direction: str) -> None:
        source, sink = self._client.socket, self._target
        if direction == "downstream":
            source, sink = sink, source
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(source, selectors.EVENT_READ)
                selector.register(self._woken, selectors.EVENT_READ)
                self._carry(direction, selector, source, sink)
        except OSError:
            self.end(reset=True)  # As one side broke, so does the other.

    def _carry(
        self,
        direction: str,
        selector: selectors.BaseSelector,
        source: socket.socket,
        sink: socket.socket,
    ) -> None:
        gone = 0
        while True:
            selector.select()
            if self._ended.is_set():
                return
            piece = source.recv(_CHUNK)
            if not self._may_go():
                return
            if not piece:
                sink.shutdown(socket.SHUT_WR)
                return
            limit = self._limit(direction)
            if limit is not None and gone + len(piece) >= limit:
                sink.sendall(piece[: max(0, limit - gone)])
                self.end(reset=False)
                return
            sink.sendall(piece)
            gone += len(piece)

    def _may_go(self) -> bool:
        ready = time.monotonic() + self._flow.delay
        while not self._flow.open.is_set() or time.monotonic() < ready:
            if self._ended.wait(_TICK):
                return False
        return not self._ended.is_set()

    def _limit(self, direction: str) -> int | None:
        flow = self._flow
        return flow.upstream_limit if direction == "upstream" else flow.downstream_limit
