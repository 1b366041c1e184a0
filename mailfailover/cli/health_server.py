"""
The server that answers ``/healthz`` and ``/readyz`` in a process without another one.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from mailfailover.cli.output import say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailfailover.outbox._health_server import Check

__all__ = ["answering"]


@contextmanager
def answering(listen: str, alive: Check, ready: Check) -> Iterator[str]:
    """
    Answer ``/healthz`` and ``/readyz`` meanwhile, and say where; "" for nowhere.

    Raises:
        ConfigurationError: If the address means nothing, or cannot be had.
    """
    from mailfailover.outbox import _health_server

    with _health_server.answering(listen, alive, ready) as url:
        if url:
            say(f"health: {url}/healthz", err=True)
        yield url
