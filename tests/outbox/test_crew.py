from __future__ import annotations

import time
from contextlib import contextmanager
from threading import Barrier, Event, Thread
from typing import TYPE_CHECKING

from mailfailover.outbox import Outbox, State
from tests.chains import MAIL, Scripted, World
from tests.outbox.working import PATIENCE, Cable, Hanging, found, work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pytest

    from mailfailover import Message
    from mailfailover.outbox import OutboxWorker


@contextmanager
def running(worker: OutboxWorker) -> Iterator[Thread]:
    """
    The worker at work in a thread of its own, and stopped in the end.
    """
    thread = Thread(target=worker.run)
    thread.start()
    try:
        yield thread
    finally:
        worker.stop()
        thread.join(PATIENCE)
        assert not thread.is_alive()


def until(condition: Callable[[], bool]) -> None:
    """
    Wait until *condition* holds.
    """
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.005)


def put(outbox: Outbox, count: int) -> None:
    """
    So many mails.
    """
    for number in range(count):
        outbox.add(MAIL.replace(id=f"m{number}"))


def sent(outbox: Outbox) -> int:
    """
    How many are sent.
    """
    return outbox.stats().counts[State.SENT]


def test_it_sends_until_it_is_stopped(any_outbox: Outbox, world: World) -> None:
    """
    Each mail once, whoever sends it.
    """
    a = Scripted("a")
    put(any_outbox, 10)

    with (
        running(work(any_outbox, world, a, poll=0.01)),
        running(work(any_outbox, world, a, poll=0.01)),
    ):
        until(lambda: sent(any_outbox) == 10)

    assert sorted(one.id for one in a.mails) == [f"m{number}" for number in range(10)]


def test_it_sends_several_at_the_same_time(outbox: Outbox, world: World) -> None:
    """
    As many as it has threads.
    """
    meeting = Barrier(3)

    def meet(_message: Message) -> str:
        meeting.wait(PATIENCE)
        return "id"

    put(outbox, 3)

    with running(work(outbox, world, Scripted("a", meet), threads=3, poll=0.01)):
        until(lambda: sent(outbox) == 3)


def test_a_new_mail_wakes_it(outbox: Outbox, world: World) -> None:
    """
    Where it was added to the same outbox: it does not wait for its next look.
    """
    worker = work(outbox, world, poll=PATIENCE)
    with running(worker):
        until(lambda: bool(outbox.on_add))
        put(outbox, 1)
        until(lambda: sent(outbox) == 1)
        worker.stop()
        put(outbox, 1)

    assert [] == outbox.on_add


def test_when_stopped_it_finishes_what_it_began(outbox: Outbox, world: World) -> None:
    """
    And gives back the rest, of which nobody was called for.
    """
    begun, go_on = Event(), Event()

    def hang(_message: Message) -> str:
        begun.set()
        assert go_on.wait(PATIENCE)
        return "id"

    put(outbox, 4)
    worker = work(outbox, world, Scripted("a", hang), threads=1, poll=0.01)
    with running(worker):
        assert begun.wait(PATIENCE)
        until(lambda: len(outbox.list(State.LEASED)) == 1)
        worker.stop()
        until(lambda: not outbox.list(State.LEASED))
        go_on.set()

    assert {State.SENT: 1, State.PENDING: 3} == {
        state: count for state, count in outbox.stats().counts.items() if count
    }
    assert [0, 0, 0] == [one.tries for one in outbox.list(State.PENDING)]


def test_it_waits_for_a_database_that_is_away(
    outbox: Outbox, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """
    And goes on when it is back.
    """
    cable = Cable(outbox)
    put(outbox, 1)
    cable.is_pulled = True

    with running(work(outbox, world, poll=0.01)):
        until(lambda: "the outbox's database failed (OperationalError)" in caplog.text)
        cable.is_pulled = False
        until(lambda: sent(outbox) == 1)


def test_it_tells_that_it_is_alive(outbox: Outbox, world: World) -> None:
    """
    A lease does not end while its worker waits for a vendor.
    """
    slow = work(outbox, world, Scripted("a", hang := Hanging()), lease=0.15, poll=0.01)
    put(outbox, 1)

    with running(slow):
        assert hang.begun.wait(PATIENCE)
        before = found(outbox, "m0").due
        world.clock.advance(0.1)
        until(lambda: found(outbox, "m0").due != before)
        hang.go_on.set()
        until(lambda: sent(outbox) == 1)


def test_a_sign_of_life_that_fails_is_given_again(
    outbox: Outbox, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """
    It is logged; the mail that is on its way is not harmed.
    """
    cable = Cable(outbox)
    put(outbox, 1)

    with running(work(outbox, world, Scripted("a", hang := Hanging()), lease=0.03, poll=0.01)):
        assert hang.begun.wait(PATIENCE)
        cable.is_pulled = True
        until(lambda: "leases could not be renewed: OperationalError" in caplog.text)
        cable.is_pulled = False
        hang.go_on.set()
        until(lambda: sent(outbox) == 1)


def test_what_cannot_be_given_back_is_left(
    outbox: Outbox, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """
    Its lease ends by itself.
    """
    cable = Cable(outbox)
    put(outbox, 2)
    worker = work(outbox, world, Scripted("a", hang := Hanging()), threads=1, poll=0.01)
    with running(worker):
        assert hang.begun.wait(PATIENCE)
        until(lambda: len(outbox.list(State.LEASED)) == 1)
        cable.is_pulled = True
        worker.stop()
        until(lambda: "mails could not be given back: OperationalError" in caplog.text)
        cable.is_pulled = False
        hang.go_on.set()

    assert [1, 1] == [one.tries for one in outbox.list()]


def test_a_thread_survives_what_a_mail_does(
    outbox: Outbox, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """
    One that ends the thread ends no other mail.
    """
    put(outbox, 2)
    a = Scripted("a", GeneratorExit(), "a-id")

    with running(work(outbox, world, a, threads=1, poll=0.01)):
        until(lambda: sent(outbox) == 1)

    assert "a mail could not be dealt with: GeneratorExit" in caplog.text
    assert State.UNKNOWN == found(outbox, "m0").state
