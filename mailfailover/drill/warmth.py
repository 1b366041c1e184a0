"""
The warmth of a chain: which part of all mails each link gets while all is well.
"""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import TYPE_CHECKING

from mailfailover.drill.traffic import RECEIVERS, to_receiver

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailfailover._message.message import Message
    from mailfailover._setup.ordering import Strategy

_SAMPLE = 200


def usual_shares(
    strategy: Strategy, samples: Iterable[Message], seed: int = 0
) -> dict[tuple[str, str], float]:
    """
    Return which part of all mails each link gets for each receiver while all is well.
    """
    rng = Random(seed)
    samples = tuple(samples)
    found: Counter[tuple[str, str]] = Counter()
    for receiver in RECEIVERS:
        mails = [to_receiver(one, receiver) for one in samples]
        for number in range(_SAMPLE):
            first = strategy.order(mails[number % len(mails)], rng)[0]
            found[first.key, receiver] += 1
    return {
        (key, receiver): number / _SAMPLE * RECEIVERS[receiver]
        for (key, receiver), number in found.items()
    }


def idle_links(strategy: Strategy, samples: Iterable[Message]) -> tuple[str, ...]:
    """
    Return the links that get no mail at all while all is well.
    """
    used = {key for key, _ in usual_shares(strategy, samples)}
    return tuple(link.key for link in strategy.links() if link.key not in used)
