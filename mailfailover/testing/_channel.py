"""
One accepted TCP connection, read and broken byte by byte.
"""

from __future__ import annotations

import contextlib
import socket as sockets
import ssl
import struct
import threading
import time

__all__ = ["RESET_ON_CLOSE", "Channel", "Disconnected"]

_CHUNK = 65536
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Disconnected(Exception):
    """
    The peer closed the connection, or the server is being stopped.
    """


class Channel:
    """
    A server's end of one connection: buffered reads, and every way to break it.

    One thread reads and writes; only `abort` may be called from another.
    """

    def __init__(self, sock: sockets.socket, number: int) -> None:
        self.number = number
        self.open: bool = True
        self._sock = sock
        self._buffer = bytearray()
        self._aborted = threading.Event()
        self._lock = threading.Lock()

    @property
    def secure(self) -> bool:
        """
        Whether the connection is encrypted by now.
        """
        return isinstance(self._sock, ssl.SSLSocket)

    @property
    def socket(self) -> sockets.socket:
        """
        The socket itself, for code that passes bytes on without reading them.
        """
        return self._sock

    def arrived(self) -> bool:
        """
        Block until the peer has sent something, and leave it unread.

        Returns:
            False when the peer has closed its end instead.
        """
        if self._buffer or (isinstance(self._sock, ssl.SSLSocket) and self._sock.pending()):
            return True
        return bool(self.peek())

    def peek(self) -> bytes:
        """
        Block for the connection's next byte as the wire has it, and leave it unread.
        """
        # The plain socket's method: SSLSocket.recv allows no flags.
        return sockets.socket.recv(self._sock, 1, sockets.MSG_PEEK)

    def read_until(self, mark: bytes) -> bytes:
        """
        Read up to and with *mark*.
        """
        searched = 0
        while (at := self._buffer.find(mark, searched)) < 0:
            searched = max(0, len(self._buffer) - len(mark) + 1)
            self._fill()
        end = at + len(mark)
        data = bytes(self._buffer[:end])
        del self._buffer[:end]
        return data

    def read_exactly(self, size: int) -> bytes:
        """
        Read *size* bytes.
        """
        if size <= len(self._buffer):
            data = bytes(self._buffer[:size])
            del self._buffer[:size]
            return data
        whole = bytearray(size)
        have = len(self._buffer)
        whole[:have] = self._buffer
        self._buffer.clear()
        with memoryview(whole) as view:
            while have < size:
                got = self._sock.recv_into(view[have:])
                if not got:
                    raise Disconnected
                have += got
        return bytes(whole)

    def read_some(self) -> bytes:
        """
        Read the bytes that have arrived, at least one.
        """
        self._fill()
        data = bytes(self._buffer)
        self._buffer.clear()
        return data

    def send(self, data: bytes) -> None:
        """
        Write all of *data*.
        """
        self._sock.sendall(data)

    def drip(self, data: bytes, interval: float) -> None:
        """
        Write *data* one byte at a time, *interval* seconds apart.
        """
        for byte in data:
            self.pause(interval)
            self._sock.sendall(bytes((byte,)))

    def pause(self, seconds: float) -> None:
        """
        Sleep, unless the server is stopped meanwhile.
        """
        if self._aborted.wait(seconds):
            raise Disconnected

    def hold(self, seconds: float | None = None) -> None:
        """
        Do nothing, read nothing, until the server is stopped or *seconds* have passed; then close.
        """
        self._aborted.wait(seconds)
        self.close()

    def drain(self, seconds: float | None = None) -> None:
        """
        Swallow what comes, say nothing, until the peer goes or *seconds* have passed; then close.
        """
        ends = None if seconds is None else time.monotonic() + seconds
        with contextlib.suppress(OSError):
            self._sock.settimeout(seconds)
            while self._sock.recv(_CHUNK):
                if ends is not None:
                    self._sock.settimeout(max(0.001, ends - time.monotonic()))
        self.close()

    def start_tls(self, context: ssl.SSLContext) -> None:
        """
        Do the server's half of a TLS handshake; forget what came before it.
        """
        self._buffer.clear()
        with self._lock:
            self._sock = context.wrap_socket(
                self._sock, server_side=True, do_handshake_on_connect=False
            )
            handshake = self._sock.do_handshake
        if self._aborted.is_set():  # pragma: no cover  # stopped in this very moment
            raise Disconnected
        handshake()

    def close(self) -> None:
        """
        Close with a FIN.
        """
        with self._lock:
            self.open = False
            # Unlike close alone, this also ends it while a forked process has a copy.
            with contextlib.suppress(OSError):
                sockets.socket.shutdown(self._sock, sockets.SHUT_RDWR)
            self._sock.close()

    def reset(self) -> None:
        """
        Close with a RST.
        """
        with self._lock:
            self.open = False
            with contextlib.suppress(OSError):
                self._sock.setsockopt(sockets.SOL_SOCKET, sockets.SO_LINGER, RESET_ON_CLOSE)
            self._sock.close()

    def abort(self) -> None:
        """
        Make the thread that uses this channel stop; safe from any thread.
        """
        self._aborted.set()
        with self._lock, contextlib.suppress(OSError):
            sockets.socket.shutdown(self._sock, sockets.SHUT_RDWR)

    def forget(self) -> None:
        """
        Close this process's copy only: for the child of a fork.
        """
        self._sock.close()

    def _fill(self) -> None:
        data = self._sock.recv(_CHUNK)
        if not data:
            raise Disconnected
        self._buffer += data
