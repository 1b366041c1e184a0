"""
Rates and quotas that all processes share through Redis.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mailfailover import Link, Mailer
from mailfailover._health.limits import Grant, Portion
from mailfailover.redis import RedisHealth
from mailfailover.testing import FakeClock
from tests._chain.test_merge_send import merge
from tests.chains import MAIL, Scripted

if TYPE_CHECKING:
    from tests.services.redis.server import RedisServer

pytestmark = pytest.mark.services


def mailer(redis: RedisServer, primary: Scripted, backup: Scripted, **limits: str) -> Mailer:
    """
    A mailer with a connection to Redis of its own, as in a process of its own.
    """
    link = Link(primary, **limits)  # type: ignore[arg-type]  # each is a text
    return Mailer([link, backup], health=redis.url)


def test_four_mailers_share_one_quota(redis: RedisServer) -> None:
    """
    Of sixteen mails the primary gets two, whichever process sends them.
    """
    primary, backup = Scripted("a"), Scripted("b")
    mailers = [mailer(redis, primary, backup, quota="2/d") for _ in range(4)]

    for number in range(16):
        mailers[number % 4].send(MAIL)

    assert (len(primary.mails), len(backup.mails)) == (2, 14)


def test_two_mailers_share_the_quota_of_a_merge(redis: RedisServer) -> None:
    """
    Recipients count, not calls.
    """
    primary, backup = Scripted("a"), Scripted("b")

    for one in (mailer(redis, primary, backup, quota="5/d") for _ in range(2)):
        one.send(merge(4))

    assert (len(primary.mails), len(backup.mails)) == (5, 3)


def test_a_rate_is_shared(redis: RedisServer) -> None:
    """
    Both take from one bucket.
    """
    primary, backup = Scripted("a"), Scripted("b")

    for one in (mailer(redis, primary, backup, rate="3/h") for _ in range(2)):
        one.send(MAIL.replace(cc="bob@example.org"))

    assert (len(primary.mails), len(backup.mails)) == (1, 1)


def test_a_link_without_limits_costs_no_further_round_trip(redis: RedisServer) -> None:
    """
    One script for each mail, as before.
    """
    one = mailer(redis, Scripted("a"), Scripted("b"))
    one.send(MAIL)
    with redis.client() as client:
        before = client.info("commandstats")["cmdstat_evalsha"]["calls"]
        for _ in range(10):
            one.send(MAIL)
        after = client.info("commandstats")["cmdstat_evalsha"]["calls"]

    assert after - before == 10


def test_what_was_sent_counts_on_while_redis_is_away(redis: RedisServer) -> None:
    """
    A process knows at least its own.
    """
    clock = FakeClock()
    health = RedisHealth(redis.url, clock=clock)
    link = Link(Scripted("a"), quota="3/d")
    portion = Portion(1, 2)

    grants = [health.take(link, portion)]
    redis.kill()
    grants += [health.look(link, portion), health.take(link, portion), health.take(link, portion)]

    assert [one.recipients for one in grants] == [2, 1, 1, 0]


def test_counters_are_forgotten_when_they_mean_nothing_any_more(redis: RedisServer) -> None:
    """
    Redis drops them after the longest period.
    """
    health = RedisHealth(redis.url)

    assert health.take(Link(Scripted("a"), rate="1/s", quota="3/h"), Portion()) == Grant(1)
    with redis.client() as client:
        assert 3600 < client.ttl("mailfailover:limits:{a}") <= 7201
