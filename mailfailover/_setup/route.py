"""
A strategy that chooses by what the mail is: its stream, its tags, where it goes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mailfailover._message.address import Address
from mailfailover._setup.ordering import Child, collect, flatten, name_of, show
from mailfailover._values.frozen import FrozenDict
from mailfailover.errors import ConfigurationError, InvalidMessage

if TYPE_CHECKING:
    from random import Random as Rng

    from mailfailover._message.message import Message
    from mailfailover._provider.link import Link

_set = object.__setattr__

Choice = Callable[["Message"], str | None]
Rule = Callable[["Message"], bool]


@dataclass(frozen=True, slots=True, init=False, repr=False)
class Route:
    """
    A child by what the mail is: the first rule that fits decides, and only that child is tried.

    Attributes:
        rules:
            ``{rule: child}``. A rule is ``stream:NAME``, ``tag:NAME`` (one of its tags), or
            ``domain:NAME`` (the domain of every recipient, exactly; a mail that also goes
            elsewhere does not fit). Any other name is for *by* only.

        default: The child for mails that no rule fits.

        by:
            Asked before the rules: returns the name of a rule, the key or a label of
            links, or None to let the rules decide.
    """

    rules: Mapping[str, Child]
    default: Child | None
    by: Choice | None
    _links: tuple[Link, ...] = field(compare=False)
    _tests: tuple[tuple[Rule, Child], ...] = field(compare=False)

    def __init__(
        self, rules: Mapping[str, Child], default: Child | None = None, by: Choice | None = None
    ) -> None:
        if not rules and by is None:
            message = "route() has no rule: give it one, such as stream:bulk, or use failover()"
            raise ConfigurationError(message)
        children = [*rules.values(), *([] if default is None else [default])]
        _set(self, "rules", FrozenDict(rules))
        _set(self, "default", default)
        _set(self, "by", by)
        _set(self, "_links", collect(children))
        tests = [(_test(rule, named=by is not None), child) for rule, child in rules.items()]
        _set(self, "_tests", tuple((test, child) for test, child in tests if test))

    def links(self) -> tuple[Link, ...]:
        """
        Return every link below: first the links of the rules, then those of the default.
        """
        return self._links

    def order(self, message: Message, rng: Rng) -> list[Link]:
        """
        Return the links of the child that fits *message*.

        Raises:
            ConfigurationError:
                If none does and there is no default, or *by* names what does not exist.
        """
        return flatten(self._chosen(message), message, rng)

    def _chosen(self, message: Message) -> Iterable[Child]:
        if self.by is not None and (name := self.by(message)) is not None:
            return self._called(name)
        for test, child in self._tests:
            if test(message):
                return (child,)
        if self.default is not None:
            return (self.default,)
        text = (
            "no rule of route() fits the mail, and there is no default: "
            "add a last provider without a rule"
        )
        raise ConfigurationError(text)

    def _called(self, name: str) -> Iterable[Child]:
        if name in self.rules:
            return (self.rules[name],)
        if found := [link for link in self._links if name in link.names]:
            return found
        text = f"the function of route() chose {name!r}, which is no rule, key or label here"
        raise ConfigurationError(text)

    def __repr__(self) -> str:
        children = [f"{rule}={name_of(child)}" for rule, child in self.rules.items()]
        last = [] if self.default is None else [name_of(self.default)]
        return show("route", children + last)


def _by_stream(name: str) -> Rule:
    return lambda message: message.stream == name


def _by_tag(name: str) -> Rule:
    return lambda message: name in message.tags


def _by_domain(name: str) -> Rule:
    try:
        domain = Address(f"x@{name}").domain
    except InvalidMessage:
        domain = ""
    if not domain:
        text = "a rule domain:NAME of route() has no valid domain: write domain:example.com"
        raise ConfigurationError(text)
    return lambda message: {address.domain for address in message.recipients} == {domain}


RULES: Mapping[str, Callable[[str], Rule]] = {
    "stream": _by_stream,
    "tag": _by_tag,
    "domain": _by_domain,
}


def _test(rule: str, *, named: bool) -> Rule | None:
    kind, _, name = rule.partition(":")
    if kind in RULES and name:
        return RULES[kind](name)
    if named:
        return None
    text = (
        "a rule of route() is not of the form stream:NAME, tag:NAME or domain:NAME; "
        "other names need a function that chooses them (by=)"
    )
    raise ConfigurationError(text)
