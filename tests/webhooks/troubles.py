"""
What goes wrong with a webhook and may be our own fault, for every door through which it comes.

The vendor is Brevo: it drops an event at any status of failure but 429.
"""

from __future__ import annotations

import sqlite3
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest

from mailfailover.plugin import basic_auth
from mailfailover.providers.brevo import Brevo

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from wsgiref.types import WSGIApplication

BREVO = Brevo(api_key="secret-key", webhook_username="me", webhook_password="secret-hook")
DSN = "brevo://secret-key@default?webhook_username=me&webhook_password=secret-hook"
DELIVERED = b'{"event": "delivered", "email": "ann@example.org", "message-id": "<1@example.com>"}'


@dataclass(frozen=True)
class Trouble:
    """
    A call, and whether the handlers of its event fail.
    """

    password: str = "secret-hook"
    body: bytes = DELIVERED
    error: Exception | None = None

    @property
    def headers(self) -> Mapping[str, str]:
        """
        Those that the vendor sends.
        """
        return {
            "Content-Type": "application/json",
            "Authorization": basic_auth("me", self.password),
        }


TROUBLES = {
    "another password": Trouble(password="secret-new"),
    "unreadable": Trouble(body=b"{"),
    "database down": Trouble(error=sqlite3.OperationalError("unable to open database file")),
}
each_trouble = pytest.mark.parametrize("name", TROUBLES)


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None: ...


@contextmanager
def served(app: WSGIApplication) -> Iterator[int]:
    """
    Serve *app* on a port of this machine.
    """
    with make_server("127.0.0.1", 0, app, handler_class=_Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def post(port: int, path: str, trouble: Trouble) -> int:
    """
    Bring the webhook as the vendor does, and return the status of the answer.
    """
    connection: Any = HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("POST", path, trouble.body, dict(trouble.headers))
    answer = connection.getresponse()
    answer.read()
    connection.close()
    status: int = answer.status
    return status
