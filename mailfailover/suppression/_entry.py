"""
The entry of a suppression list: who must not get which mail, and why.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from mailfailover._message.address import Address
from mailfailover._values.face import published_in

if TYPE_CHECKING:
    from datetime import datetime


@published_in("mailfailover.suppression")
class Reason(StrEnum):
    """
    Why an address must not get mail.

    .. versionadded:: 0.1.0
    """

    COMPLAINED = "complained"
    UNSUBSCRIBED = "unsubscribed"
    BOUNCED = "bounced"
    """The address does not exist, or refuses mail permanently."""

    SUPPRESSED = "suppressed"
    """The address is on a provider's own list."""

    MANUAL = "manual"


@published_in("mailfailover.suppression")
class SuppressionState(StrEnum):
    """
    The effect of an entry on mail.

    .. versionadded:: 0.1.0
    """

    SUPPRESSED = "suppressed"
    """The address gets no mail."""

    HELD = "held"
    """The address bounced once, and gets no mail until the entry expires."""

    QUARANTINED = "quarantined"
    """The address bounced while its receiver refused many, and still gets mail."""


@published_in("mailfailover.suppression")
@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """
    An address that must not get mail, permanently or for some days.

    Attributes:
        email: The address, in lower case.

        reason: Why.

        state: Whether it is suppressed, held for some days, or got a bounce that proves nothing.

        stream: For which stream this holds, "" for every one.

        from_domain: For which domain of From this holds, "" for every one.

        source: The chain key of the provider that told it, or who else did.

        detail: Why, in words.

        created: Since when.

        expires: Until when, None for ever.

    .. versionadded:: 0.1.0
    """

    email: str
    reason: Reason
    stream: str = ""
    from_domain: str = ""
    source: str = ""
    detail: str = ""
    created: datetime
    expires: datetime | None = None
    state: SuppressionState = SuppressionState.SUPPRESSED

    def to_dict(self) -> dict[str, Any]:
        """
        Return it as JSON-safe data.
        """
        return {
            "email": self.email,
            "reason": str(self.reason),
            "state": str(self.state),
            "stream": self.stream,
            "from_domain": self.from_domain,
            "source": self.source,
            "detail": self.detail,
            "created": self.created.isoformat(),
            "expires": self.expires and self.expires.isoformat(),
        }


def plain_address(email: str) -> str:
    """
    Return the form that an address is kept and looked for in.

    Raises:
        InvalidMessage: If it is no address.
    """
    return Address(email).email.lower()


def plain_domain(domain: str) -> str:
    """
    Return the form that a domain is kept and compared in, "" for none.

    Raises:
        InvalidMessage: If it is no domain.
    """
    return Address(f"x@{domain}").domain if domain else ""
