"""
Where the demo plays: three vendors on sockets of this machine, and a real mailer.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self

from mailfailover._chain.chain import ProviderChain
from mailfailover._chain.observe import ProviderDown, ProviderUp
from mailfailover._mailer.mailer import Mailer
from mailfailover._setup.registry import load_provider
from mailfailover.testing import FaultServer

if TYPE_CHECKING:
    from collections.abc import Mapping

OPTIONS: Mapping[str, Mapping[str, str]] = {
    "mailgun": {"api_key": "demo-key", "domain": "demo.example"},
    "mandrill": {"api_key": "demo-key"},
    "sendgrid": {"api_key": "demo-key"},
}
ATTEMPT_TIMEOUT = 1.5
"""Seconds for an attempt, enough for the breaker to count a hang as slow."""


class Clock:
    """
    The computer's monotonic clock, which can be moved on.
    """

    def __init__(self) -> None:
        self._moved = 0.0

    def __call__(self) -> float:
        """
        The time, in seconds.
        """
        return time.monotonic() + self._moved

    def move(self, seconds: float) -> None:
        """
        Let *seconds* pass at once.
        """
        self._moved += seconds


class Stage:
    """
    Three vendors on sockets of this machine, and a mailer that knows them.

    A context manager: the vendors are gone afterwards.
    """

    def __init__(self) -> None:
        self.vendors: dict[str, FaultServer] = {name: FaultServer(name) for name in OPTIONS}
        self.clock: Clock = Clock()
        self.changes: list[ProviderDown | ProviderUp] = []
        """The news about providers since the last look."""

    def __enter__(self) -> Self:
        for vendor in self.vendors.values():
            vendor.start()
        chain = ProviderChain(
            {
                name: load_provider(name, **options, base_url=self.vendors[name].url)
                for name, options in OPTIONS.items()
            },
            clock=self.clock,
            observers=[self._hear],
        )
        self.mailer: Mailer = Mailer(
            chain, from_email="Shop <shop@demo.example>", attempt_timeout=ATTEMPT_TIMEOUT
        )
        return self

    def __exit__(self, *_: object) -> None:
        self.mailer.close()
        for vendor in self.vendors.values():
            vendor.close()

    def _hear(self, event: object) -> None:
        if isinstance(event, (ProviderDown, ProviderUp)):
            self.changes.append(event)
