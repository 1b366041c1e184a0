"""
Connections that record how far a call got and set the time left before every read and write.

These are the insides of urllib3 and http.client that we lean on, all in one place: the
methods overridden here, called when their names say. The tests under ``tests/faults`` show
each stage with real sockets, so a version that calls them otherwise is noticed.
"""

from __future__ import annotations

import http.client
import io
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import NewConnectionError, ProxyError

from mailfailover.transports._answer_head import read_headers
from mailfailover.transports._dial import dial

if TYPE_CHECKING:
    import socket

    from typing_extensions import Buffer  # collections.abc has it from 3.12

    from mailfailover.transports._progress import Progress

_JOINED = 64 * 1024
"""Up to so many bytes, head and body are copied together and leave in one write."""


_BODILESS = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)


class _Reader(io.RawIOBase):
    """
    Reads a socket with the time left as its timeout, however slowly the bytes drip.
    """

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, progress: Progress) -> None:
        self._raw = raw
        self._sock = sock
        self._progress = progress

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int | None:
        self._sock.settimeout(self._progress.left())
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Answer(http.client.HTTPResponse):
    """
    An answer that is read within the deadline and tells when its status line arrived.
    """

    def __init__(self, progress: Progress, sock: socket.socket, **options: Any) -> None:
        super().__init__(sock, **options)
        self._progress = progress
        self._is_head = options.get("method") == "HEAD"
        # makefile() has counted this reader as a user of the socket: it must be kept.
        raw: io.RawIOBase = self.fp.detach()
        self.fp = io.BufferedReader(_Reader(raw, sock, progress))

    def begin(self) -> None:
        """
        Read status line and headers: what the inherited method does, but for its slow parser.
        """
        version, status, reason = self._read_status_line()
        while status == HTTPStatus.CONTINUE:
            read_headers(self.fp)
            version, status, reason = self._read_status_line()
        if not version.startswith(("HTTP/1.", "HTTP/0.9")):
            raise http.client.UnknownProtocol(version)
        self._progress.answered(status)
        self.code = self.status = status
        self.reason = reason.strip()
        self.version = 10 if version in ("HTTP/1.0", "HTTP/0.9") else 11
        self.headers = self.msg = read_headers(self.fp)
        self.chunked = self.headers.get("transfer-encoding", "").lower() == "chunked"
        self.chunk_left = None
        self.length = None if self.chunked else self._find_length(status)
        endless = self.length is None and not self.chunked
        self.will_close = endless or self._check_close()  # type: ignore[attr-defined]  # inherited

    def _read_status_line(self) -> tuple[str, int, str]:
        line: tuple[str, int, str] = self._read_status()  # type: ignore[attr-defined]  # inherited
        return line

    def _find_length(self, status: int) -> int | None:
        if status in _BODILESS or status < HTTPStatus.OK or self._is_head:
            return 0
        length = self.headers.get("content-length", "")
        return int(length) if length.isascii() and length.isdecimal() else None


class VendorConnection(HTTPConnection):
    """
    A connection that tells its present call's progress.
    """

    progress: Progress
    """Set by the pool, anew for each call."""

    _held: bytearray | None = None
    """What is still to be joined with what comes; None outside of a request."""

    def response_class(self, sock: socket.socket, **options: Any) -> _Answer:  # type: ignore[override]  # called as the class is
        return _Answer(self.progress, sock, **options)

    def connect(self) -> None:
        self.progress.connecting()
        super().connect()
        self.progress.connected()

    def _new_conn(self) -> socket.socket:
        try:
            return dial(self._dns_host, self.port, self.progress)
        except OSError as exc:
            # A class of urllib3's own, so that no reset here is taken for one while writing.
            raise NewConnectionError(self, type(exc).__name__) from exc

    def _tunnel(self) -> None:
        try:
            super()._tunnel()
        except http.client.HTTPException as exc:
            raise ProxyError("no tunnel", exc) from exc
        self.sock.settimeout(self.progress.left())  # for the TLS handshake through it

    def request(self, *args: Any, **options: Any) -> None:
        if self.sock is not None:
            self.progress.connected()
        self._held = bytearray()
        try:
            super().request(*args, **options)
            self._flush(self._held)
        finally:
            self._held = None
        self.progress.written()

    def send(self, data: Buffer) -> None:  # type: ignore[override]  # all that urllib3 gives it
        view = memoryview(data)
        if self._held is None:  # a proxy is asked for a tunnel
            self._write(view)
        elif len(self._held) + len(view) <= _JOINED:
            self._held += view
        else:
            self._flush(self._held)
            self._write(view)

    def _flush(self, held: bytearray) -> None:
        self._held = bytearray()
        self._write(memoryview(held))

    def _write(self, view: memoryview) -> None:
        if self.sock is None:
            self.connect()
        while view:
            self.sock.settimeout(self.progress.left())
            self.progress.writing()
            view = view[self.sock.send(view) :]


class TLSVendorConnection(VendorConnection, HTTPSConnection):
    """
    The same over TLS.
    """
