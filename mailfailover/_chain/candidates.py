"""
The candidates for a mail: the links that can carry it, in the order in which to try them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailfailover._chain.fit import Fit
from mailfailover.errors import InvalidMessage

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from mailfailover._chain.candidate import Candidate
    from mailfailover._chain.parts import Parts
    from mailfailover._message.message import Message


def candidates(parts: Parts, message: Message, avoid: Collection[str] = ()) -> Iterator[Candidate]:
    """
    Find the candidates for *message*, lazily: a link that is never asked for is not compared.

    They come in the strategy's order, those that need nothing left off first, and the links to
    *avoid* last.

    Raises:
        InvalidMessage: If there is no recipient or no sender, or *via* names no link.
        UnsupportedFeature: If no link can carry the mail.
    """
    if not message.to and not message.cc and not message.bcc:
        raise InvalidMessage("to is empty: name at least one recipient", field="to")
    links = parts.strategy.order(message, parts.rng)
    if message.via:
        links = [link for link in links if not link.names.isdisjoint(message.via)]
        if not links:
            text = f"via names no provider of this chain; known: {', '.join(parts.keys)}"
            raise InvalidMessage(text, field="via")
    found = Fit(message, parts.wall, parts.carriers).find(links)
    if parts.advice is not None:
        found = iter(parts.advice.order(message, found))
    return iter(sorted(found, key=lambda one: one.link.key in avoid)) if avoid else found
