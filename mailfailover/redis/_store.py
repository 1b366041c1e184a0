"""
The breakers in Redis: one script, run once for each question and each result.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from mailfailover._health import breaker
from mailfailover._health.breaker import Hold, ProviderHealth, Ticket

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from redis import Redis

_CONSTANTS = (
    "ACCOUNT_SECONDS",
    "FAILURE_RATE",
    "FAST_FAILURES",
    "MAX_OPEN_SECONDS",
    "OPEN_SECONDS",
    "SLOW",
    "WINDOW",
    "WINDOW_CALLS",
)
_KEEP_SECONDS = 86400
"""For so long an account is remembered that nobody uses, beyond what it is held for."""


class SharedTicket(Ticket):
    """
    A ticket whose generation and lease are those of Redis. It began on this process's clock.
    """

    __slots__ = ()


class Store:
    """
    Runs the commands of ``breaker.lua``.

    Args:
        redis: A client.

        prefix: What the names of all its keys begin with.

        now: Seconds instead of Redis's own time, for tests.
    """

    def __init__(self, redis: Redis, prefix: str, now: Callable[[], float] | None) -> None:
        self.redis = redis
        self._script = redis.register_script(_script())
        self._prefix = prefix
        self._now = now

    def run(self, name: str, command: str, call: dict[str, Any]) -> Any:
        """
        Run *command* on the breaker called *name*.
        """
        if self._now is not None:
            call["now"] = self._now()
        return self._script([f"{self._prefix}:health:{name}"], [command, json.dumps(call)])

    def close(self) -> None:
        """
        Close the connections that are idle.
        """
        self.redis.connection_pool.disconnect(inuse_connections=False)


@cache
def _script() -> str:
    constants = [f"local {name} = {getattr(breaker, name)!r}" for name in _CONSTANTS]
    constants.append(f"local KEEP_SECONDS = {_KEEP_SECONDS}")
    own = files(__package__).joinpath("breaker.lua").read_text("utf-8")
    return "\n".join([*constants, own])


def read_answer(reply: Sequence[Any], key: str, domain: str, now: float) -> SharedTicket | Hold:
    """
    Return the ticket or the hold of a reply that came at *now*.
    """
    kind, *rest = map(_text, reply)
    if kind == "ticket":
        generation, lease = rest
        return SharedTicket(key, domain, now, int(generation), float(lease))
    reason, left, detail = rest
    return Hold(reason, now + float(left), detail)


def read_standing(reply: Sequence[Any]) -> ProviderHealth:
    """
    Return what a reply tells of how a provider stands.
    """
    state, left, calls, failures, detail, *senders = map(_text, reply)
    seconds = float(left) if left else None
    refused = {
        domain: float(left) for domain, left in zip(senders[::2], senders[1::2], strict=True)
    }
    return ProviderHealth(state, seconds, int(calls), int(failures), detail, refused)


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
