"""
Opening a chain's health: in memory, in a shared store named by a URL, or an object given.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mailfailover._health.memory import MemoryHealth
from mailfailover.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from random import Random

    from mailfailover._health.protocol import Health
    from mailfailover._provider.link import Link

_REDIS = ("mailfailover.redis", "RedisHealth")
STORES = {"redis": _REDIS, "rediss": _REDIS, "unix": _REDIS}
"""The class of each shared store by URL scheme, as text because stores are above this room."""


def open_health(
    health: Health | str | None,
    links: Iterable[Link],
    *,
    clock: Callable[[], float],
    wall: Callable[[], float],
    rng: Random,
) -> Health:
    """
    Return the health of a chain of *links*: what was given for it, or one of its own.

    Raises:
        ConfigurationError: If its store is unknown, or its package is not installed.
    """
    store: Any = health
    if health is None:
        store = MemoryHealth(clock=clock, wall=wall, rng=rng)
    elif isinstance(health, str):
        store = _shared(health, clock=clock, wall=wall, rng=rng)
    if isinstance(store, MemoryHealth):
        store.know(links)
    for_links = getattr(store, "for_links", None)
    opened: Health = store if for_links is None else for_links(links)
    return opened


def _shared(url: str, **options: Any) -> Any:
    module, name = STORES.get(url.partition("://")[0], _REDIS)
    try:
        store = getattr(import_module(module), name)
    except ImportError as exc:
        message = 'health in Redis needs a package: pip install "mailfailover[redis]"'
        raise ConfigurationError(message) from exc
    return store(url, **options)
