"""
What became of a mail: attempts, and the receipt they end in.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from mailfailover._values.features import NO_FEATURES, Feature
from mailfailover._values.frozen import EMPTY

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from mailfailover._message.message import Message
    from mailfailover.errors import SendError


class RecipientStatus(StrEnum):
    """
    What the provider said of one recipient. None of them means delivered.
    """

    ACCEPTED = "accepted"
    QUEUED = "queued"
    """Accepted, to be sent later."""

    SUPPRESSED = "suppressed"
    """Not sent, having bounced, complained or unsubscribed before."""

    INVALID = "invalid"
    """Not sent, since there is no such address."""

    REFUSED = "refused"
    """Not sent, for another reason."""

    UNKNOWN = "unknown"
    """May have been sent."""


REJECTED = frozenset({RecipientStatus.SUPPRESSED, RecipientStatus.INVALID, RecipientStatus.REFUSED})


@dataclass(frozen=True, slots=True)
class Accepted:
    """
    What a provider makes of a vendor's yes.

    Attributes:
        provider_message_id: The vendor's id of the mail, "" where it gives none.

        recipients: What it said of each recipient; those it does not name are accepted.

        message_ids: The vendor's id per recipient, where each has one of his own.
    """

    provider_message_id: str = ""
    recipients: Mapping[str, RecipientStatus] = field(default=EMPTY)
    message_ids: Mapping[str, str] = field(default=EMPTY)


@dataclass(frozen=True, slots=True)
class Attempt:
    """
    One call to one provider.

    Attributes:
        provider: The chain key of the provider.

        started: When it began (aware, UTC).

        duration: How long it took, in seconds.

        stage: How far it got; see :class:`~mailfailover.plugin.Stage`.

        outcome: ``"accepted"``, or the name of the error's class.

        error: The exception, or None.

        status_code: The HTTP status or SMTP reply code, or None without an answer.

        provider_message_id: The vendor's id of the mail, "" for none.

        dropped: What was left off the mail because this provider cannot express it.
    """

    provider: str
    started: datetime
    duration: float
    stage: str
    outcome: str
    error: SendError | None = None
    status_code: int | None = None
    provider_message_id: str = ""
    dropped: Feature = NO_FEATURES

    def to_dict(self) -> dict[str, Any]:
        """
        Return it as JSON-safe data, without any address.
        """
        return {
            "provider": self.provider,
            "started": self.started.isoformat(),
            "duration": round(self.duration, 6),
            "stage": str(self.stage),
            "outcome": self.outcome,
            "error": None if self.error is None else str(self.error),
            "status_code": self.status_code,
            "provider_message_id": self.provider_message_id,
            "dropped": list(self.dropped.names),
        }


@dataclass(frozen=True, slots=True)
class Receipt:
    """
    A provider accepted the mail for at least one recipient. It does not mean delivered.

    Attributes:
        mail_id: Our id of the mail.

        provider: The chain key of the provider that took it.

        provider_message_id: The vendor's id of the mail, "" where it gives none.

        recipients: What became of each recipient.

        attempts: Every call that was made, oldest first.

        possible_duplicate: Whether an earlier attempt may have sent the mail too.

        message_ids: The vendor's id per recipient, where each has one of his own.

        unsent:
            Those of the rejected whom nobody refused for good: time ran out, or all who could
            take them were down. Sending to them again is safe.
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
        The recipients who surely get no mail, with the reason.
        """
        return {email: status for email, status in self.recipients.items() if status in REJECTED}

    def to_dict(self) -> dict[str, Any]:
        """
        Return it as JSON-safe data.
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


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    How one mail of :meth:`~mailfailover.Mailer.send_many` ended: a receipt or an error.

    The error is what :meth:`~mailfailover.Mailer.send` would have raised.
    """

    message: Message
    receipt: Receipt | None = None
    error: Exception | None = None

    @property
    def ok(self) -> bool:
        """
        Whether a provider accepted it.
        """
        return self.receipt is not None
