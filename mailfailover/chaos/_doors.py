"""
The doors: ports that speak HTTP and HTTPS alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailfailover.testing._http_wire import read_request
from mailfailover.testing._loopback import LoopbackServer

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from mailfailover.testing import RecordedRequest
    from mailfailover.testing._channel import Channel

__all__ = ["MAX_BYTES", "Door"]

MAX_BYTES = 64 * 1024 * 1024
"""What a request may have; more than any vendor takes."""

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
