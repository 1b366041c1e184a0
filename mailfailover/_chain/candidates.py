"""
The candidates for a mail: the links that can carry it, in the order in which to try them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailfailover._chain.fit import Fit
from mailfailover.errors import InvalidMessage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailfailover._chain.candidate import Candidate
    from mailfailover._chain.parts import Parts
    from mailfailover._message.message import Message


def candidates(parts: Parts, message: Message) -> Iterator[Candidate]:
    """
    Find the candidates for *message*, lazily: a link that is never asked for is not compared.

    They come in the strategy's order, those that need nothing left off first.

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
    return found if parts.advice is None else iter(parts.advice.order(message, found))
