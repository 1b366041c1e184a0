"""
Many threads and forked processes over a chain that flaps, counted at the vendors.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from mailfailover.testing import FaultServer, faults
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


FIRST_MAILS = """
import os, sys, threading, time
from mailfailover import Mailer

mailer = Mailer(sys.argv[1], from_email="shop@example.com")
begun = threading.Barrier(9)


def send():
    mailer.send(to="ann@example.org", subject="Hi", text="Hello")


def send_at_once():
    begun.wait()
    send()


threads = [threading.Thread(target=send_at_once) for _ in range(8)]
for thread in threads:
    thread.start()
begun.wait()
time.sleep(float(sys.argv[2]))
child = os.fork()
send()
if child == 0:
    os._exit(0)
for thread in threads:
    thread.join()
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.parametrize("wait", [0.0, 0.02, 0.08])
def test_a_child_forked_while_others_send_their_first_mail(wait: float) -> None:
    """
    What the first mail imports is never caught half imported by a fork.
    """
    with FaultServer("mailgun") as vendor:
        dsn = f"mailgun://key:example.com@default?base_url={vendor.url}"
        command = [sys.executable, "-W", "ignore", "-c", FIRST_MAILS, dsn, str(wait)]
        done = subprocess.run(command, timeout=60, check=False)

        assert (0, 8 + 2) == (done.returncode, len(vendor.accepted))
