"""
The store of breakers and allowances in Redis: a script each, run once for each question.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from mailfailover._health import breaker
from mailfailover._health.breaker import Hold, ProviderHealth, Ticket
from mailfailover._health.limits import ALMOST, Grant

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from redis import Redis

    from mailfailover._health.limits import Portion
    from mailfailover._provider.link import Limit, Link

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
"""How long an unused account is remembered, beyond what it is held for."""


class SharedTicket(Ticket):
    """
    A ticket with the generation and the lease of Redis, and a start on this process's clock.
    """

    __slots__ = ()


class Store:
    """
    Runs ``breaker.lua`` and ``limits.lua``.

    Args:
        redis: A client.

        prefix: The beginning of every key's name.

        now: Seconds instead of Redis's own time, for tests.
    """

    def __init__(self, redis: Redis, prefix: str, now: Callable[[], float] | None) -> None:
        self.redis = redis
        self._breaker = redis.register_script(_breaker_script())
        self._limits = redis.register_script(_limits_script())
        self._prefix = prefix
        self._now = now

    def run(self, name: str, command: str, call: dict[str, Any]) -> Any:
        """
        Run *command* on the breaker called *name*.
        """
        if self._now is not None:
            call["now"] = self._now()
        # The braces keep both keys of an account on one node of a cluster.
        key = f"{self._prefix}:health:{{{name}}}"
        return self._breaker([key, f"{key}:senders"], [command, json.dumps(call)])

    def allow(self, name: str, link: Link, portion: Portion, *, look: bool) -> Grant:
        """
        Take or look at what the account called *name* may still send.
        """
        call: dict[str, Any] = {"least": portion.least, "most": portion.most, "look": look}
        call |= {"rate": _pair(link.rate), "quota": _pair(link.quota)}
        if self._now is not None:
            call["now"] = self._now()
        given = {key: value for key, value in call.items() if value is not None}
        reply = self._limits([f"{self._prefix}:limits:{{{name}}}"], [json.dumps(given)])
        count, wait = map(_text, reply)
        return Grant(int(count), float(wait))

    def close(self) -> None:
        """
        Close the connections that are idle.
        """
        self.redis.connection_pool.disconnect(inuse_connections=False)


@cache
def _breaker_script() -> str:
    constants = [f"local {name} = {getattr(breaker, name)!r}" for name in _CONSTANTS]
    constants.append(f"local KEEP_SECONDS = {_KEEP_SECONDS}")
    return "\n".join([*constants, _own("breaker.lua")])


@cache
def _limits_script() -> str:
    return f"local ALMOST = {ALMOST!r}\n{_own('limits.lua')}"


def _own(name: str) -> str:
    return files(__package__).joinpath(name).read_text("utf-8")


def _pair(limit: Limit | None) -> tuple[int, float] | None:
    return None if limit is None else (limit.count, limit.period)


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
    Return how a provider stands, by a reply.
    """
    state, left, calls, failures, detail, *senders = map(_text, reply)
    seconds = float(left) if left else None
    refused = {
        domain: float(left) for domain, left in zip(senders[::2], senders[1::2], strict=True)
    }
    return ProviderHealth(state, seconds, int(calls), int(failures), detail, refused)


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
