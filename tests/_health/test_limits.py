from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from mailfailover import Link
from mailfailover._health.limits import Allowance
from tests.chains import Scripted

MIDNIGHT = 1_763_942_400.0  # 2025-11-24 00:00 UTC
HOUR = 3600.0


def allowance(rate: str | None = None, quota: str | None = None) -> Allowance:
    """
    What is left of a link with these limits.
    """
    return Allowance(Link(Scripted("a"), rate=rate, quota=quota))


def test_a_rate_may_be_spent_in_a_burst() -> None:
    """
    All of it is there at once; then one comes back after the other.
    """
    found = allowance(rate="4/s")

    assert [found.take(0.0, 0.0) for _ in range(5)] == [0.0, 0.0, 0.0, 0.0, 0.25]
    assert found.take(0.25, 0.0) == 0.0
    assert found.take(0.25, 0.0) == 0.25


def test_a_rate_does_not_pile_up() -> None:
    """
    After a long rest there is one burst, not more.
    """
    found = allowance(rate="2/m")
    found.take(0.0, 0.0)

    assert [found.take(1000.0, 0.0) for _ in range(3)] == [0.0, 0.0, 30.0]


def test_nothing_is_taken_where_there_is_none() -> None:
    """
    Asking in vain makes nobody wait longer.
    """
    found = allowance(rate="1/s")
    found.take(0.0, 0.0)

    assert [found.take(0.5, 0.0) for _ in range(3)] == [0.5, 0.5, 0.5]


@pytest.mark.parametrize("rate", ["3/s", "7/m", "11/h", "13/d"])
def test_after_the_wait_there_is_one(rate: str) -> None:
    """
    Who waits as long as told is not told to wait for what rounding left over.
    """
    found = allowance(rate=rate)
    now = 1000.1
    while not (wait := found.take(now, 0.0)):
        pass

    for _ in range(100):
        now += wait
        assert found.take(now, 0.0) == 0.0
        wait = found.take(now, 0.0)


def test_a_quota_begins_anew_with_each_period_of_the_clock() -> None:
    """
    The day begins at midnight UTC, not with the first mail.
    """
    found = allowance(quota="2/d")
    evening = MIDNIGHT + 23 * HOUR

    assert [found.take(0.0, evening) for _ in range(3)] == [0.0, 0.0, HOUR]
    assert [found.take(0.0, MIDNIGHT + 24 * HOUR) for _ in range(3)] == [0.0, 0.0, 24 * HOUR]


def test_rate_and_quota_must_both_allow_it() -> None:
    """
    The longer wait counts, and what one forbids is not taken from the other.
    """
    found = allowance(rate="1/m", quota="2/h")

    assert found.take(0.0, MIDNIGHT) == 0.0
    assert found.take(0.0, MIDNIGHT) == 60.0
    assert found.take(60.0, MIDNIGHT + 60) == 0.0
    assert found.take(60.0, MIDNIGHT + 60) == HOUR - 60


def test_a_look_takes_nothing() -> None:
    """
    How long it would be can be asked without cost.
    """
    found = allowance(quota="1/h")

    assert [found.wait(0.0, MIDNIGHT) for _ in range(3)] == [0.0, 0.0, 0.0]
    assert found.take(0.0, MIDNIGHT) == 0.0
    assert found.wait(0.0, MIDNIGHT) == HOUR


def test_threads_take_no_more_than_there_is() -> None:
    """
    Of 64 takers at once, ten get one.
    """
    found = allowance(rate="10/h")

    with ThreadPoolExecutor(16) as pool:
        waits = list(pool.map(lambda _: found.take(0.0, 0.0), range(64)))

    assert waits.count(0.0) == 10
