from __future__ import annotations

from mailfailover.outbox._throttle import LEAST, MOST, Throttle
from tests.samples import each


def test_it_opens_while_mails_wait_for_vendors() -> None:
    """
    Twice as far each time, up to its end.
    """
    throttle = Throttle()
    limits = []
    for _ in range(5):
        throttle.adjust(is_full=True, seconds=10.0, waited=1.0)
        limits.append(throttle.limit)

    assert [64, 128, 256, MOST, MOST] == limits


def test_it_opens_where_all_calls_hang() -> None:
    """
    No mail ended, and more are there.
    """
    throttle = Throttle()

    throttle.adjust(is_full=True, seconds=0.0, waited=0.0)

    assert 2 * LEAST == throttle.limit


@each(("is_full", "waited"), [(False, 0.0), (True, 6.0), (True, 8.0)])
def test_it_stays_where_more_calls_do_not_pay(is_full: bool, waited: float) -> None:
    """
    There is nothing more to do, or mails wait for the database.
    """
    throttle = Throttle()

    throttle.adjust(is_full=is_full, seconds=10.0, waited=waited)

    assert LEAST == throttle.limit


def test_it_closes_where_mails_wait_for_the_database_only() -> None:
    """
    Down to where it began.
    """
    throttle = Throttle()
    throttle.limit = 96
    limits = []
    for _ in range(6):
        throttle.adjust(is_full=True, seconds=10.0, waited=9.0)
        limits.append(throttle.limit)

    assert [72, 54, 41, LEAST, LEAST, LEAST] == limits


@each(("limit", "reserve"), [(1, 0), (2, 1), (4, 1), (8, 1), (64, 8)])
def test_bulk_leaves_an_eighth_free(limit: int, reserve: int) -> None:
    """
    At least one, where there are two.
    """
    assert reserve == Throttle(limit, limit).reserve
