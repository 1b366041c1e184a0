from __future__ import annotations

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event, insert
from sqlalchemy.exc import IntegrityError, OperationalError, SQLAlchemyError

from mailfailover.outbox._group_commit import LeaseLost, Write, Writes
from mailfailover.outbox._lease import OWN, fence
from mailfailover.outbox._tables import attempts
from tests.chains import MAIL, World
from tests.outbox.working import PATIENCE, found, work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mailfailover.outbox import Outbox
    from mailfailover.outbox._lease import Lease

_ATTEMPT = insert(attempts)
_BLANK = {
    "number": 1,
    "provider": "a",
    "stage": "",
    "outcome": "unfinished",
    "in_doubt": True,
    "error": "",
    "provider_message_id": "",
}


def leased(outbox: Outbox, world: World, count: int) -> list[Lease]:
    """
    So many mails of a worker.
    """
    for number in range(count):
        outbox.add(MAIL.replace(id=f"m{number}"))
    return work(outbox, world).claim(count)


def writing(lease: Lease, **attempt: Any) -> Write:
    """
    A write of two rows.
    """
    row = {"mail": lease.number, "started": MAIL.created, **_BLANK, **attempt}
    return Write(OWN, {**fence(lease), "reason": "written"}, {_ATTEMPT: [row]})


def is_written(outbox: Outbox, lease: Lease) -> bool:
    """
    Whether both rows are.
    """
    mail = found(outbox, lease.id)
    assert ("written" == mail.reason) is bool(mail.attempts)
    return bool(mail.attempts)


def together(outbox: Outbox, found: Iterable[Write]) -> list[BaseException | None]:
    """
    Commit each of *found* in a thread of its own, all while another one writes; how they ended.
    """
    return commit(Writes(outbox.engine), found)


def commit(writes: Writes, found: Iterable[Write]) -> list[BaseException | None]:
    """
    The same, with *writes*.
    """
    found = list(found)
    with ThreadPoolExecutor(len(found)) as pool:
        with writes.alone():
            futures = [pool.submit(writes.commit, one) for one in found]
            wait_for(writes, len(found))
        return [future.exception(PATIENCE) for future in futures]


def wait_for(writes: Writes, count: int) -> None:
    """
    Until so many wait for their turn.
    """
    end = time.monotonic() + PATIENCE
    while len(writes._waiting) < count:
        assert time.monotonic() < end, "they never come"
        time.sleep(0.001)


def test_what_waits_is_one_commit(any_outbox: Outbox, world: World) -> None:
    """
    However many threads wait for it.
    """
    leases = leased(any_outbox, world, 5)
    commits = []

    def count(connection: object) -> None:
        commits.append(connection)

    event.listen(any_outbox.engine, "commit", count)
    try:
        ends = together(any_outbox, map(writing, leases))
    finally:
        event.remove(any_outbox.engine, "commit", count)

    assert [None] * 5 == ends
    assert 2 == len(commits)  # theirs, and that of the one they waited for
    assert all(is_written(any_outbox, lease) for lease in leases)


def test_a_lost_lease_is_lost_alone(any_outbox: Outbox, world: World) -> None:
    """
    Nothing is written of it, and all of the others.
    """
    lost, *others = leased(any_outbox, world, 3)

    ends = together(
        any_outbox, [writing(replace(lost, token=0)), *(writing(lease) for lease in others)]
    )

    assert [LeaseLost, type(None), type(None)] == [type(end) for end in ends]
    assert [False, True, True] == [is_written(any_outbox, lease) for lease in (lost, *others)]


def test_what_cannot_be_written_fails_alone(any_outbox: Outbox, world: World) -> None:
    """
    The database refuses one of several.
    """
    refused, *others = leased(any_outbox, world, 3)

    ends = together(
        any_outbox, [writing(refused, provider=None), *(writing(lease) for lease in others)]
    )

    kinds = (IntegrityError, OperationalError)  # OperationalError: as MariaDB says it
    assert isinstance(ends[0], kinds)
    assert [None, None] == ends[1:]
    assert [False, True, True] == [is_written(any_outbox, lease) for lease in (refused, *others)]


