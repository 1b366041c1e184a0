from __future__ import annotations

import logging
import os
import subprocess
import sys
from threading import Event

import pytest

from mailfailover.celery import Waker, _waker


class Broker:
    """
    Takes wake-ups, unless it is away or takes its time.
    """

    def __init__(self, outages: int = 0) -> None:
        self.outages = outages
        self.taken: list[str] = []
        self.pauses: list[float] = []
        self.open = Event()
        self.open.set()

    def publish(self, mail_id: str) -> None:
        self.open.wait(10)
        if self.outages:
            self.outages -= 1
            raise ConnectionRefusedError
        self.taken.append(mail_id)

    def waker(self) -> Waker:
        return Waker(self.publish, (ConnectionError,), sleep=self.pauses.append)


def test_wake_ups_are_published_in_order() -> None:
    """
    Each once, and again later after a pause with nothing to do.
    """
    broker = Broker()
    waker = broker.waker()

    for name in "abc":
        waker(name)
    assert waker.flush()
    waker("d")
    assert waker.flush()

    assert ["a", "b", "c", "d"] == broker.taken


def test_nobody_waits_for_a_slow_broker() -> None:
    """
    Adding a mail goes on while it makes up its mind.
    """
    broker = Broker()
    broker.open.clear()
    waker = broker.waker()

    waker("a")

    assert not waker.flush(0.0)
    assert [] == broker.taken
    broker.open.set()
    assert waker.flush()


def test_a_broker_that_is_away_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    """
    With longer and longer pauses, and one warning.
    """
    broker = Broker(outages=7)
    waker = broker.waker()

    waker("a")
    while not waker.flush():
        pass

    assert ["a"] == broker.taken
    assert [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0] == broker.pauses
    assert [
        "the broker is away (ConnectionRefusedError): mails wait in the outbox until it is back"
    ] == [record.getMessage() for record in caplog.records]
    assert logging.WARNING == caplog.records[0].levelno


def test_a_process_that_ends_does_not_wait_for_a_broker_that_is_away() -> None:
    """
    Its mails are safe without it.
    """
    asleep, over = Event(), Event()

    def sleep(_seconds: float) -> None:
        asleep.set()
        over.wait(10)

    waker = Waker(Broker(outages=1).publish, (ConnectionError,), sleep=sleep)
    waker("a")
    assert asleep.wait(10)

    assert not waker.flush(60.0)

    over.set()
    while not waker.flush():
        pass


def test_only_so_many_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The rest is found by the sweeper: memory does not fill up while the broker is away.
    """
    monkeypatch.setattr(_waker, "LIMIT", 3)
    broker = Broker()
    broker.open.clear()
    waker = broker.waker()

    for number in range(10):
        waker(str(number))
    broker.open.set()

    assert waker.flush()
    assert ["0", "1", "2"] == broker.taken


def test_a_fault_of_the_publisher_stops_no_later_mail() -> None:
    """
    An error that is none of the broker's ends the thread; the next mail begins another.
    """
    faults = [ValueError("never seen")]
    broker = Broker()

    def publish(mail_id: str) -> None:
        if faults:
            raise faults.pop()
        broker.publish(mail_id)

    waker = Waker(publish, (ConnectionError,))
    waker._waiting.append("a")
    with pytest.raises(ValueError, match="never seen"):
        waker._work()

    waker("b")

    assert waker.flush()
    assert ["a", "b"] == broker.taken


def test_a_child_process_publishes_its_own() -> None:
    """
    What waited at the fork is the parent's.
    """
    broker = Broker()
    broker.open.clear()
    waker = broker.waker()
    waker("parent")
    reading, writing = os.pipe()
    child = os.fork()
    if not child:  # pragma: no cover -- runs in the child
        broker.open.set()
        waker("child")
        waker.flush()
        os.write(writing, " ".join(broker.taken).encode())
        os._exit(0)
    os.waitpid(child, 0)
    broker.open.set()

    assert b"child" == os.read(reading, 100)
    assert waker.flush()
    assert ["parent"] == broker.taken
    os.close(reading)
    os.close(writing)


def test_a_program_that_ends_publishes_what_waits() -> None:
    """
    A script that adds one mail and ends wakes a worker all the same.
    """
    code = """
import time
from mailfailover.celery import Waker
def publish(mail_id):
    time.sleep(0.2)
    print(mail_id)
waker = Waker(publish, ())
waker("a")
waker("b")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)

    assert ["a", "b"] == done.stdout.split()
