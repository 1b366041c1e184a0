"""
Taking webhooks with the standard library's server, until told to end.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from threading import Thread
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from mailfailover.cli.database import load
from mailfailover.cli.event_handlers import EventHandlers, event_shower
from mailfailover.cli.output import say
from mailfailover.cli.source import open_mailer
from mailfailover.errors import ConfigurationError
from mailfailover.unsubscribe import UnsubscribeLinks
from mailfailover.webhooks.wsgi import create_app

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


logger: logging.Logger = logging.getLogger("mailfailover")

CALLBACK_SECRET = "MAILFAILOVER_CALLBACK_SECRET"  # noqa: S105 -- the name of a variable
UNSUBSCRIBE_SECRET = "MAILFAILOVER_UNSUBSCRIBE_SECRET"  # noqa: S105 -- the same


def run_webhooks(
    host: str,
    port: int,
    *,
    dsn: str | None,
    config: Path | None,
    database: str | None,
    callback_url: str | None,
    unsubscribe_url: str | None,
    as_json: bool,
) -> None:
    """
    Take webhooks until told to end.

    Raises:
        ConfigurationError: If something is not configured, or the port cannot be had.
    """
    parts = EventHandlers.open(database)
    replays = load("mailfailover.webhooks.sql").SQLReplays(parts.engine)
    replays.init()
    links = _links(unsubscribe_url)
    handlers = [*parts.all, event_shower(as_json=as_json)]
    with _calling(callback_url, parts.engine) as callers:
        mailer = open_mailer(
            dsn,
            config,
            on_event=[*handlers, *callers],
            replays=replays,
            deliveries=parts.deliveries,
        )
        if not mailer.webhooks.keys:
            message = "none of the providers has webhooks"
            raise ConfigurationError(message)
        with mailer:
            _serve(create_app(mailer, unsubscribe=links), host, port, mailer.webhooks.keys)


def _links(url: str | None) -> UnsubscribeLinks | None:
    if not url:
        return None
    return UnsubscribeLinks(url, os.environ.get(UNSUBSCRIBE_SECRET, ""))


@contextmanager
def _calling(url: str | None, engine: Any) -> Iterator[list[Any]]:
    """
    Tell another system too, if there is one, by a thread of its own.
    """
    if not url:
        yield []
        return
    secret = os.environ.get(CALLBACK_SECRET, "")
    callbacks = load("mailfailover.callbacks").Callbacks(url, secret, database=engine)
    thread = Thread(target=callbacks.run, name="mailfailover-callbacks")
    thread.start()
    try:
        yield [callbacks]
    finally:
        callbacks.stop()
        thread.join()


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 128

    def server_bind(self) -> None:
        # Not WSGIServer's, which asks for the host's name over the network.
        self.socket.bind(self.server_address)
        host, self.server_port = self.socket.getsockname()[:2]
        self.server_name = str(host)
        self.setup_environ()


class _SixServer(_Server):
    address_family = socket.AF_INET6


class _Handler(WSGIRequestHandler):
    timeout = 30  # a client that is silent for so long is gone

    def log_message(self, format: str, *args: Any) -> None:
        logger.debug("%s", format % args)


def _serve(app: Any, host: str, port: int, keys: tuple[str, ...]) -> None:
    kind = _SixServer if ":" in host else _Server
    try:
        server = make_server(host, port, app, server_class=kind, handler_class=_Handler)
    except OSError as exc:
        message = f"port {port} of {host} cannot be had ({exc.strerror}): give another --listen"
        raise ConfigurationError(message) from None
    shown = f"[{host}]" if ":" in host else host
    url = f"http://{shown}:{server.server_port}"
    paths = ", ".join(f"/webhooks/{key}" for key in keys)
    say(f"webhooks: {url}  (Ctrl-C ends it)  {paths}", err=True)
    before = signal.signal(signal.SIGTERM, _end)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        return
    finally:
        server.server_close()
        signal.signal(signal.SIGTERM, before)


def _end(*_signal: object) -> None:
    raise SystemExit(0)
