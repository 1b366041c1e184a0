"""
The service and its worker in one process.
"""

from __future__ import annotations

import logging
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

from mailfailover.cli.health_server import answering
from mailfailover.cli.listening import import_service, listen, wait_for_the_end
from mailfailover.cli.logs import log_to_stderr
from mailfailover.cli.output import say
from mailfailover.cli.source import is_configured, open_mailer

if TYPE_CHECKING:
    from pathlib import Path

    from mailfailover.service.parts import Service

_LOG = logging.getLogger("mailfailover.service")
PREVIEW = "preview://"
WORKERS = 4
_CLOSED = (
    "Until you create an API key, only this machine may send. "
    "Create a key to let others in: mailfailover keys add NAME"
)
_OPEN = (
    "There is no API key, and --trust-proxy is set: every client that the proxy lets through may "
    "send and read every mail. Create a key to close this: mailfailover keys add NAME"
)


def run_serve(
    dsn: str | None,
    config: Path | None,
    database: str | None,
    *,
    host: str,
    port: int,
    preview: bool,
    workers: int | None,
    worker_only: bool,
    threads: int,
    proxies: int,
    prefix: str,
    trust_proxy: bool,
    health: str,
    smtp: tuple[str, ...],
    smtp_tls: tuple[str, ...],
    tls_cert: Path | None,
    tls_key: Path | None,
) -> None:
    """
    Serve until told to end; then let the worker finish what it is sending.

    Raises:
        ConfigurationError: If something is not configured, or the port cannot be had.
    """
    wiring = import_service("wiring")
    log_to_stderr()
    if preview and not is_configured(dsn, config):
        dsn = PREVIEW
        say("No provider is configured: mails are kept in the mailbox, nobody gets them.", err=True)
    parts: Service = wiring.assemble(partial(open_mailer, dsn, config), database)
    if worker_only:
        workers = workers or 1
    if workers is None:
        workers = 0 if parts.broker else WORKERS
    with (
        parts.mailer,
        import_service("background").working(parts, workers) as worker,
        ExitStack() as stack,
    ):
        if worker_only:
            from mailfailover.outbox._health_server import check_worker

            ready = import_service("health").check_readiness
            with answering(health, partial(check_worker, worker), partial(ready, parts)):
                wait_for_the_end()
            return
        if smtp or smtp_tls:
            from mailfailover.cli.relay import relaying

            stack.enter_context(relaying(parts, smtp, smtp_tls, tls_cert, tls_key))
        if not parts.keys.exist():
            _LOG.warning(_OPEN) if trust_proxy else _LOG.info(_CLOSED)
        app = wiring.application(parts, proxies=proxies, trust_proxy=trust_proxy)
        listen(
            app,
            host,
            port,
            name="service",
            threads=threads,
            max_request_body_size=parts.max_bytes,
            url_prefix=prefix,
        )
