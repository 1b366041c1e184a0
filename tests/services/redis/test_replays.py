from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mailfailover.redis import RedisReplays
from mailfailover.testing import FakeClock

if TYPE_CHECKING:
    from tests.services.redis.server import RedisServer

pytestmark = pytest.mark.services


def test_a_webhook_is_claimed_once_of_all_processes(redis: RedisServer) -> None:
    """
    Until it is released, or its time is over.
    """
    one, other = RedisReplays(redis.url), RedisReplays(redis.url)

    assert one.claim("w", 60.0)
    assert not other.claim("w", 60.0)
    other.release("w")
    assert other.claim("w", 60.0)

    one.close()
    other.close()


def test_the_time_that_is_left_is_known(redis: RedisServer) -> None:
    """
    To each process, and without Redis of its own claims.
    """
    one, other = RedisReplays(redis.url), RedisReplays(redis.url)
    one.claim("w", 60.0)

    assert 50 < other.left("w") <= 60
    assert 0 == other.left("v")

    redis.kill()
    one.claim("v", 60.0)
    assert 50 < one.left("v") <= 60
    one.close()
    other.close()


def test_what_is_kept_stays_for_so_long_from_then(redis: RedisServer) -> None:
    """
    A claim becomes a memory of days.
    """
    replays = RedisReplays(redis.url, prefix="shop")
    replays.claim("secret-token", 1.0)

    replays.keep("secret-token", 3600.0)

    with redis.client() as client:
        RedisReplays(client).close()
        (name,) = client.scan_iter("shop:webhook:*")
        assert b"secret" not in name
        assert 3590 < client.ttl(name) <= 3600


def test_without_redis_each_process_remembers_its_own(redis: RedisServer) -> None:
    """
    What vendors send is taken all the same.
    """
    clock = FakeClock()
    replays = RedisReplays(redis.url, clock=clock)
    redis.kill()

    assert replays.claim("w", 60.0)
    assert not replays.claim("w", 60.0)
    replays.release("w")
    assert replays.claim("w", 60.0)
    replays.keep("w", 3600.0)
    clock.advance(3599.0)
    assert not replays.claim("w", 60.0)
