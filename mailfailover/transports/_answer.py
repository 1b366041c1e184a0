"""
An answer that is read within the deadline and tells when its status line arrived.
"""

from __future__ import annotations

import http.client
import io
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from mailfailover.transports._answer_head import read_headers

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from typing_extensions import Buffer  # collections.abc has it from 3.12

    from mailfailover.transports._progress import Progress

_BODILESS = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)


class _Incoming(io.RawIOBase):
    """
    What arrives at a socket, read with the time left as its timeout, however slowly it drips.
    """

    def __init__(self, sock: socket.socket, progress: Progress) -> None:
        self._sock = sock
        self._progress = progress

    def makefile(self, _mode: str) -> io.BufferedReader:
        """
        Return what http.client reads from: it asks a socket for that.
        """
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        self._progress.bound(self._sock)
        return self._sock.recv_into(buffer)


class Answer(http.client.HTTPResponse):
    """
    An answer with the frame of http.client, without its parser of headers.

    It can be read, released and closed as urllib3's own answers can.

    Attributes:
        release: Called once with whether the connection can be used again: set by the pool.
    """

    headers: dict[str, str]  # type: ignore[assignment]  # any mapping in lower case will do
    release: Callable[[bool], None] | None = None

    def __init__(self, progress: Progress, sock: socket.socket, **options: Any) -> None:
        super().__init__(_Incoming(sock, progress), **options)  # type: ignore[arg-type]  # all it asks of a socket
        self._progress = progress
        self._is_head = options.get("method") == "HEAD"

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
        self.headers = read_headers(self.fp)
        self.chunked = self.headers.get("transfer-encoding", "").lower() == "chunked"
        self.chunk_left = None
        self.length = None if self.chunked else self._find_length(status)
        endless = self.length is None and not self.chunked
        self.will_close = endless or self._check_close()  # type: ignore[attr-defined]  # inherited

    def read(self, amount: int | None = None, *, decode_content: bool = False) -> bytes:
        """
        Read at most *amount* bytes of the body, as they came.

        Raises:
            IncompleteRead: If it ends before its length.
        """
        chunk = super().read(amount)
        if not chunk and self.length:
            raise http.client.IncompleteRead(b"", self.length)
        return chunk

    @property
    def length_remaining(self) -> int | None:
        """
        How many bytes of the body are still to come, None if that was not said.
        """
        return self.length

    def release_conn(self) -> None:
        """
        Give the connection back: all of the body was read.
        """
        self._end(keep=not self.will_close)

    def close(self) -> None:
        """
        Close the connection, unless it was given back.
        """
        super().close()
        self._end(keep=False)

    def _end(self, *, keep: bool) -> None:
        release, self.release = self.release, None
        if release is not None:
            release(keep)

    def _read_status_line(self) -> tuple[str, int, str]:
        line: tuple[str, int, str] = self._read_status()  # type: ignore[attr-defined]  # inherited
        return line

    def _find_length(self, status: int) -> int | None:
        if status in _BODILESS or status < HTTPStatus.OK or self._is_head:
            return 0
        length = self.headers.get("content-length", "").partition(",")[0]
        return int(length) if length.isascii() and length.isdecimal() else None
