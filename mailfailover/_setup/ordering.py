"""
In which order the links of a chain are tried for a mail.

A strategy holds children, which are links or strategies, and orders them anew for each
mail: :class:`Failover` (as given), :class:`Random`, :class:`RoundRobin` and
:class:`Weighted` here, :class:`~mailfailover._setup.route.Route` in a module of its own. A strategy
never looks at health: the chain passes by what is parked or open.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from mailfailover._provider.link import Link
from mailfailover.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from random import Random as Rng

    from mailfailover._message.message import Message

_set = object.__setattr__


@runtime_checkable
class Strategy(Protocol):
    """
    An ordering of the links of a chain.
    """

    def links(self) -> tuple[Link, ...]:
        """
        Return every link it can choose, each once, in the order given.
        """

    def order(self, message: Message, rng: Rng) -> list[Link]:
        """
        Return the links to try for *message*, each at most once, the first one first.

        Raises:
            ConfigurationError: If it has no place for this mail.
        """


Child = Link | Strategy


def collect(children: Iterable[Child]) -> tuple[Link, ...]:
    """
    Return all links below *children*, each once.

    Raises:
        ConfigurationError: If two different links have the same key.
    """
    found: dict[str, Link] = {}
    for child in children:
        for link in links_of(child):
            if found.setdefault(link.key, link) is not link:
                name = link.provider.name
                message = (
                    f"two providers are called {link.key!r}: give each a key of its own, "
                    f"write eu={name}://... us={name}://..."
                )
                raise ConfigurationError(message)
    return tuple(found.values())


def links_of(child: Child) -> tuple[Link, ...]:
    """
    Return the links of *child*, or itself if it is one.
    """
    return (child,) if isinstance(child, Link) else child.links()


def flatten(children: Iterable[Child], message: Message, rng: Rng) -> list[Link]:
    """
    Return the links of *children* one child after the other, each link once.
    """
    found: dict[str, Link] = {}
    for child in children:
        for link in (child,) if isinstance(child, Link) else child.order(message, rng):
            found.setdefault(link.key, link)
    return list(found.values())


def show(name: str, children: Iterable[str]) -> str:
    """
    Write a strategy as a DSN would, keys in place of URLs.
    """
    return f"{name.lower()}({' '.join(children)})"


def name_of(child: Child) -> str:
    """
    Return how *child* stands in the text of its strategy.
    """
    return child.key if isinstance(child, Link) else repr(child)


@dataclass(frozen=True, slots=True, init=False, repr=False)
class _Group:
    """
    Children that all have their turn, in an order that the subclass decides.
    """

    children: tuple[Child, ...]
    _links: tuple[Link, ...] = field(compare=False)

    def __init__(self, *children: Child) -> None:
        if not children:
            message = f"{type(self).__name__.lower()}() is empty: give it at least one provider"
            raise ConfigurationError(message)
        _set(self, "children", children)
        _set(self, "_links", collect(children))

    def links(self) -> tuple[Link, ...]:
        """
        Return every link below, in the order given.
        """
        return self._links

    def order(self, message: Message, rng: Rng) -> list[Link]:
        """
        Return the links to try for *message*.
        """
        return flatten(self._turn(rng), message, rng)

    def _turn(self, rng: Rng) -> Iterable[Child]:
        """
        Return the children in the order for one mail.
        """
        return self.children

    def __repr__(self) -> str:
        return show(type(self).__name__, map(name_of, self.children))


class Failover(_Group):
    """
    The given order: a link is used only if the links before it fail.
    """

    __slots__ = ("_plain",)

    _plain: bool

    def __init__(self, *children: Child) -> None:
        super().__init__(*children)
        _set(self, "_plain", all(isinstance(child, Link) for child in children))

    def order(self, message: Message, rng: Rng) -> list[Link]:
        """
        Return the links in the order given.
        """
        if self._plain:  # the healthy path of most chains: nothing to work out
            return list(self._links)
        return super().order(message, rng)


class Random(_Group):
    """
    A fresh order for each mail, every order as likely as any other.
    """

    __slots__ = ()

    def _turn(self, rng: Rng) -> Iterable[Child]:
        return rng.sample(self.children, len(self.children))


class RoundRobin(_Group):
    """
    Each mail begins one child further on than the mail before; the others follow in turn.

    Each process counts for itself.
    """

    __slots__ = ("_turns",)

    _turns: itertools.cycle[tuple[Child, ...]]

    def __init__(self, *children: Child) -> None:
        super().__init__(*children)
        turns = [children[start:] + children[:start] for start in range(len(children))]
        # One step of it is one call into C, so threads cannot meet inside it, and there is no
        # lock that a fork could leave held.
        _set(self, "_turns", itertools.cycle(turns))

    def _turn(self, rng: Rng) -> Iterable[Child]:
        return next(self._turns)


class Weighted(_Group):
    """
    A fresh order for each mail, where a child comes first as often as its weight says.

    A child with weight 3 is first three times as often as one with weight 1. A strategy
    among the children weighs as much as its links together.
    """

    __slots__ = ("_weights",)

    _weights: tuple[float, ...]

    def __init__(self, *children: Child) -> None:
        super().__init__(*children)
        weights = tuple(sum(link.weight for link in links_of(child)) for child in children)
        _set(self, "_weights", weights)

    def _turn(self, rng: Rng) -> Iterable[Child]:
        # Sampling without replacement: the link whose exponential clock rings first is first.
        clocks = [rng.expovariate(weight) for weight in self._weights]
        places = sorted(range(len(clocks)), key=clocks.__getitem__)
        return [self.children[place] for place in places]


@dataclass(frozen=True, slots=True, init=False)
class Shares:
    """
    The root of a chain in which some link has a share: gives it that part of all mails first.
    """

    strategy: Strategy

    def __init__(self, strategy: Strategy) -> None:
        if sum(link.share for link in strategy.links()) > 1:
            text = "the shares of all links add up to more than 1: lower them"
            raise ConfigurationError(text)
        _set(self, "strategy", strategy)

    def links(self) -> tuple[Link, ...]:
        """
        Return every link of the strategy.
        """
        return self.strategy.links()

    def order(self, message: Message, rng: Rng) -> list[Link]:
        """
        Return the strategy's order, at times with a link moved to the front by its share.
        """
        return with_shares(self.strategy.order(message, rng), rng)


def with_shares(ordered: list[Link], rng: Rng) -> list[Link]:
    """
    Return *ordered*, with the probability of its share one of the later links moved to the front.
    """
    ticket = rng.random()
    for place, link in enumerate(ordered[1:], start=1):
        if ticket < link.share:
            return [link, *ordered[:place], *ordered[place + 1 :]]
        ticket -= link.share
    return ordered
