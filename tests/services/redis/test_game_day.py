"""
Game days on a real Redis: a link is out for all processes, and never longer than its lease.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from mailfailover import Mailer
from mailfailover.drill import End, FleetWatch, hold_game_day
from mailfailover.redis import RedisHealth

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.services.redis.server import RedisServer

pytestmark = pytest.mark.services

CHAIN = "failover(a=null:// b=memory://)"
PROGRAM = """
import sys
from mailfailover import Mailer
from mailfailover.drill import FleetWatch, hold_game_day

mailer = Mailer({chain!r}, health=sys.argv[1])
watch = FleetWatch(mailer, "a")
hold_game_day(mailer, "a", watch, seconds=60, budget=1000, lease=2.0, pause=0.5)
"""


@contextmanager
def holding(redis: RedisServer) -> Iterator[subprocess.Popen[str]]:
    """
    A process that holds a game day for a minute, with a lease of two seconds.
    """
    command = [sys.executable, "-c", PROGRAM.format(chain=CHAIN), redis.url]
    with subprocess.Popen(command, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def reached(condition: Callable[[], bool], within: float = 20.0) -> bool:
    """
    Whether it comes true in time.
    """
    ends = time.monotonic() + within
    while not condition():
        if time.monotonic() > ends:
            return False
        time.sleep(0.05)
    return True


@pytest.fixture
def mailer(redis: RedisServer) -> Iterator[Mailer]:
    """
    Another process of the fleet, as far as Redis knows.
    """
    with Mailer(CHAIN, from_email="shop@example.com", health=redis.url) as one:
        one.send(to="ann@example.org", subject="Hi", text="Hi")
        yield one


def sent_by(mailer: Mailer) -> str:
    """
    The link that takes a mail now.
    """
    return mailer.send(to="ann@example.org", subject="Hi", text="Hi").provider


def test_a_killed_game_day_leaves_nothing_isolated(redis: RedisServer, mailer: Mailer) -> None:
    """
    SIGKILL runs no code: the lease in Redis ends, and mails take the link again.
    """
    with holding(redis) as process:
        assert reached(lambda: mailer.health.snapshot()["a"].state == "isolated")
        assert sent_by(mailer) == "b"
        time.sleep(2.5)  # longer than the lease: it is renewed
        assert sent_by(mailer) == "b"

        process.send_signal(signal.SIGKILL)
        process.wait(10)
        killed = time.monotonic()

        assert reached(lambda: sent_by(mailer) == "a", within=5.0)
    assert time.monotonic() - killed < 3.0
    assert mailer.health.snapshot()["a"].state == "closed"


def test_an_interrupted_game_day_puts_the_link_back(redis: RedisServer, mailer: Mailer) -> None:
    """
    Ctrl-C does so at once.
    """
    with holding(redis) as process:
        assert reached(lambda: mailer.health.snapshot()["a"].state == "isolated")

        process.send_signal(signal.SIGINT)
        process.wait(10)

        assert mailer.health.snapshot()["a"].state == "closed"


def test_a_redis_that_goes_away_ends_it(redis: RedisServer) -> None:
    """
    What cannot be renewed ends there by itself.
    """
    health = RedisHealth(redis.url)
    mailer = Mailer(CHAIN, health=health)

    def sleep(_: float) -> None:
        redis.kill()

    try:
        found = hold_game_day(
            mailer, "a", FleetWatch(mailer, "a"), seconds=60, budget=1, sleep=sleep
        )
    finally:
        redis.start()

    assert found.end is End.AWAY


def test_two_links_of_one_account_are_put_back_at_once(redis: RedisServer) -> None:
    """
    Both are out then, and nobody is left.
    """
    with Mailer("failover(a=null:// b=null://)", health=redis.url) as mailer:
        found = hold_game_day(mailer, "a", FleetWatch(mailer, "a"), seconds=60, budget=1)

        assert found.end is End.FAILURES
        assert found.lasted < 1.0
        assert {one.state for one in mailer.health.snapshot().values()} == {"closed"}
