"""
The chance: how unlikely a number is while all is well.

A cell is looked at a million times in ten thousand days, and a Gaussian says too little of the
far ends of a binomial: Chernoff's bound holds there.
"""

from __future__ import annotations

from math import log

_SURELY = 0.999


def above(number: int, of: int, usual: float) -> float:
    """
    Return how surely *number* of so many is more than the *usual* share.

    Returns:
        ``-log`` of a bound of the probability that chance makes as many or more, 0.0 where they
        are no more than usual.
    """
    if not of or number <= usual * of:
        return 0.0
    return of * _divergence(number / of, max(usual, 1 - _SURELY))


def below(number: int, of: int, usual: float) -> float:
    """
    Return the same for *number* being less than the *usual* share.
    """
    if not of or number >= usual * of:
        return 0.0
    return of * _divergence(number / of, min(usual, _SURELY))


def _divergence(share: float, usual: float) -> float:
    """
    How much each mail speaks against the usual share (Kullback and Leibler, in nats).
    """
    yes = share * log(share / usual) if share else 0.0
    no = (1 - share) * log((1 - share) / (1 - usual)) if share < 1 else 0.0
    return max(0.0, yes + no)
