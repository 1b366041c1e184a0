"""
A memory of peers: the process behind an open connection is looked for once, not for each request.

The look goes through all processes of the machine, which takes longer than everything else that a
request needs. A connection that stays open keeps its peer, so an answer is good for as long as the
server holds the same connection, but not for long: the peer may have become a server since.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from threading import Lock
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from mailfailover.service.peer import Peer, find_peer

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["PeerMemory", "connection_of", "peer_of", "remote"]

SECONDS = 10.0
"""How long an answer is good."""

Environ = Mapping[str, Any]


class PeerMemory:
    """
    Remembers the peers of connections that are open.

    Args:
        look: Finds the peer of a request.

        clock: Seconds that only grow.
    """

    def __init__(
        self,
        look: Callable[[Environ], Peer | None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._look = look or peer_of
        self._clock = clock
        self._found: WeakKeyDictionary[Any, tuple[float, Peer | None]] = WeakKeyDictionary()
        self._lock = Lock()

    def peer_of(self, environ: Environ) -> Peer | None:
        """
        Return what :func:`peer_of` found for the request's connection within the last seconds.
        """
        connection = connection_of(environ)
        if connection is None:
            return self._look(environ)
        with self._lock:
            until, peer = self._found.get(connection, (0.0, None))
        if until <= self._clock():
            until, peer = self._clock() + SECONDS, self._look(environ)
            with self._lock:
                self._found[connection] = until, peer
        return peer


def peer_of(environ: Environ) -> Peer | None:
    """
    Find the process that sent a request; None where it is not ours to see.

    Raises:
        OSError: If the system or the server does not tell.
    """
    port = str(environ.get("REMOTE_PORT") or "")
    if not port.isdigit():
        message = "this server does not tell the port of its peer"
        raise OSError(message)
    return find_peer(remote(environ), port, str(environ["SERVER_PORT"]))


def remote(environ: Environ) -> str:
    """
    Return the address of the peer, even if a trusted proxy named another client.
    """
    before: Environ = environ.get("werkzeug.proxy_fix.orig", environ)
    return str(before.get("REMOTE_ADDR") or "")


def connection_of(environ: Environ) -> object | None:
    """
    Return the server's own object for the connection of a request, None where it shows none.
    """
    if (socket := environ.get("gunicorn.socket")) is not None:
        found: object = socket
        return found
    return getattr(environ.get("waitress.client_disconnected"), "__self__", None)
