"""
The receipt of a mail, and the provider's answer for each recipient.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from mailfailover._values.face import published_in
from mailfailover._values.frozen import EMPTY
from mailfailover._values.quick import quick_init

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailfailover.errors import Attempt


@published_in("mailfailover")
class RecipientStatus(StrEnum):
    """
    The provider's answer for one recipient. None of these means delivered.
    """

    ACCEPTED = "accepted"
    """Accepted, to be sent at once."""

    QUEUED = "queued"
    """Accepted, to be sent later."""

    SUPPRESSED = "suppressed"
    """Not sent, because the recipient bounced, complained or unsubscribed before."""

    INVALID = "invalid"
    """Not sent, because the address does not exist."""

    REFUSED = "refused"
    """Not sent for another reason."""

    UNKNOWN = "unknown"
    """May have been sent."""


REJECTED = frozenset({RecipientStatus.SUPPRESSED, RecipientStatus.INVALID, RecipientStatus.REFUSED})


@published_in("mailfailover")
@quick_init
@dataclass(frozen=True, slots=True)
class Accepted:
    """
    A vendor's acceptance of a mail, as the provider reads it.

    Attributes:
        provider_message_id: The vendor's id of the mail, "" where it gives none.

        recipients: The status of each recipient; a recipient that is missing is accepted.

        message_ids: The vendor's id per recipient, where each has one of his own.
    """

    provider_message_id: str = ""
    recipients: Mapping[str, RecipientStatus] = field(default=EMPTY)
    message_ids: Mapping[str, str] = field(default=EMPTY)


@published_in("mailfailover")
@quick_init
@dataclass(frozen=True, slots=True)
class Receipt:
    """
    A provider accepted the mail for at least one recipient. It does not mean delivered.

    Attributes:
        mail_id: Our id of the mail.

        provider: The chain key of the provider that took it.

        provider_message_id: The vendor's id of the mail, "" where it gives none.

        recipients: The status of each recipient.

        attempts: Every call that was made, oldest first.

        possible_duplicate: Whether an earlier attempt may have sent the mail too.

        message_ids: The vendor's id per recipient, where each has one of his own.

        unsent:
            The rejected recipients that no provider refused for good: time ran out, or every
            provider for them was down. Sending to them again is safe.
    """

    mail_id: str
    provider: str
    provider_message_id: str
    recipients: Mapping[str, RecipientStatus]
    attempts: tuple[Attempt, ...]
    possible_duplicate: bool = False
    message_ids: Mapping[str, str] = field(default=EMPTY)
    unsent: tuple[str, ...] = ()

    @property
    def rejected(self) -> dict[str, RecipientStatus]:
        """
        The recipients that certainly get no mail, with the reason.
        """
        return {email: status for email, status in self.recipients.items() if status in REJECTED}

    def to_dict(self) -> dict[str, Any]:
        """
        Return the receipt as JSON-safe data.
        """
        return {
            "mail_id": self.mail_id,
            "provider": self.provider,
            "provider_message_id": self.provider_message_id,
            "recipients": {email: str(status) for email, status in self.recipients.items()},
            "attempts": [attempt.to_dict() for attempt in self.attempts],
            "possible_duplicate": self.possible_duplicate,
            "message_ids": dict(self.message_ids),
            "unsent": list(self.unsent),
        }
