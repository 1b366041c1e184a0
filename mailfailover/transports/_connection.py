"""
A connection of a thread: one call at a time, told how far it got, within the time left.
"""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING

from mailfailover._values.interruption import let_through
from mailfailover.transports._dial import dial
from mailfailover.transports._silence import Silence
from mailfailover.transports._tunnel import Tunnel, TunnelError

if TYPE_CHECKING:
    from mailfailover.transports._answer import Answer
    from mailfailover.transports._progress import Progress
    from mailfailover.transports._request_body import PartsBody
    from mailfailover.transports._target import Target
    from mailfailover.transports._tls import TLS

_JOINED = 64 * 1024
"""Up to so many bytes, head and body are copied together and leave in one write."""

_PIECE = 1024 * 1024
"""Bytes offered to the system at a time; the part that it takes shows that bytes flow."""

_TLS_PIECE = 64 * 1024
"""The same over TLS, where a write ends only when all of it is taken."""

_READ = 16 * 1024
"""Bytes read at a time, one record of TLS."""


class Connection:
    """
    A connection to a vendor.

    Args:
        sock: The socket.
    """

    __slots__ = ("_is_proven", "_silence", "_sock", "is_usable")

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._silence = Silence(sock)
        self._is_proven = False
        self.is_usable = True

    def exchange(
        self, head: bytes, body: bytes | PartsBody, answer: Answer, progress: Progress
    ) -> None:
        """
        Write a request and read its *answer*, within the time left.

        Afterwards ``is_usable`` says whether another call can be made over it.

        Raises:
            InvalidMessage: If a file to attach became shorter.
            OSError, HTTPException, UnreadableAnswerError: The call failed.
        """
        self.is_usable = False
        progress.connected()
        # A server that refuses a request may answer and close before it has read all of it.
        is_written = False
        try:
            self._write_all(head, body, progress)
            progress.written()
            is_written = True
        except (BrokenPipeError, ConnectionResetError) as exc:
            let_through(exc, progress.stage)
        self._read(answer, progress)
        self.is_usable = is_written and not answer.is_last

    def remember_session(self, tls: TLS, target: Target) -> None:
        """
        Let *tls* keep the session of a new connection over which an answer came.
        """
        if not self._is_proven:
            self._is_proven = True
            if isinstance(self._sock, ssl.SSLSocket):
                tls.remember(target, self._sock)

    def is_alive(self) -> bool:
        """
        Whether the vendor has neither ended it nor said anything unasked.
        """
        return self._silence.lasts()

    def close(self) -> None:
        """
        Close the socket.
        """
        self._sock.close()

    def _write_all(self, head: bytes, body: bytes | PartsBody, progress: Progress) -> None:
        if isinstance(body, bytes) and len(body) <= _JOINED:
            self._write(head + body, progress)
            return
        held = bytearray(head)
        for piece in (body,) if isinstance(body, bytes) else body:
            view = memoryview(piece)
            if len(held) + len(view) <= _JOINED:
                held += view
                continue
            self._write(held, progress)
            progress.flowing()
            held = bytearray()
            step = _PIECE if type(self._sock) is socket.socket else _TLS_PIECE
            for start in range(0, len(view), step):
                self._write(view[start : start + step], progress)
                progress.flowing()
        self._write(held, progress)

    def _write(self, data: bytes | bytearray | memoryview, progress: Progress) -> None:
        sock = self._sock
        progress.bound(sock)
        progress.writing()
        size = sock.send(data)
        while size < len(data):
            progress.flowing()
            progress.bound(sock)
            size += sock.send(memoryview(data)[size:])

    def _read(self, answer: Answer, progress: Progress) -> None:
        sock = self._sock
        while True:
            progress.bound(sock)
            data = sock.recv(_READ)
            if not data:
                answer.end()
                return
            if answer.feed(data):
                return


def connect(target: Target, proxy: str | None, tls: TLS, progress: Progress) -> Connection:
    """
    Make a connection to *target*, through *proxy* where there is one.

    Raises:
        OSError: If no address answers in time, the name is unknown, or TLS fails.
        TunnelError: If *proxy* makes no tunnel.
    """
    if proxy is None:
        sock = dial(target.host, target.port, progress)
    else:
        sock = _dial_tunnel(Tunnel(target, proxy), progress)
    if target.scheme == "https":
        try:
            sock = tls.wrap(sock, target)
        except BaseException:
            sock.close()
            raise
    return Connection(sock)


def _dial_tunnel(tunnel: Tunnel, progress: Progress) -> socket.socket:
    try:
        sock = dial(tunnel.host, tunnel.port, progress)
    except OSError as exc:
        raise TunnelError("the proxy takes no connection") from exc
    try:
        _open_tunnel(sock, tunnel, progress)
    except BaseException:
        sock.close()
        raise
    return sock


def _open_tunnel(sock: socket.socket, tunnel: Tunnel, progress: Progress) -> None:
    try:
        sock.sendall(tunnel.ask())
        while True:
            progress.bound(sock)
            if tunnel.feed(sock.recv(_READ)):
                break
    except ConnectionError as exc:
        raise TunnelError("the proxy makes no tunnel") from exc
    sock.settimeout(progress.left())  # for the TLS handshake through it
