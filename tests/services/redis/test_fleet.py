"""
32 worker processes, one Redis, and a provider that dies: what it costs them all.

Time runs ten times faster, so that several probes fit in; with ``MAILFAILOVER_ROUNDS``, the
number of probes to wait for, it runs as it does.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from mailfailover import Link
from mailfailover._health.breaker import OPEN_SECONDS
from mailfailover.redis import RedisHealth
from mailfailover.redis._presence import AGAIN_SECONDS
from mailfailover.testing import FaultServer
from tests.services.redis.fleet import fast, vendors

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.services.redis.server import RedisServer

pytestmark = [pytest.mark.services, pytest.mark.slow]

WORKERS = 32
ROUNDS = os.environ.get("MAILFAILOVER_ROUNDS", "")
SPEED = 1.0 if ROUNDS else 10.0
PROBES = min(int(ROUNDS or 1), 3)  # each takes twice as long as the one before
PERIOD = OPEN_SECONDS / SPEED


class Fleet:
    """
    The workers, and the two vendors of their chain.
    """

    def __init__(
        self,
        process: subprocess.Popen[str],
        redis: RedisServer,
        first: FaultServer,
        second: FaultServer,
    ) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.orders = process.stdin
        self.results = process.stdout
        self.first = first
        self.second = second
        self.sent = 0
        links = [Link(one, key) for key, one in vendors(first.url, second.url).items()]
        self.health = RedisHealth(redis.url, now=fast(time.time, SPEED)).for_links(links)

    def give(self, worker: int, mails: int = 1) -> None:
        """
        Let *worker* send so many mails.
        """
        print(worker, mails, file=self.orders, flush=True)
        self.sent += mails

    def give_all(self, mails: int = 1) -> None:
        """
        Let each of them send so many.
        """
        for worker in range(WORKERS):
            self.give(worker, mails)

    def wait(self, mails: int = 1) -> Counter[str]:
        """
        Wait until so many mails are sent; through whom.
        """
        return Counter(self.results.readline().strip() for _ in range(mails))

    def wait_until_due(self) -> None:
        """
        Wait until the first vendor is to be probed.
        """
        while left := self.health.snapshot()["first"].seconds_left:
            time.sleep(left / SPEED)

    def wasted(self) -> list[int]:
        """
        How many calls the first vendor got for nothing, in each period of its probes.
        """
        good = {id(one) for one in self.first.accepted}
        times = [one.received_at for one in self.first.requests if id(one) not in good]
        ends = [n for n, (a, b) in enumerate(pairwise(times), 1) if b - a > PERIOD / 3]
        return [b - a for a, b in pairwise([0, *ends, len(times)])]


@contextmanager
def started(redis: RedisServer) -> Iterator[Fleet]:
    """
    All workers are ready.
    """
    with FaultServer("mailgun") as first, FaultServer("mandrill") as second:
        command = [sys.executable, "-m", "tests.services.redis.fleet", redis.url]
        command += [first.url, second.url, str(WORKERS), str(SPEED)]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, text=True, stdin=pipe, stdout=pipe) as process:
            fleet = Fleet(process, redis, first, second)
            assert {"ready": WORKERS} == fleet.wait(WORKERS)
            yield fleet


def test_a_dead_provider_costs_the_fleet_three_calls(redis: RedisServer) -> None:
    """
    Not three for each process: every one of them learns from the first three calls of all.

    Then each period costs one call, whoever's mail it is.
    """
    with started(redis) as fleet:
        fleet.first.fail("unavailable")
        through: Counter[str] = Counter()
        while fleet.sent < 2 * WORKERS or len(fleet.wasted()) <= PROBES:
            fleet.give(fleet.sent % WORKERS)
            through += fleet.wait()
            time.sleep(0.01)

    first, *probes = fleet.wasted()
    assert first <= 3
    assert {1} == set(probes)
    assert {"second": fleet.sent} == through
    assert fleet.sent == len(fleet.second.accepted)


def test_a_busy_fleet_begins_no_call_that_somebody_knows_to_be_useless(redis: RedisServer) -> None:
    """
    A provider that dies under all 32 costs the calls that were under way, and at most three.

    When it is back, one mail finds out for all.
    """
    with started(redis) as fleet:
        fleet.give_all(mails=10)
        fleet.first.wait_for(WORKERS * 3, timeout=60)
        fleet.first.fail("unavailable")
        through = fleet.wait(fleet.sent)
        wasted = fleet.wasted()
        left = fleet.health.snapshot()["first"].seconds_left or 0.0

        fleet.first.heal()
        fleet.wait_until_due()
        fleet.give(0)
        assert {"first": 1} == fleet.wait()
        fleet.give_all()
        back = fleet.wait(WORKERS)

    assert wasted[0] <= WORKERS + 3
    assert {1} >= set(wasted[1:])
    assert left <= 1.1 * OPEN_SECONDS * 2 ** len(wasted[1:])  # the late failures count no more
    assert through["first"] >= 3 * WORKERS
    assert {"first": WORKERS} == back


def test_a_fleet_goes_on_without_redis_and_shares_again(redis: RedisServer) -> None:
    """
    Redis is killed between mails, and comes back empty: no mail fails, and operators are heard.
    """
    with started(redis) as fleet:
        fleet.give_all()
        redis.kill()
        fleet.give_all(mails=3)
        alone = fleet.wait(4 * WORKERS)

        redis.start()
        time.sleep(1.1 * AGAIN_SECONDS / SPEED)
        fleet.health.isolate("first")
        fleet.give_all()
        together = fleet.wait(WORKERS)

    assert {"first": 4 * WORKERS} == alone
    assert {"second": WORKERS} == together
