"""
Many threads and forked processes over a chain that flaps, counted at the vendors.
"""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from mailfailover.testing import faults
from tests.faults.vendors import Vendors, mails

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailfailover import Mailer, Message, Receipt

THREADS = 64
EACH = 50


@pytest.fixture
def vendors() -> Iterator[Vendors]:
    """
    Two vendors, healthy at first.
    """
    with Vendors() as both:
        yield both


class Flapping:
    """
    Breaks the first vendor in one way after another, and heals it in between.
    """

    def __init__(self, vendors: Vendors, mailer: Mailer) -> None:
        self._vendors = vendors
        self._mailer = mailer
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._flap, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._vendors.first.heal()

    def _flap(self) -> None:
        ways = (
            "unavailable",
            faults.reset_after_read(),
            faults.accept_then(faults.reset_after_read()),
            faults.close_after_read(),
            "rate_limited",
        )
        while not self._over.is_set():
            for way in ways:
                self._vendors.first.fail(way)
                self._over.wait(0.1)
                self._vendors.first.heal()
                self._mailer.health.reset()  # as if its time had passed
                self._over.wait(0.1)


def send_all(mailer: Mailer, waiting: list[Message]) -> list[Receipt]:
    """
    Send all from many threads at once.
    """
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(mailer.send, waiting))


@pytest.mark.slow
def test_threads_lose_nothing_and_send_nothing_twice_unflagged(vendors: Vendors) -> None:
    """
    64 threads send 50 mails each while the first provider flaps.
    """
    waiting = mails(THREADS * EACH)

    with vendors.mailer(timeout=60, attempt_timeout=30) as mailer, Flapping(vendors, mailer):
        receipts = send_all(mailer, waiting)

    assert vendors.accepted().keys() == {mail.id for mail in waiting}
    assert vendors.unannounced(receipts) == set()


@pytest.mark.slow
def test_the_same_after_fork(vendors: Vendors) -> None:
    """
    A mailer that was used before a fork works in the parent and in the child.
    """
    waiting = mails(THREADS * EACH)
    half = len(waiting) // 2

    with vendors.mailer(timeout=60, attempt_timeout=30) as mailer, Flapping(vendors, mailer):
        first = send_all(mailer, mails(THREADS))
        reading, writing = os.pipe()
        child = os.fork()
        if not child:  # pragma: no cover -- runs in the child
            _report(mailer, waiting[half:], writing)
        os.close(writing)
        receipts = [*first, *send_all(mailer, waiting[:half])]
        with os.fdopen(reading) as pipe:
            flagged = set(pipe.read().split())
        _, status = os.waitpid(child, 0)

    assert status == 0
    assert vendors.accepted().keys() >= {mail.id for mail in waiting}
    assert vendors.unannounced(receipts) <= flagged


def _report(mailer: Mailer, waiting: list[Message], writing: int) -> None:  # pragma: no cover
    """
    Send in the child; tell the parent which mails it flagged, and exit without clean-up.
    """
    status = 1
    try:
        flagged = [one.mail_id for one in send_all(mailer, waiting) if one.possible_duplicate]
        os.write(writing, " ".join(flagged).encode())
        status = 0
    finally:
        os._exit(status)
