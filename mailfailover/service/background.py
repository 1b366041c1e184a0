"""
The background work of a service: sending, callbacks and the purge.
"""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager
from threading import Event, Thread
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from mailfailover.outbox import OutboxWorker
from mailfailover.service.headings import forget_posts
from mailfailover.service.worker_rules import worker_rules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mailfailover.service.parts import Service

__all__ = ["purging", "working"]

_LOG = logging.getLogger(__name__)
POLL = 0.25
PURGE_EVERY = 3600.0


@contextmanager
def working(parts: Service, threads: int) -> Iterator[OutboxWorker | None]:
    """
    Let a worker of so many threads send mails meanwhile, and callbacks be made; 0 does nothing.

    Yield the worker.
    """
    try:
        with _sending(parts, threads) as worker:
            yield worker
    finally:
        _end_deliveries(parts)


@contextmanager
def _sending(parts: Service, threads: int) -> Iterator[OutboxWorker | None]:
    if not threads:
        yield None
        return
    rules = {"poll": POLL, **worker_rules(os.environ)}
    worker = OutboxWorker(parts.outbox, parts.mailer, threads=threads, **rules)
    over = Event()
    jobs: list[tuple[Callable[[], object], Callable[[], object]]] = [
        (worker.run, worker.stop),
        (lambda: purging(parts, over), over.set),
    ]
    if parts.callbacks is not None:
        jobs.append((parts.callbacks.run, parts.callbacks.stop))
    running = [Thread(target=run, name=f"mailfailover-{n}") for n, (run, _) in enumerate(jobs)]
    for thread in running:
        thread.start()
    try:
        yield worker
    finally:
        for _, stop in jobs:
            stop()
        for thread in running:
            thread.join()


def _end_deliveries(parts: Service) -> None:
    """
    Write what was learnt from the last deliveries.
    """
    if parts.deliveries is None:
        return
    try:
        parts.deliveries.close()
    except SQLAlchemyError as exc:
        _LOG.warning("the last deliveries could not be written: %s", type(exc).__name__)


def purging(parts: Service, over: Event, every: float = PURGE_EVERY) -> None:
    """
    Forget what was tracked long enough, now and then, until it is *over*.
    """
    while not over.wait(every):
        try:
            if parts.tracking is not None:
                parts.tracking.purge()
            if parts.suppressions is not None:
                parts.suppressions.purge()
            forget_posts(parts.outbox.engine)
        except SQLAlchemyError as exc:
            _LOG.warning("old mails could not be forgotten now: %s", type(exc).__name__)
