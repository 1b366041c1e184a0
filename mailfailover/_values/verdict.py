"""
The verdict on a failed call: what becomes of the mail, and of the provider.
"""

from __future__ import annotations

from enum import Enum

from mailfailover._values.face import published_in

__all__ = ["Penalty", "Verdict"]


@published_in("mailfailover.errors")
class Verdict(Enum):
    """
    The consequence of one provider's error for the mail.
    """

    STOP = "stop"
    """No provider would take this mail, so end here."""

    SWITCH = "switch"
    """Not with this provider, which is never asked again for this mail."""

    RETRY = "retry"
    """Surely not sent. The next provider now, this one again in a later round."""

    UNKNOWN = "unknown"
    """It may have been sent. Whatever comes later, this is never hidden."""


@published_in("mailfailover.errors")
class Penalty(Enum):
    """
    The consequence of an error for the provider's place in the chain.
    """

    NONE = "none"
    SENDER = "sender"
    """Parked for this From domain only."""

    ACCOUNT = "account"
    """Parked altogether, until somebody repairs the account."""

    COOLDOWN = "cooldown"
    """Parked until the time the provider named; not a failure."""

    FAILURE = "failure"
    """Counts towards opening its breaker."""
