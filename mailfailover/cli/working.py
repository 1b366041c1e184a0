"""
The work of ``mailfailover worker``.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from rich.console import Console

from mailfailover.cli.exits import INTERRUPTED
from mailfailover.cli.health_server import answering
from mailfailover.cli.json_logs import JSONFormatter
from mailfailover.cli.known_deliveries import deliveries_beside
from mailfailover.cli.outbox_commands import open_outbox
from mailfailover.cli.output import say
from mailfailover.cli.source import open_mailer
from mailfailover.cli.work_view import WorkView
from mailfailover.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mailfailover._sql.database_file import DatabaseFile
    from mailfailover.outbox import Outbox, OutboxWorker

_logger = logging.getLogger("mailfailover")
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def run_worker(
    database: str | None,
    dsn: str | None,
    config: Path | None,
    *,
    once: bool,
    health: str,
    as_json: bool,
    **settings: Any,
) -> None:
    """
    Work until a signal comes, or, *once*, until nothing is due.

    Raises:
        ConfigurationError: If there is no outbox, or no provider.
    """
    kept: dict[str, Any] = {
        one: timedelta(days=settings.pop(one)) for one in ("keep", "keep_content")
    }
    outbox = open_outbox(database, **kept)
    from mailfailover._sql.database_file import DatabaseFile
    from mailfailover.outbox import OutboxWorker
    from mailfailover.outbox._health_server import check_worker

    file = DatabaseFile.of(outbox.engine)
    with (
        deliveries_beside(outbox) as known,
        open_mailer(dsn, config, **known) as mailer,
    ):
        worker = OutboxWorker(outbox, mailer, **settings)
        alive, ready = partial(check_worker, worker), partial(_check_database, outbox, file)
        with (
            answering(health, alive, ready),
            _stopping(worker),
            _showing(worker, as_json=as_json),
        ):
            if once:
                worker.run_once()
            else:
                worker.run()
    outbox.close()


def _check_database(outbox: Outbox, file: DatabaseFile) -> dict[str, str]:
    """
    Tell whether the database can be used.
    """
    from mailfailover.outbox._health_server import OK

    try:
        outbox.check()
    except ConfigurationError as exc:
        return {"database": str(exc)}
    return {"database": file.find_fault() or OK}


@contextmanager
def _stopping(worker: OutboxWorker) -> Iterator[None]:
    """
    Stop *worker* at the first signal; at the second, end at once.
    """

    def stop(*_signal: object) -> None:
        if worker.stopping:
            os._exit(INTERRUPTED)
        worker.stop()

    before = {number: signal.signal(number, stop) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _showing(worker: OutboxWorker, *, as_json: bool) -> Iterator[None]:
    """
    Show progress where somebody can see it, log elsewhere; a last line in both.
    """
    console = Console(stderr=True)
    if as_json or not console.is_terminal or console.is_dumb_terminal:
        with _logging(logging.StreamHandler(sys.stderr), JSONFormatter()):
            _logger.info("the worker begins: %s", ", ".join(worker.mailer.chain.keys))
            yield
            counts = ", ".join(f"{count} {state}" for state, count in worker.counts.items())
            _logger.info("the worker ends: %s", counts or "nothing was to do")
        return
    view = WorkView(worker, console)
    with _logging(view.handler, logging.Formatter("%(message)s")), view.shown():
        yield
    say(view.summary(), err=True)


@contextmanager
def _logging(handler: logging.Handler, formatter: logging.Formatter) -> Iterator[None]:
    handler.setFormatter(formatter)
    level = _logger.level
    _logger.setLevel(logging.INFO)
    _logger.addHandler(handler)
    try:
        yield
    finally:
        _logger.removeHandler(handler)
        _logger.setLevel(level)
