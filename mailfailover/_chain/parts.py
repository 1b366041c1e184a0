"""
The parts of a chain that a send needs: links and their order, health, transport, clocks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from random import Random

    from mailfailover._chain.candidate import Candidate
    from mailfailover._chain.observe import Observer
    from mailfailover._chain.requirements import Shape
    from mailfailover._health.protocol import Allowances, Health
    from mailfailover._message.address import Address
    from mailfailover._message.message import Message
    from mailfailover._provider.link import Link
    from mailfailover._provider.protocols import Transport
    from mailfailover._setup.ordering import Strategy


class Advice(Protocol):
    """
    Advice on the order of a mail's candidates, from knowledge beyond their health.
    """

    def order(self, message: Message, candidates: Iterable[Candidate]) -> Iterable[Candidate]:
        """
        Return *candidates* in the order in which to try them for *message*, each once.

        *candidates* is lazy: a candidate that is not taken from it costs nothing.
        """

    def split(self, message: Message) -> Sequence[tuple[Address, ...]]:
        """
        Return the recipients of a merge in groups, each of which has one order of candidates.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """
    The parts of a chain. A send gets these, not the chain.
    """

    strategy: Strategy
    links: tuple[Link, ...]
    health: Health
    transport: Transport
    observers: tuple[Observer, ...]
    allowances: Allowances
    """What counts the recipients of links with a rate or a quota."""

    clock: Callable[[], float]
    """Seconds that never go back."""

    wall: Callable[[], float]
    """Seconds since 1970."""

    rng: Random
    outages: set[str] = field(default_factory=set)
    """The providers whose outage this process has logged, until they are back."""

    carriers: dict[Shape, set[str]] = field(default_factory=dict)
    """For each shape of a plain mail, the links that are known to carry such mails."""

    advice: Advice | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        """
        The keys of the links, in the order given.
        """
        return tuple(link.key for link in self.links)

    @property
    def is_alone(self) -> bool:
        """
        Whether there is no provider to fail over to.
        """
        return len(self.links) == 1
