"""
The service and its worker in one process.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from threading import Thread
from typing import TYPE_CHECKING, Any

from mailfailover._cli.listening import import_service, listen
from mailfailover._cli.logs import log_to_stderr
from mailfailover._cli.output import say
from mailfailover._cli.source import is_configured, open_mailer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mailfailover.service.parts import Service

PREVIEW = "preview://"


def run_serve(
    dsn: str | None,
    config: Path | None,
    database: str | None,
    *,
    host: str,
    port: int,
    preview: bool,
    workers: int,
    threads: int,
    proxies: int,
) -> None:
    """
    Serve until told to end; then let the worker finish what it is sending.

    Raises:
        ConfigurationError: If something is not configured, or the port cannot be had.
    """
    wiring = import_service(_wiring)
    log_to_stderr()
    if preview and not is_configured(dsn, config):
        dsn = PREVIEW
        say("No provider is configured: mails are kept in the mailbox, nobody gets them.", err=True)
    parts: Service = wiring.assemble(partial(open_mailer, dsn, config), database)
    if not parts.keys.exist():
        hint = "Make an API key to let others in: mailfailover keys add NAME"
        say(f"There is no API key: this machine alone is served. {hint}", err=True)
    app = wiring.application(parts, proxies=proxies)
    size = parts.max_bytes
    with parts.mailer, _working(parts, workers):
        listen(app, host, port, name="service", threads=threads, max_request_body_size=size)


@contextmanager
def _working(parts: Service, threads: int) -> Iterator[None]:
    """
    Let a worker of so many threads send mails meanwhile; 0 is none.
    """
    if not threads:
        yield
        return
    from mailfailover.outbox import OutboxWorker

    worker = OutboxWorker(parts.outbox, parts.mailer, threads=threads, poll=0.25)
    thread = Thread(target=worker.run, name="mailfailover-worker")
    thread.start()
    try:
        yield
    finally:
        worker.stop()
        thread.join()


def _wiring() -> Any:
    from mailfailover.service import wiring

    return wiring
