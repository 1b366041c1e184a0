"""
How the text of a chain is taken apart into strategies and URLs.

::

    chain    = strategy | [key "="] url
    strategy = name "(" child { white space child } ")"
    child    = [rule "="] ( strategy | [key "="] url )
    rule     = ( "stream" | "tag" | "domain" ) ":" name

Inside the parentheses of a strategy, ``(`` and ``)`` of a URL are written %28 and %29.

An error never quotes the text, because any part of it may be a secret in the wrong place.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn

from mailfailover._setup.url import decode
from mailfailover.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

_RULE = re.compile(r"((?:stream|tag|domain):[^=\s()/]+)=")
_KEY = re.compile(r"([A-Za-z0-9][A-Za-z0-9_.-]*)=")
_STRATEGY = re.compile(r"([A-Za-z]+)\s*\(")
_LEAF = re.compile(r"[^\s()]+")
_SPACE = re.compile(r"\s*")
_COMMA = re.compile(r",\Z|,(?:[A-Za-z0-9_.-]+=)?[a-z][a-z0-9+.-]*:")
"""A comma that separates providers; a comma within a value may be a part of a secret."""


@dataclass(frozen=True, slots=True)
class Node:
    """
    A strategy with children, or a single provider.

    Attributes:
        strategy: Its name, "" for a provider.

        children: The children of a strategy.

        rule: The rule before it, percent-decoded, "" for none.

        key: The key before a provider, "" for none.

        text: The provider's text: a URL.

        number: Which provider of the whole text it is, counted from 1.
    """

    strategy: str = ""
    children: tuple[Node, ...] = ()
    rule: str = ""
    key: str = ""
    text: str = field(default="", repr=False)
    number: int = 0


def read_chain(text: str, first: int = 1) -> Node:
    """
    Take the text of a chain apart; its providers are counted from *first*.

    Raises:
        ConfigurationError: If it does not follow the grammar.
    """
    text = text.strip()
    key = _KEY.match(text)
    if _STRATEGY.match(text, key.end() if key else 0):
        return _Reader(text, first).whole()
    if not text:
        raise ConfigurationError("the chain is empty: name a provider, for example console://")
    if any(character.isspace() for character in text) or re.search(r",[a-z][a-z0-9+.-]*://", text):
        message = (
            "there is white space or a comma outside of a strategy: write several providers as "
            "failover(... ...), and inside a value a space as %20 and a comma as %2C"
        )
        raise ConfigurationError(message)
    return Node(key=key[1] if key else "", text=text[key.end() if key else 0 :], number=first)


class _Reader:
    """
    Goes through the text of a strategy once, from left to right.
    """

    def __init__(self, text: str, first: int) -> None:
        self._text = text
        self._at = 0
        self._next = first

    def whole(self) -> Node:
        node = self._child()
        if self._at < len(self._text):
            self._fail("there is text after the last closing parenthesis")
        return node

    def _child(self) -> Node:
        rule = self._take(_RULE)
        key = self._take(_KEY)
        rule = decode(rule, "a rule")
        if strategy := self._take(_STRATEGY):
            if key:
                self._fail("a strategy has no key; only a provider has one")
            return Node(strategy=strategy, children=tuple(self._children()), rule=rule)
        if not (text := self._take(_LEAF)):
            self._fail("a provider is missing, or a parenthesis stands in the wrong place")
        if _COMMA.search(text):
            self._fail("a comma follows it: separate providers by spaces (a comma is %2C)")
        self._next += 1
        return Node(rule=rule, key=key, text=text, number=self._next - 1)

    def _children(self) -> Iterator[Node]:
        self._take(_SPACE)
        while not self._text.startswith(")", self._at):
            if self._at == len(self._text):
                self._fail("a parenthesis is not closed")
            yield self._child()
            self._take(_SPACE)
        self._at += 1

    def _take(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self._at)
        if found is None:
            return ""
        self._at = found.end()
        return found[1] if found.re.groups else found[0]

    def _fail(self, problem: str) -> NoReturn:
        message = (
            f"the chain cannot be read near its provider {self._next}: {problem}. "
            "The form is failover(... ...); inside a provider write "
            "( as %28 and ) as %29"
        )
        raise ConfigurationError(message)
