"""
A health server for a process without another port: a worker, or a sweeper.

Only the standard library is needed: a worker may run without the service's packages.
"""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

from mailfailover.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from mailfailover.outbox._worker import OutboxWorker

    Check = Callable[[], Mapping[str, str]]

__all__ = ["OK", "answering", "check_worker"]

OK = "ok"
STALLED = 120.0
"""After so many seconds without a look for work a worker is stuck; a database that is away makes
it wait for half a minute at most."""

_TIMEOUT = 10.0
_HIGHEST_PORT = 65535


def check_worker(
    worker: OutboxWorker, clock: Callable[[], float] = time.monotonic
) -> Mapping[str, str]:
    """
    Tell whether *worker* still looks for work.
    """
    silent = clock() - worker.seen
    return {"worker": OK if silent < STALLED else f"has not looked for work for {silent:.0f} s"}


@contextmanager
def answering(listen: str, alive: Check, ready: Check) -> Iterator[str]:
    """
    Answer ``/healthz`` and ``/readyz`` meanwhile; yield the URL, "" where it does not listen.

    Args:
        listen: ``HOST:PORT``, or a port of this machine; "" for nowhere, port 0 for any free one.

        alive, ready: The checks by name; all is well if each says ``ok``.

    Raises:
        ConfigurationError: If the address means nothing, or cannot be had.
    """
    if not listen:
        yield ""
        return
    server = _bind(listen, {"/healthz": alive, "/readyz": ready})
    host, port = server.server_address[:2]
    url = f"http://{host!s}:{port}"
    thread = Thread(target=server.serve_forever, name="mailfailover-health", daemon=True)
    thread.start()
    try:
        yield url
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    checks: Mapping[str, Check]
    timeout = _TIMEOUT

    def do_GET(self) -> None:
        check = self.checks.get(self.path.partition("?")[0])
        if check is None:
            self._answer(404, {"status": "there are /healthz and /readyz"})
            return
        found = check()
        well = set(found.values()) <= {OK}
        self._answer(200 if well else 503, {"status": OK if well else "unavailable", **found})

    def _answer(self, status: int, data: Mapping[str, str]) -> None:
        body = json.dumps(data).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass  # somebody asks every few seconds


def _bind(listen: str, checks: Mapping[str, Check]) -> ThreadingHTTPServer:
    host, _, port = listen.rpartition(":")
    if not (port.isascii() and port.isdigit() and int(port) <= _HIGHEST_PORT):
        message = f"health {listen!r} is no address: give HOST:PORT, such as 0.0.0.0:8001"
        raise ConfigurationError(message)
    handler = type("Handler", (_Handler,), {"checks": checks})
    try:
        return ThreadingHTTPServer((host or "127.0.0.1", int(port)), handler)
    except OSError as exc:
        message = f"health {listen} cannot be had ({exc.strerror}): give another port"
        raise ConfigurationError(message) from exc
