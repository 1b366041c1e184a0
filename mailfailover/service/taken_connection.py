"""
A connection taken from the server, so that an answer can go on without a thread of the server.

WSGI knows no such thing. gunicorn shows its socket, which can be detached; ``mailfailover serve``
offers a second handle of its own. Other servers, and connections in TLS, keep their connection.
"""

from __future__ import annotations

import errno
import socket
from typing import TYPE_CHECKING, Any

from flask import Response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from wsgiref.types import StartResponse

    Environ = dict[str, Any]

__all__ = ["TAKE", "Continued", "can_be_taken"]

TAKE = "mailfailover.take_connection"
"""The name in the environ of a function that returns a second handle of the connection."""


class Continued(Response):
    """
    An answer whose connection is handed on, once all headers are known.

    Attributes:
        hand_on: Gets the connection, and the head of the answer as bytes.
    """

    hand_on: Callable[[socket.socket, bytes], None]

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterator[bytes]:
        """
        Hand the connection on, and tell the server that it is gone before anything is written.
        """
        _, status, headers = self.get_wsgi_response(environ)
        start_response(status, headers)
        lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers)]
        head = "\r\n".join([*lines, "Connection: close", "", ""])
        self.hand_on(_take(environ), head.encode("latin-1"))
        return _Gone()


class _Gone:
    """
    A body that says, as the server asks for it, that nobody is there any more.
    """

    def __iter__(self) -> _Gone:
        return self

    def __next__(self) -> bytes:
        raise BrokenPipeError(errno.EPIPE, "the connection was handed on")


def can_be_taken(environ: Mapping[str, Any]) -> bool:
    """
    Tell whether the server of a request can do without its connection.
    """
    if environ.get("HTTP_VERSION") == "2":
        return False  # others share this connection
    return TAKE in environ or _is_plain(environ.get("gunicorn.socket"))


def _take(environ: Mapping[str, Any]) -> socket.socket:
    if TAKE in environ:
        found: socket.socket = environ[TAKE]()
        return found
    # Detached, not duplicated: gunicorn shuts its socket down, which would end the other handle.
    return socket.socket(fileno=environ["gunicorn.socket"].detach())


def _is_plain(found: object) -> bool:
    """
    Tell a socket of the system from those of TLS and of gevent.
    """
    return isinstance(found, socket.socket) and type(found).__module__ == "socket"
