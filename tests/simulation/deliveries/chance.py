"""
Numbers by chance, quickly: how many of so many, and how many at all.
"""

from __future__ import annotations

from math import exp, log, log1p, sqrt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

_MANY = 40


def poisson(rng: Random, mean: float) -> int:
    """
    How many come where *mean* are expected.
    """
    if mean > _MANY:
        return max(0, round(rng.gauss(mean, sqrt(mean))))
    limit, product, count = exp(-mean), rng.random(), 0
    while product > limit:
        product *= rng.random()
        count += 1
    return count


def binomial(rng: Random, number: int, share: float) -> int:
    """
    How many of *number* are so where *share* of all are.
    """
    if share <= 0 or number <= 0:
        return 0
    if share > 0.5:
        return number - binomial(rng, number, 1 - share)
    if number * share > _MANY:
        mean = number * share
        return min(number, max(0, round(rng.gauss(mean, sqrt(mean * (1 - share))))))
    count, passed, scale = 0, 0, log1p(-share)
    while True:
        passed += int(log(1.0 - rng.random()) / scale) + 1
        if passed > number:
            return count
        count += 1
