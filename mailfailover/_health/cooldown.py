"""
The cooldown of a provider: for how long an error asks us to leave it alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailfailover.errors import QuotaExceeded

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailfailover.errors import SendError

QUOTA_SECONDS = 900.0
"""How long a provider without quota is parked when it does not say until when."""

RATE_SECONDS = 5.0
"""How long a provider that wants us slower is parked when it does not say for how long."""


def cooldown_seconds(error: SendError, wall: Callable[[], float]) -> float:
    """
    For how long *error* asks us to leave its provider alone.
    """
    if error.retry_after is not None:
        return error.retry_after
    if not isinstance(error, QuotaExceeded):
        return RATE_SECONDS
    if error.until is None:
        return QUOTA_SECONDS
    return max(0.0, error.until.timestamp() - wall())
