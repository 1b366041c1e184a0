"""
A web application served until it is told to end.
"""

from __future__ import annotations

import signal
import socket
from contextlib import contextmanager, suppress
from importlib import import_module
from threading import Event
from typing import TYPE_CHECKING, Any

from mailfailover.cli.output import say
from mailfailover.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

INSTALL = 'pip install "mailfailover[service]"'


def import_service(module: str) -> Any:
    """
    Import a module of the service, whose packages the extra ``service`` brings.

    Raises:
        ConfigurationError: If the extra is not installed.
    """
    try:
        return import_module(f"mailfailover.service.{module}")
    except ModuleNotFoundError as exc:
        if str(exc.name).startswith("mailfailover"):
            raise
        message = f"this command needs {exc.name}: {INSTALL}"
    raise ConfigurationError(message)


def listen(app: Any, host: str, port: int, *, name: str, threads: int = 8, **options: Any) -> None:
    """
    Serve *app*, called *name* on the terminal, until Ctrl-C or SIGTERM; port 0 is any free one.

    Raises:
        ConfigurationError: If the port cannot be had.
    """
    from mailfailover.cli.connections import ConnectionLimits, Server

    bound = _bind(host, port)
    server = Server(
        app,
        bound,
        ConnectionLimits(),
        threads=threads,
        ident=None,
        # Taken away, they could not tell that a request came through a proxy on this machine.
        clear_untrusted_proxy_headers=False,
        channel_request_lookahead=1,  # so that a stream hears that its reader went away
        **options,
    )
    shown = f"[{host}]" if ":" in host else host
    say(f"{name}: http://{shown}:{bound.getsockname()[1]}  (Ctrl-C ends it)", err=True)
    with _ending_on_sigterm():
        try:
            server.run()
        finally:
            server.close()


def wait_for_the_end() -> None:
    """
    Return when Ctrl-C or SIGTERM comes.
    """
    with _ending_on_sigterm(), suppress(KeyboardInterrupt, SystemExit):
        Event().wait()


@contextmanager
def _ending_on_sigterm() -> Iterator[None]:
    before = signal.signal(signal.SIGTERM, _end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=1024)
    except OSError as exc:
        message = f"port {port} of {host} cannot be had ({exc.strerror}): give another --port"
        raise ConfigurationError(message) from exc


def _end(*_signal: object) -> None:
    raise SystemExit(0)
