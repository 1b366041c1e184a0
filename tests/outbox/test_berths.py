from __future__ import annotations

from datetime import timedelta
from threading import Timer
from time import monotonic

import pytest

from mailfailover.outbox._berths import LONGEST_WAIT, Berths, NoBerth
from mailfailover.outbox._lease import Lease
from mailfailover.outbox._tables import Lane
from mailfailover.testing import FakeClock


def lease(number: int) -> Lease:
    """
    That of some mail.
    """
    return Lease(number, f"m{number}", 1, 1, duplicate=False, lane=Lane.SOON, expires=None, order=0)


def fill(berths: Berths, provider: str, start: int = 0) -> int:
    """
    Take berths for one provider until it gets no more; how many it got.
    """
    count = 0
    while True:
        try:
            berths.enter(lease(start + count), provider)
        except NoBerth:
            return count
        count += 1


@pytest.mark.parametrize(("berths", "taken"), [(1, 1), (2, 2), (4, 3), (8, 6), (256, 192)])
def test_one_provider_takes_three_quarters_at_most(berths: int, taken: int) -> None:
    """
    And at least one, where there are so few.
    """
    assert taken == fill(Berths(lambda: berths, is_shared=True), "a")


def test_two_that_hang_leave_room_for_a_third() -> None:
    """
    Each has at most three times what is free.
    """
    berths = Berths(lambda: 64, is_shared=True)
    fill(berths, "a")
    fill(berths, "b", 100)

    assert fill(berths, "c", 200) > 0


def test_who_is_alone_takes_all() -> None:
    """
    There is nobody to leave room for.
    """
    berths = Berths(lambda: 2, is_shared=False)
    for number in range(10):
        berths.enter(lease(number), "a")

    berths.leave(lease(0))


def test_a_mail_that_goes_on_to_the_next_provider_leaves_its_berth() -> None:
    """
    It has one berth at a time.
    """
    berths = Berths(lambda: 4, is_shared=True)
    for number in range(3):
        berths.enter(lease(number), "a")
    berths.enter(lease(0), "b")

    berths.enter(lease(3), "a")


def test_each_mail_without_a_berth_comes_again_when_it_can_expect_one() -> None:
    """
    One after the other, as fast as the provider's calls end.
    """
    clock = FakeClock()
    berths = Berths(lambda: 4, is_shared=True, clock=clock)
    for number in range(3):
        berths.enter(lease(number), "a")
    clock.advance(6)
    berths.leave(lease(0))
    berths.enter(lease(0), "a")
    waits = []
    for number in range(3, 100):
        with pytest.raises(NoBerth) as caught:
            berths.enter(lease(number), "a")
        waits.append(caught.value.wait)

    assert [timedelta(seconds=2), timedelta(seconds=4), timedelta(seconds=6)] == waits[:3]
    assert timedelta(seconds=LONGEST_WAIT) == waits[-1]


def test_a_berth_that_is_free_in_a_moment_is_waited_for() -> None:
    """
    Where the provider's calls are short, the mail does not go back to the database.
    """
    berths = Berths(lambda: 4, is_shared=True)
    for number in range(3):
        berths.enter(lease(number), "a")
    berths.leave(lease(0))
    berths.enter(lease(0), "a")
    soon = Timer(0.05, berths.leave, [lease(1)])
    soon.start()

    berths.enter(lease(3), "a")

    soon.join()


def test_only_one_thread_waits_in_vain_for_a_provider_that_hangs() -> None:
    """
    Until one of its calls ends, no other thread waits for it.
    """
    berths = Berths(lambda: 4, is_shared=True)
    for number in range(3):
        berths.enter(lease(number), "a")
    berths.leave(lease(0))
    berths.enter(lease(0), "a")
    with pytest.raises(NoBerth):
        berths.enter(lease(3), "a")
    began = monotonic()

    for number in range(4, 50):
        with pytest.raises(NoBerth):
            berths.enter(lease(number), "a")

    assert monotonic() - began < 0.4
