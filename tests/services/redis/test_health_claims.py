"""
Every claim about the health of one provider, once more for health in Redis.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import pytest

from mailfailover.redis import RedisHealth
from tests._health import test_memory
from tests._health.test_memory import WALL, Middle, Probe

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from tests.services.redis.server import RedisServer

pytestmark = pytest.mark.services

# Those that make a health of their own are about what only one in memory has.
globals().update(
    (name, claim)
    for name, claim in vars(test_memory).items()
    if name.startswith("test_") and "probe" in inspect.signature(claim).parameters
)


class SharedProbe(Probe):
    """
    The same questions, asked of Redis.
    """

    def __init__(self, url: str, rng: Random | None = None) -> None:
        super().__init__()
        self.health = RedisHealth(
            url,
            gather=0.0,
            clock=self.clock,
            wall=WALL.timestamp,
            rng=rng or Middle(),
            now=self.clock,
        )


@pytest.fixture
def probe(redis: RedisServer) -> Iterator[Probe]:
    """
    A provider of which nothing is known.
    """
    one = SharedProbe(redis.url)
    yield one
    assert isinstance(one.health, RedisHealth)
    one.health.close()