def test_a_commit_that_fails_is_not_repeated(outbox: Outbox, world: World) -> None:
    """
    Whether it was made is not known, so all who took part are told.
    """
    leases = leased(outbox, world, 2)
    writes = Writes(outbox.engine)
    commits = []

    def fail(connection: object) -> None:
        commits.append(connection)
        if len(commits) > 1:  # the first is that of the one they wait for
            raise OperationalError("COMMIT", {}, OSError("the disk is full"))

    event.listen(outbox.engine, "commit", fail)

    ends = commit(writes, map(writing, leases))

    assert [OperationalError] * 2 == [type(end) for end in ends]
    assert 2 == len(commits)
    assert not any(is_written(outbox, lease) for lease in leases)


def test_a_database_that_is_away_is_asked_once(outbox: Outbox, world: World) -> None:
    """
    Not once for each who waits: every time may take a minute.
    """
    leases = leased(outbox, world, 3)
    begins = []

    def fail(connection: object) -> None:
        begins.append(connection)
        if len(begins) > 1:  # the first is that of the one they wait for
            raise OperationalError("BEGIN", {}, OSError("the server is away"))

    event.listen(outbox.engine, "begin", fail)

    ends = together(outbox, map(writing, leases))

    assert [OperationalError] * 3 == [type(end) for end in ends]
    assert 2 == len(begins)


def test_who_is_interrupted_lets_the_others_go_on(outbox: Outbox, world: World) -> None:
    """
    They are told that nothing was written, rather than left to wait or to believe it was.
    """
    leases = leased(outbox, world, 2)
    writes = Writes(outbox.engine)
    interruptions = iter([None, KeyboardInterrupt])

    def interrupt(_connection: object) -> None:
        if (interruption := next(interruptions, None)) is not None:
            raise interruption

    event.listen(outbox.engine, "begin", interrupt)

    ends = commit(writes, map(writing, leases))

    assert {KeyboardInterrupt, SQLAlchemyError} == {type(end) for end in ends}
    assert not any(is_written(outbox, lease) for lease in leases)
    writes.commit(writing(leases[0]))
    assert is_written(outbox, leases[0])


def test_who_gives_up_is_not_written_later(outbox: Outbox, world: World) -> None:
    """
    A signal ended the wait; what was to follow the write does not happen either.
    """
    first, second = leased(outbox, world, 2)
    writes = Writes(outbox.engine)
    begun, go_on = Event(), Event()

    def busy() -> None:
        with writes.alone():
            begun.set()
            assert go_on.wait(PATIENCE)

    def strike() -> None:
        wait_for(writes, 1)
        os.kill(os.getpid(), signal.SIGUSR1)

    def give_up(*_signal: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGUSR1, give_up)
    threads = start(busy)
    try:
        assert begun.wait(PATIENCE)
        threads += start(strike)
        with pytest.raises(TimeoutError):
            writes.commit(writing(first))
    finally:
        signal.signal(signal.SIGUSR1, before)
        go_on.set()
    for thread in threads:
        thread.join(PATIENCE)
    writes.commit(writing(second))

    assert [False, True] == [is_written(outbox, lease) for lease in (first, second)]


def start(*targets: Callable[[], None]) -> list[Thread]:
    """
    Each in a thread of its own.
    """
    threads = [Thread(target=target, daemon=True) for target in targets]
    for thread in threads:
        thread.start()
    return threads


def test_others_wait_for_their_turn(outbox: Outbox, world: World) -> None:
    """
    Of those who do anything else, one is at it at a time.
    """
    (lease,) = leased(outbox, world, 1)
    writes = Writes(outbox.engine)
    order: list[str] = []
    begun = Event()

    def second() -> None:
        begun.set()
        with writes.alone():
            order.append("second")

    with writes.alone():
        (thread,) = start(second)
        assert begun.wait(PATIENCE)
        time.sleep(0.02)
        order.append("first")
    thread.join(PATIENCE)

    assert ["first", "second"] == order
    writes.commit(writing(lease))


def test_a_child_has_writes_of_its_own(outbox: Outbox, world: World) -> None:
    """
    A fork may come while a thread of the parent is about to write.
    """
    [lease] = leased(outbox, world, 1)
    writes = Writes(outbox.engine)
    writes._is_busy = True
    child = os.fork()
    if not child:  # pragma: no cover -- in the child
        signal.alarm(10)
        writes.commit(writing(lease))
        os._exit(0)
    _, status = os.waitpid(child, 0)

    assert 0 == status
    assert is_written(outbox, lease)
