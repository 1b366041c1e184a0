"""
Connections that record how far a call got and set the time left before every read and write.

How a connection is made, through a proxy and over TLS, is urllib3's business, and how an
answer is framed that of http.client: the methods overridden here are called when their names
say. The tests under ``tests/faults`` show each stage with real sockets, so a version that
calls them otherwise is noticed.
"""

from __future__ import annotations

import http.client
from contextlib import suppress
from typing import TYPE_CHECKING

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import NewConnectionError, ProxyError

from mailfailover.transports._answer import Answer
from mailfailover.transports._dial import dial

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterable
    from typing import Any

    from typing_extensions import Buffer  # collections.abc has it from 3.12

    from mailfailover.transports._progress import Progress

_JOINED = 64 * 1024
"""Up to so many bytes, head and body are copied together and leave in one write."""


class VendorConnection(HTTPConnection):
    """
    A connection that tells its present call's progress.
    """

    progress: Progress
    """Set by the pool, anew for each call."""

    def response_class(self, sock: socket.socket, **options: Any) -> Answer:  # type: ignore[override]  # called as the class is
        return Answer(self.progress, sock, **options)

    def connect(self) -> None:
        self.progress.connecting()
        super().connect()
        self.progress.connected()

    def exchange(self, method: str, head: bytes, body: bytes | Iterable[Buffer]) -> Answer:
        """
        Write a request and read the head of its answer, over a connection that stands.
        """
        self.progress.connected()
        # Whoever refuses a request may answer, and close, before all of it is there.
        with suppress(BrokenPipeError, ConnectionResetError):
            self._write_all(head, (body,) if isinstance(body, bytes) else body)
            self.progress.written()
        answer = Answer(self.progress, self.sock, method=method)
        answer.begin()
        return answer

    def send(self, data: Buffer) -> None:  # type: ignore[override]  # all that is given to it
        self._write(memoryview(data))  # a proxy is asked for a tunnel

    def _new_conn(self) -> socket.socket:
        try:
            return dial(self._dns_host, self.port, self.progress)
        except OSError as exc:
            # A class of urllib3's own, so that no reset here is taken for one while writing.
            failure = NewConnectionError(self, type(exc).__name__)
            failure.__cause__ = exc
        if self.proxy is None:
            raise failure
        raise ProxyError("no connection", failure)

    def _tunnel(self) -> None:
        try:
            super()._tunnel()
        except (http.client.HTTPException, OSError) as exc:
            raise ProxyError("no tunnel", exc) from exc
        self.sock.settimeout(self.progress.left())  # for the TLS handshake through it

    def _write_all(self, head: bytes, pieces: Iterable[Buffer]) -> None:
        held = bytearray(head)
        for piece in pieces:
            view = memoryview(piece)
            if len(held) + len(view) <= _JOINED:
                held += view
                continue
            self._write(memoryview(held))
            held = bytearray()
            self._write(view)
        self._write(memoryview(held))

    def _write(self, view: memoryview) -> None:
        while view:
            self.progress.bound(self.sock)
            self.progress.writing()
            view = view[self.sock.send(view) :]


class TLSVendorConnection(VendorConnection, HTTPSConnection):
    """
    The same over TLS.
    """
