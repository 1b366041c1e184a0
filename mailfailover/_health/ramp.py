"""
The ramp: how much a link may take over in an hour, when another one no longer reaches a receiver.
"""

from __future__ import annotations

FIRST_HOUR = 100
"""Recipients in the first hour of a link that has no past at a receiver."""

HOUR = 3600.0
_MOST_DOUBLINGS = 30


def allowed(usual: float, seconds: float) -> float:
    """
    Return how many recipients an hour a link may take over for a receiver.

    Args:
        usual: How many an hour it usually has there.

        seconds: For how long it has been taking over, and well.
    """
    doublings = min(int(seconds // HOUR), _MOST_DOUBLINGS)
    return float(max(FIRST_HOUR, 2 * usual)) * 2.0**doublings
