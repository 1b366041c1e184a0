"""
The presence of Redis: no mail waits for a Redis that is away.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from mailfailover.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger("mailfailover.redis")

AGAIN_SECONDS = 5.0
"""Seconds after which a Redis that was away is looked for again."""

TIMEOUT = 0.2
"""Seconds that a mail waits for Redis, once each time that Redis goes away."""


def connect(redis: Redis | str, timeout: float) -> Redis:
    """
    Return a client that waits for at most *timeout* seconds, and never asks twice.

    Raises:
        ConfigurationError: If *redis* is a text, but no URL of Redis. It is not quoted.
    """
    if not isinstance(redis, str):
        return redis
    try:
        return Redis.from_url(
            redis,
            socket_connect_timeout=timeout,
            socket_timeout=timeout,
            retry=Retry(NoBackoff(), 0),  # a failure told twice would count twice
        )
    except ValueError:
        problem = "the URL of Redis must be like redis://host:6379/0, rediss://... or unix://..."
    raise ConfigurationError(problem)  # outside of the handler: the cause may quote a password


class Away(Exception):
    """
    Redis cannot be asked now.
    """


class Presence:
    """
    Asks Redis while it is there. When it is away, one call looks again now and then.

    Args:
        clock: Seconds on a clock that never goes back.

        without: What happens while Redis is away, for the log.
    """

    def __init__(self, clock: Callable[[], float], without: str) -> None:
        self._clock = clock
        self._without = without
        self._away = False
        self._look_at = 0.0

    @property
    def is_away(self) -> bool:
        """
        Whether Redis did not answer when it was last asked.
        """
        return self._away

    def ask(self, question: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        """
        Return what *question* returns.

        Raises:
            Away: If Redis did not answer, or was away a moment ago.
        """
        if self._away:
            now = self._clock()
            if now < self._look_at:
                raise Away
            self._look_at = now + AGAIN_SECONDS  # other threads do not wait for this look
        try:
            answer = question(*arguments, **options)
        except RedisError as exc:
            self._lose(exc)
            raise Away from None
        if self._away:
            self._away = False
            logger.info("Redis is back")
        return answer

    def _lose(self, exc: RedisError) -> None:
        self._look_at = self._clock() + AGAIN_SECONDS
        if not self._away:
            self._away = True
            kind = type(exc).__name__
            logger.warning("Redis is away (%s): until it is back, %s", kind, self._without)
