from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from mailfailover import Link
from mailfailover._health.limits import NEVER, Grant, LocalAllowances, Portion
from mailfailover.testing import FakeClock
from tests.chains import Scripted
from tests.samples import each

MIDNIGHT = 1_763_942_400.0  # 2025-11-24 00:00 UTC
HOUR = 3600.0
ONE = Grant(1)


class Limited:
    """
    A link with limits, on clocks that a test moves.
    """

    def __init__(self, rate: str | None = None, quota: str | None = None) -> None:
        self.clock = FakeClock(0.0)
        self.link = Link(Scripted("a"), rate=rate, quota=quota)
        self.allowances = LocalAllowances(self.clock, lambda: MIDNIGHT + self.clock())

    def take(self, least: int = 1, most: int | None = None) -> Grant:
        return self.allowances.take(self.link, Portion(least, most or least))

    def look(self, least: int = 1) -> Grant:
        return self.allowances.look(self.link, Portion(least, least))


def test_a_rate_may_be_spent_in_a_burst() -> None:
    """
    All of it is there at once; then one token comes back after the other.
    """
    limited = Limited(rate="4/m")

    assert [limited.take() for _ in range(5)] == [ONE, ONE, ONE, ONE, Grant(0, 15.0)]
    limited.clock.advance(15.0)
    assert [limited.take() for _ in range(2)] == [ONE, Grant(0, 15.0)]


def test_a_rate_does_not_pile_up() -> None:
    """
    After a long rest there is one burst, not more.
    """
    limited = Limited(rate="2/m")
    limited.take()
    limited.clock.advance(1000.0)

    assert [limited.take() for _ in range(3)] == [ONE, ONE, Grant(0, 30.0)]


def test_each_recipient_takes_a_token() -> None:
    """
    A mail to three uses as much of a rate and a quota as three mails to one.
    """
    for limited in (Limited(rate="4/m"), Limited(quota="4/d")):
        first, second, third = limited.take(3), limited.take(2), limited.take(1)

        assert (first, second.recipients, third) == (Grant(3), 0, ONE)


def test_nothing_is_taken_where_there_is_too_little() -> None:
    """
    Asking in vain makes nobody wait longer.
    """
    limited = Limited(rate="1/m")
    limited.take()

    assert [limited.take() for _ in range(3)] == [Grant(0, 60.0)] * 3


def test_a_part_of_a_merge_is_cut_to_what_is_left() -> None:
    """
    Between the least and the most of a portion, all that rate and quota both allow.
    """
    limited = Limited(rate="8/m", quota="5/d")

    assert limited.take(1, 100) == Grant(5)
    assert limited.take(1, 100) == Grant(0, 24 * HOUR)


def test_a_merge_waits_for_the_worth_of_a_second() -> None:
    """
    With ten a second, a call for ten a second later is better than ten calls.
    """
    limited = Limited(rate="10/s")
    limited.take(1, 100)

    assert limited.take(1, 100) == Grant(0, 1.0)
    limited.clock.advance(1.0)
    assert limited.take(1, 100) == Grant(10)


def test_a_mail_larger_than_the_rate_goes_when_the_bucket_is_full() -> None:
    """
    The mails after it wait for the tokens that it took too many, so the rate holds.
    """
    limited = Limited(rate="2/m")

    assert limited.take(5) == Grant(5)
    assert limited.take(1) == Grant(0, 120.0)
    limited.clock.advance(120.0)
    assert limited.take(1) == ONE


def test_a_mail_larger_than_the_quota_never_goes() -> None:
    """
    No period has enough for it.
    """
    limited = Limited(quota="4/d")

    assert limited.take(5) == Grant(0, NEVER)
    assert limited.take(4) == Grant(4)


@each("rate", ["3/s", "7/m", "11/h", "13/d"])
def test_after_the_wait_there_is_a_token(rate: str) -> None:
    """
    A caller that waits as long as told does not wait again for what rounding left over.
    """
    limited = Limited(rate=rate)
    limited.clock.advance(1000.1)
    while (grant := limited.take()).recipients:
        pass

    for _ in range(100):
        limited.clock.advance(grant.wait)
        assert limited.take() == ONE
        while (grant := limited.take()).recipients:
            pass


def test_a_quota_begins_anew_with_each_period_of_the_clock() -> None:
    """
    The day begins at midnight UTC, not with the first mail.
    """
    limited = Limited(quota="2/d")
    limited.clock.advance(23 * HOUR)

    assert [limited.take() for _ in range(3)] == [ONE, ONE, Grant(0, HOUR)]
    limited.clock.advance(HOUR)
    assert [limited.take() for _ in range(3)] == [ONE, ONE, Grant(0, 24 * HOUR)]


def test_rate_and_quota_must_both_allow_it() -> None:
    """
    The longer wait counts, and what one forbids is not taken from the other.
    """
    limited = Limited(rate="1/m", quota="2/h")

    assert limited.take() == ONE
    assert limited.take() == Grant(0, 60.0)
    limited.clock.advance(60.0)
    assert limited.take() == ONE
    limited.clock.advance(60.0)
    assert limited.take() == Grant(0, HOUR - 120)


def test_a_look_takes_nothing() -> None:
    """
    How long it would be can be asked without cost.
    """
    limited = Limited(quota="1/h")

    assert [limited.look() for _ in range(3)] == [ONE] * 3
    assert limited.take() == ONE
    assert limited.look() == Grant(0, HOUR)


def test_threads_take_no_more_than_there_is() -> None:
    """
    Of 64 takers at once, ten get a token.
    """
    limited = Limited(rate="10/h")

    with ThreadPoolExecutor(16) as pool:
        grants = list(pool.map(lambda _: limited.take(), range(64)))

    assert grants.count(ONE) == 10
