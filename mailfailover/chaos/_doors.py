"""
The doors: ports that speak HTTP and HTTPS alike, and which of them are open.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from mailfailover.testing._http_wire import read_request
from mailfailover.testing._loopback import LoopbackServer

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from mailfailover.testing import RecordedRequest
    from mailfailover.testing._channel import Channel

__all__ = ["MAX_BYTES", "Door", "Doors", "address_of"]

MAX_BYTES = 64 * 1024 * 1024
"""The size limit of a request, above every vendor's limit."""

_HANDSHAKE = b"\x16"


class Door(LoopbackServer):
    """
    A port that tells TLS by a connection's first byte.

    Args:
        answer: Called with each request, and the connection to answer it on.

        context: The server's side of TLS, asked for at each handshake.
    """

    def __init__(
        self,
        host: str,
        port: int,
        answer: Callable[[Channel, RecordedRequest], None],
        context: Callable[[], ssl.SSLContext],
    ) -> None:
        super().__init__(host=host, port=port)
        self._answer = answer
        self._context = context

    def serve(self, channel: Channel) -> None:
        """
        Answer one connection's requests.
        """
        if channel.peek() == _HANDSHAKE:
            channel.start_tls(self._context())
        while channel.open and channel.arrived():
            request = read_request(channel, max_bytes=MAX_BYTES)
            self._answer(channel, request)
            if request.header("Connection").lower() == "close":
                return


class Doors:
    """
    The port that all vendors share, and the ports of single ones; safe from many threads.

    Args:
        shared: The port of the page, the API and of every vendor.

        own: The ports of single vendors that are open from the beginning.

        make: Makes the port of a vendor of its own.
    """

    def __init__(
        self,
        shared: Door,
        own: dict[str, LoopbackServer],
        make: Callable[[str], LoopbackServer],
    ) -> None:
        self.shared = shared
        self._own = own
        self._make = make
        self._lock = threading.RLock()
        self._closed = False

    def start(self) -> None:
        """
        Listen.

        Raises:
            OSError: If a port is not available; no port is open then.
        """
        try:
            for door in (self.shared, *self._own.values()):
                door.start()
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        """
        End every connection, and give the ports back.
        """
        with self._lock:
            self._closed = True
            for door in (self.shared, *self._own.values()):
                door.close()

    def own(self, vendor: str) -> LoopbackServer:
        """
        The vendor's own port, which is opened when it is first asked for.
        """
        with self._lock:
            if vendor not in self._own:
                self._own[vendor] = self._make(vendor)
                self._own[vendor].start()
            return self._own[vendor]

    def open_and_close(self, is_refusing: Callable[[str], bool]) -> None:
        """
        Close the own ports of vendors that refuse connections, and open those of the others.
        """
        with self._lock:
            for name, door in self._own.items():
                if is_refusing(name):
                    door.stop()
                elif not self._closed:
                    door.start()


def address_of(door: LoopbackServer) -> str:
    """
    Host and port of *door*, for a program on this machine.
    """
    host = "127.0.0.1" if door.host == "0.0.0.0" else door.host  # noqa: S104 -- compared, not listened on
    return f"{host}:{door.port}"
