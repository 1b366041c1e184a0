"""
The SMTP port and its worker in one process.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from threading import Thread
from typing import TYPE_CHECKING, Any

from mailfailover.cli.listening import import_service, wait_for_the_end
from mailfailover.cli.logs import log_to_stderr
from mailfailover.cli.output import say
from mailfailover.cli.source import is_configured, open_mailer
from mailfailover.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from mailfailover.service.parts import Service

PREVIEW = "preview://"
_LOG = logging.getLogger("mailfailover.relay")
_CLOSED = (
    "Until you create an API key, only this machine may send. "
    "Create a key to let others in: mailfailover keys add NAME"
)


def run_relay(
    dsn: str | None,
    config: Path | None,
    database: str | None,
    *,
    listen: Sequence[str],
    listen_tls: Sequence[str],
    tls_cert: Path | None,
    tls_key: Path | None,
    workers: int,
    **options: Any,
) -> None:
    """
    Take mails by SMTP and send them, until told to end.

    Raises:
        ConfigurationError: If something is not configured, or a port cannot be had.
    """
    wiring = import_service("wiring")
    log_to_stderr()
    if not is_configured(dsn, config):
        dsn = PREVIEW
        say(
            "No provider is configured: mails are kept in the mailbox, nobody gets them. "
            "See them with: mailfailover preview",
            err=True,
        )
    parts: Service = wiring.assemble(partial(open_mailer, dsn, config), database)
    with (
        parts.mailer,
        import_service("background").working(parts, workers),
        relaying(parts, listen, listen_tls, tls_cert, tls_key, **options),
    ):
        if not parts.keys.exist():
            _LOG.info(_CLOSED)
        wait_for_the_end()


@contextmanager
def relaying(
    parts: Service,
    listen: Sequence[str],
    listen_tls: Sequence[str],
    tls_cert: Path | None,
    tls_key: Path | None,
    *,
    bounce_from: str = "",
    **options: Any,
) -> Iterator[None]:
    """
    Listen meanwhile, and report failures to the senders of envelopes.
    """
    room = _import_relay("listener")
    addresses = [room.Address.parse(one) for one in listen]
    addresses += [room.Address.parse(one, tls=True) for one in listen_tls]
    certificates = None
    if tls_cert or tls_key:
        if not (tls_cert and tls_key):
            raise ConfigurationError("TLS needs both --tls-cert and --tls-key")
        certificates = _import_relay("certificates").Certificates(tls_cert, tls_key)
    relay = room.Relay(parts, addresses, certificates=certificates, **options)
    reporter = _import_relay("reports").Reporter(parts, relay.submissions, bounce_from=bounce_from)
    relay.start()
    for address, port in zip(addresses, relay.ports, strict=True):
        scheme = "smtps" if address.tls else "smtp"
        say(f"relay: {scheme}://{address.host}:{port}  (Ctrl-C ends it)", err=True)
    thread = Thread(target=reporter.run, name="mailfailover-reports")
    thread.start()
    try:
        yield
    finally:
        relay.stop()
        reporter.stop()
        thread.join()


def _import_relay(module: str) -> Any:
    try:
        return import_module(f"mailfailover.relay.{module}")
    except ModuleNotFoundError as exc:
        if str(exc.name).startswith("mailfailover"):
            raise
        message = f'this command needs {exc.name}: pip install "mailfailover[relay]"'
    raise ConfigurationError(message)
