"""
The installed providers and what each can express: for the terminal and the documentation.

Needs neither click nor rich, so the documentation's build can use it alone.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from mailfailover._provider.capabilities import UNDECLARED, Capabilities
from mailfailover._provider.webhook_retries import retries_of
from mailfailover._setup.registry import find, installed
from mailfailover._values.features import Feature
from mailfailover.cli.webhook_matrix import in_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from mailfailover._provider.webhook_retries import WebhookRetries
    from mailfailover._setup.registry import PluginInfo

_WIDTH = 90
_MB = 1024 * 1024
_HOUR = 3600

# The label and format of each limit of `Capabilities`.
_LIMITS: Mapping[str, tuple[str, Callable[[float], str]]] = {
    "max_tags": ("tags in a mail", str),
    "max_metadata": ("metadata keys in a mail", str),
    "max_metadata_bytes": ("bytes of metadata in a mail", str),
    "max_recipients": ("recipients in a call", str),
    "max_copies": ("addresses in cc and bcc", str),
    "max_merge": ("recipients in a merge", str),
    "max_bytes": ("for a mail", lambda size: f"{size / _MB:g} MB"),
    "max_delay": ("until send_at", lambda seconds: f"{seconds / _HOUR:g} h"),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """
    An installed provider.

    Attributes:
        info: Where it comes from, and why it is broken, if it is.

        capabilities: Its features and limits; None if the plugin is broken.

        maturity: How sure it is, ``stable`` or ``provisional``; "" where it does not say.

        unconfirmed: The facts that the vendor's documents do not confirm.

        retries: How its vendor repeats webhooks; None where it has none.
    """

    info: PluginInfo
    capabilities: Capabilities | None
    maturity: str = ""
    unconfirmed: tuple[str, ...] = ()
    retries: WebhookRetries | None = None

    @property
    def limits(self) -> dict[str, float]:
        """
        Its limits, by the names of :class:`~mailfailover.Capabilities`.
        """
        found = {name: getattr(self.capabilities, name, None) for name in _LIMITS}
        return {name: limit for name, limit in found.items() if limit is not None}

    def to_dict(self) -> dict[str, Any]:
        """
        Return it as JSON-safe data.
        """
        features = self.capabilities.features.names if self.capabilities else ()
        return dataclasses.asdict(self.info) | {
            "features": list(features),
            "limits": self.limits,
            "maturity": self.maturity,
            "unconfirmed": list(self.unconfirmed),
            "webhooks": list(in_words(self.retries)) if self.retries else None,
        }

    def lines(self) -> Iterator[str]:
        """
        Yield it in words.
        """
        info = self.info
        yield f"{info.scheme or '?'}://   {info.distribution} {info.version}"
        if self.capabilities is None:
            yield f"  BROKEN: {info.broken}"
            return
        can, cannot = self.capabilities.features, ~self.capabilities.features
        yield from _wrap("can", map(_word, can.names) if cannot else ["everything"])
        yield from _wrap("cannot", map(_word, cannot.names))
        yield from _wrap(
            "at most", (f"{_write(*one)} {_LIMITS[one[0]][0]}" for one in self.limits.items())
        )
        if self.retries is not None:
            yield from _wrap("repeats", in_words(self.retries))
        yield from _wrap("is", filter(None, [self.maturity]))
        for fact in self.unconfirmed:
            yield from _wrap("unsure", [fact])


def entries() -> tuple[Entry, ...]:
    """
    Return every installed provider, the broken ones too. Imports them all.
    """
    return tuple(map(_entry, installed()))


def markdown(found: Iterable[Entry] | None = None) -> str:
    """
    Return the matrix of the built-in providers, or of *found*, as a Markdown table.
    """
    if found is None:
        found = [entry for entry in entries() if entry.info.builtin]
    whole = [one for one in found if one.capabilities is not None]
    usable = [(one.info.scheme, one.capabilities) for one in whole if one.capabilities]
    rows = [["", *(f"`{scheme}`" for scheme, _ in usable)]]
    rows += [["maturity", *(one.maturity for one in whole)]]
    rows += [
        [_word(str(feature.name)), *("yes" if feature in c.features else "" for _, c in usable)]
        for feature in Feature
    ]
    rows += [
        [f"most {title}", *(_write(name, getattr(c, name)) for _, c in usable)]
        for name, (title, _) in _LIMITS.items()
    ]
    return _table(rows)


def capabilities_of(provider: type) -> Capabilities:
    """
    Return what a provider class declares; text and HTML to To if it declares nothing.
    """
    found = getattr(provider, "capabilities", None)
    return found if isinstance(found, Capabilities) else UNDECLARED


def _entry(info: PluginInfo) -> Entry:
    if info.broken:
        return Entry(info, None)
    provider = find(f"{info.distribution}:{info.scheme}")
    maturity, facts = getattr(provider, "maturity", ""), getattr(provider, "unconfirmed", ())
    retries = retries_of(provider) if hasattr(provider, "verify_webhook") else None
    return Entry(info, capabilities_of(provider), maturity, facts, retries)


def _write(name: str, limit: float | None) -> str:
    return "" if limit is None else _LIMITS[name][1](limit)


def _word(name: str) -> str:
    return name.lower().replace("_", " ")


def _wrap(title: str, words: Iterable[str]) -> Iterator[str]:
    """
    Yield *words* as indented lines, nothing if there are none.
    """
    if text := ", ".join(words):
        yield from wrap(
            text, _WIDTH, initial_indent=f"  {title + ':':<9}", subsequent_indent=" " * 11
        )


def _table(rows: Sequence[Sequence[str]]) -> str:
    head, *body = (f"| {' | '.join(row)} |" for row in rows)
    line = f"|{' --- |' * len(rows[0])}"
    return "\n".join((head, line, *body)) + "\n"
