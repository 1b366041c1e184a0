"""
The replays of webhooks in Redis, for all processes that receive them.
"""

from __future__ import annotations

import time
from hashlib import sha256
from typing import TYPE_CHECKING

from mailfailover._mailer.replays import MemoryReplays
from mailfailover._values.face import published_in
from mailfailover.redis._presence import TIMEOUT, Away, Presence, connect

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis import Redis


@published_in("mailfailover.redis")
class RedisReplays:
    """
    Remembers webhooks in Redis, for all processes that receive them.

    While Redis is away each process remembers its own: a webhook that comes again may then be
    handed on twice, as it may be whenever a handler fails half-way.

    Args:
        redis, prefix, timeout: See :class:`RedisHealth`.

        clock: Seconds on a clock that never goes back.

    Raises:
        ConfigurationError: If *redis* is a text, but no URL of Redis.

    .. versionadded:: 0.1.0
    """

    def __init__(
        self,
        redis: Redis | str,
        *,
        prefix: str = "mailfailover",
        timeout: float = TIMEOUT,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._opened = isinstance(redis, str)
        self._redis = connect(redis, timeout)
        self._prefix = prefix
        self._presence = Presence(clock, "this process remembers its own webhooks only")
        self._own = MemoryReplays(clock=clock)

    def claim(self, token: str, seconds: float) -> bool:
        """
        Remember *token* for so long; False if it is remembered already.
        """
        try:
            return bool(self._remember(token, seconds, new=True))
        except Away:
            return self._own.claim(token, seconds)

    def keep(self, token: str, seconds: float) -> None:
        """
        Remember *token* for so long from now.
        """
        try:
            self._remember(token, seconds, new=False)
        except Away:
            self._own.keep(token, seconds)

    def release(self, token: str) -> None:
        """
        Forget *token*.
        """
        self._own.release(token)
        try:
            self._presence.ask(self._redis.delete, self._key(token))
        except Away:
            return  # its claim ends by itself

    def left(self, token: str) -> float:
        """
        Return the seconds that *token* is still remembered, 0 where it is not.
        """
        try:
            milliseconds: int = self._presence.ask(self._redis.pttl, self._key(token))
        except Away:
            return self._own.left(token)
        return max(0, milliseconds) / 1000

    def close(self) -> None:
        """
        Close idle connections. The connections of a client that you passed stay open.
        """
        if self._opened:
            self._redis.connection_pool.disconnect(inuse_connections=False)

    def _remember(self, token: str, seconds: float, *, new: bool) -> object:
        milliseconds = max(1, round(seconds * 1000))
        return self._presence.ask(self._redis.set, self._key(token), 1, px=milliseconds, nx=new)

    def _key(self, token: str) -> str:
        return f"{self._prefix}:webhook:{sha256(token.encode()).hexdigest()}"
