"""
DSNs, and all else that a chain can be made of, turned into strategies.

The text of a DSN is read in three steps: :mod:`mailfailover._setup.dsn_grammar` takes it apart into
strategies and URLs, :mod:`mailfailover._setup.url_link` makes a link of each URL, and
:func:`build` puts them together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from mailfailover._provider.link import Link
from mailfailover._provider.protocols import AnyProvider
from mailfailover._setup.dsn_grammar import Node, read_chain
from mailfailover._setup.options import LINK_OPTIONS, did_you_mean
from mailfailover._setup.ordering import (
    Child,
    Failover,
    Random,
    RoundRobin,
    Shares,
    Strategy,
    Weighted,
)
from mailfailover._setup.route import Route
from mailfailover._setup.url_link import link_from_url
from mailfailover._values.frozen import EMPTY
from mailfailover.errors import ConfigurationError

Part = str | AnyProvider | Link | Strategy
"""A member of a strategy: a DSN, a provider, a link or a strategy."""

_GROUPS: Mapping[str, Callable[..., Strategy]] = {
    "failover": Failover,
    "random": Random,
    "roundrobin": RoundRobin,
    "weighted": Weighted,
}
_STRATEGIES = (*_GROUPS, "route")


def parse_dsn(text: str) -> Strategy:
    """
    Read a DSN; that of a single provider gives a failover of one.

    Raises:
        ConfigurationError:
            If it cannot be read, or a provider of it cannot be set up. The text names the
            provider by its number and key, and never quotes the DSN.
    """
    return _rooted(_read(text))


def build_chain_spec(spec: Any) -> Strategy:
    """
    Make a strategy of all that a chain can be.

    Args:
        spec:
            A DSN, a provider, a link, a strategy, what has a ``strategy`` (a chain), a list
            or tuple of these, or an ordered mapping ``{key: DSN, provider or link}``.

    Raises:
        ConfigurationError: If it is empty or none of these, or two providers have one key.
    """
    if isinstance(spec, Mapping):
        if not all(isinstance(key, str) and key for key in spec):
            message = "a key of the chain is not a text, or empty: name each provider"
            raise ConfigurationError(message)
        return _rooted(Failover(*children_of((), spec)))
    if isinstance(spec, (list, tuple)):
        return _rooted(Failover(*children_of(spec)))
    return _rooted(child_of(spec))


def _rooted(child: Child) -> Strategy:
    strategy = Failover(child) if isinstance(child, Link) else child
    shared = any(link.share for link in strategy.links())
    return Shares(strategy) if shared and not isinstance(strategy, Shares) else strategy


def children_of(parts: Iterable[Part], keyed: Mapping[str, Part] = EMPTY) -> Iterator[Child]:
    """
    Make children of *parts*, and with their keys the children in *keyed*.
    """
    pairs = [*(("", part) for part in parts), *keyed.items()]
    for number, (key, part) in enumerate(pairs, start=1):
        yield child_of(part, key, number)


def child_of(part: Any, key: str = "", number: int = 1) -> Child:
    """
    Make a link or strategy of *part*.

    Args:
        part: A DSN, a provider, a link, a strategy, or a chain.

        key: The key of the link, "" for its own.

        number: Which part of its whole it is, for errors.

    Raises:
        ConfigurationError: If it is none of these.
    """
    # A chain, and the root of one with shares: the shares are applied at the new root.
    inner = getattr(part, "strategy", part)
    if isinstance(inner, Strategy):
        if key:
            message = f"{key!r} is given as the key of a strategy: only a provider has one"
            raise ConfigurationError(message)
        return inner if inner is part else child_of(inner)
    if isinstance(part, str):
        return _read(part, key, number)
    if isinstance(part, Link):
        return _renamed(part, key) if key else part
    return Link(part, key)


def _renamed(link: Link, key: str) -> Link:
    options = {name: getattr(link, name) for name in LINK_OPTIONS}
    return Link(link.provider, key, templates=link.templates, **options)


def _read(text: str, key: str = "", number: int = 1) -> Child:
    node = read_chain(text, number)
    if key and (node.strategy or node.key):
        problem = "is a strategy, which has none" if node.strategy else "has one of its own"
        message = f"the DSN with the key {key!r} {problem}: remove one of them"
        raise ConfigurationError(message)
    return build(replace(node, key=key) if key else node, link_of)


def link_of(node: Node) -> Link:
    """
    Make the link that the URL of *node* describes.
    """
    where = f"provider {node.number}{f' ({node.key})' if node.key else ''} of the chain"
    return link_from_url(node.text, node.key, where)


def build(node: Node, leaf: Callable[[Node], Link]) -> Child:
    """
    Make what *node* describes, with the links that *leaf* makes of its providers.

    Raises:
        ConfigurationError: If a strategy is unknown, or a rule stands in the wrong place.
    """
    if not node.strategy:
        return leaf(node)
    children = [(child.rule, build(child, leaf)) for child in node.children]
    if node.strategy == "route":
        return _build_route(children)
    if node.strategy not in _GROUPS:
        message = (
            f"there is an unknown strategy.{did_you_mean(node.strategy, _STRATEGIES)} "
            f"The strategies are: {', '.join(_STRATEGIES)}"
        )
        raise ConfigurationError(message)
    if any(rule for rule, _ in children):
        message = f"a rule stands in {node.strategy}(): rules belong directly into route()"
        raise ConfigurationError(message)
    return _GROUPS[node.strategy](*(child for _, child in children))


def _build_route(children: list[tuple[str, Child]]) -> Route:
    default = children.pop()[1] if children and not children[-1][0] else None
    rules = dict(children)
    if "" in rules:
        message = "only the last child of route() may stand without a rule, as the default"
        raise ConfigurationError(message)
    if len(rules) < len(children):
        message = "two children of route() have the same rule: put them into one failover()"
        raise ConfigurationError(message)
    return Route(rules, default)
