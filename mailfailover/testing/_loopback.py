"""
A loopback TCP port that can be taken down and brought up again: one thread a connection.
"""

from __future__ import annotations

import abc
import contextlib
import errno
import functools
import os
import socket
import threading
import time
import weakref
from typing import TYPE_CHECKING

from mailfailover.testing._channel import Channel, Disconnected

if TYPE_CHECKING:
    from typing import Self

__all__ = ["LoopbackServer"]

_BACKLOG = 1024
_PATIENCE = 2.0

_servers: weakref.WeakSet[LoopbackServer] = weakref.WeakSet()


class LoopbackServer(abc.ABC):
    """
    Accepts connections and runs `serve` for each, in a daemon thread.

    It listens on 127.0.0.1 unless *host* says otherwise. A context manager. While stopped, the
    port stays reserved: connections are refused, and no other program can take it. After a fork the
    child has no part in it.
    """

    def __init__(
        self, *, port: int = 0, receive_buffer: int | None = None, host: str = "127.0.0.1"
    ) -> None:
        self.host = host
        self.port: int = port
        self.connections: int = 0
        self._receive_buffer = receive_buffer
        self._lock = threading.Lock()
        self._listening: socket.socket | None = None
        self._reserved: socket.socket | None = None
        self._acceptor = threading.Thread()
        self._channels: dict[Channel, threading.Thread] = {}

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @abc.abstractmethod
    def serve(self, channel: Channel) -> None:
        """
        Talk to one client until it goes; the connection is closed afterwards.
        """

    @property
    def running(self) -> bool:
        """
        Whether connections are accepted now.
        """
        return self._listening is not None

    def start(self) -> None:
        """
        Listen; on the same port as before if this is not the first time.
        """
        _close_copies_in_forked_children()
        _servers.add(self)
        with self._lock:
            if self._listening is not None:
                return
            sock = self._reserved or self._bind(patience=0)
            self._reserved = None
            sock.listen(_BACKLOG)
            self._listening = sock
            self._acceptor = threading.Thread(target=self._accept, args=(sock,), daemon=True)
            self._acceptor.start()

    def stop(self) -> None:
        """
        Refuse new connections and end the present ones.
        """
        with self._lock:
            sock, self._listening = self._listening, None
            if sock is None:
                return
            self._shut(sock)
            self._reserved = self._bind(patience=_PATIENCE)
        self.drop_connections()
        self._join((self._acceptor,))

    def close(self) -> None:
        """
        Stop, and give the port back.
        """
        self.stop()
        with self._lock:
            if self._reserved is not None:
                self._reserved.close()
                self._reserved = None

    def drop_connections(self) -> None:
        """
        End every present connection, and wait until its thread has ended too.
        """
        with self._lock:
            channels = dict(self._channels)
        for channel in channels:
            channel.abort()
        self._join(tuple(channels.values()))

    def _forget(self) -> None:
        # In the child of a fork, close only the child's copies; the parent's server continues.
        self._lock = threading.Lock()
        for sock in (self._listening, self._reserved, *self._channels):
            if isinstance(sock, Channel):
                sock.forget()
            elif sock is not None:
                sock.close()
        self._listening = self._reserved = None
        self._channels = {}

    def _bind(self, *, patience: float) -> socket.socket:
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if self._receive_buffer is not None:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._receive_buffer)
            ends = time.monotonic() + patience
            while True:
                try:
                    sock.bind((self.host, self.port))
                    break
                except OSError as exc:
                    if exc.errno != errno.EADDRINUSE or time.monotonic() >= ends:
                        raise
                    # Our own socket may need a moment to leave the port.
                    time.sleep(0.005)  # pragma: no cover  # not on Linux
        except BaseException:
            sock.close()
            raise
        self.port = sock.getsockname()[1]
        return sock

    def _shut(self, sock: socket.socket) -> None:
        try:
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:  # pragma: no cover  # not on Linux
            # A last connection wakes the thread that sits in accept.
            with contextlib.suppress(OSError):
                socket.create_connection((self.host, self.port), 0.1).close()
        sock.close()

    def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                sock, _ = listening.accept()
            except OSError:
                if self._listening is not listening:
                    return
                time.sleep(0.005)  # pragma: no cover  # no files are left, or a client left early
                continue  # pragma: no cover
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                if self._listening is not listening:  # pragma: no cover  # stopped just now
                    sock.close()
                    return
                self.connections += 1
                channel = Channel(sock, self.connections)
                thread = threading.Thread(target=self._run, args=(channel,), daemon=True)
                self._channels[channel] = thread
            thread.start()

    def _run(self, channel: Channel) -> None:
        try:
            self.serve(channel)
        except (OSError, Disconnected):
            pass  # The peer left, or we were stopped: both are ordinary here.
        finally:
            if channel.open:
                channel.close()
            with self._lock:
                self._channels.pop(channel, None)

    def _join(self, threads: tuple[threading.Thread, ...]) -> None:
        ends = time.monotonic() + _PATIENCE
        for thread in threads:
            if thread is not threading.current_thread() and thread.is_alive():
                thread.join(max(0.0, ends - time.monotonic()))


@functools.cache
def _close_copies_in_forked_children() -> None:
    if hasattr(os, "register_at_fork"):  # pragma: no branch  # not on Windows
        os.register_at_fork(after_in_child=_forget_all)


def _forget_all() -> None:
    for server in tuple(_servers):
        server._forget()  # noqa: SLF001
