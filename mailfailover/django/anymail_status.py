"""
The attribute ``anymail_status`` of a message that was sent, as django-anymail's users read it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mailfailover._values.receipt import RecipientStatus

if TYPE_CHECKING:
    from mailfailover._values.receipt import Receipt

__all__ = ["AnymailRecipientStatus", "AnymailStatus", "status_in_outbox", "status_of"]

# https://anymail.dev/en/stable/sending/anymail_additions/#anymail.message.AnymailStatus (2026-11)
_WORDS = {
    RecipientStatus.ACCEPTED: "queued",
    RecipientStatus.QUEUED: "queued",
    RecipientStatus.SUPPRESSED: "rejected",
    RecipientStatus.INVALID: "invalid",
    RecipientStatus.REFUSED: "rejected",
    RecipientStatus.UNKNOWN: "unknown",
}


@dataclass(frozen=True, slots=True)
class AnymailRecipientStatus:
    """
    The status of one recipient.

    Attributes:
        message_id: The vendor's id of the mail.

        status: ``"queued"``, ``"invalid"``, ``"rejected"``, ``"unknown"``, or ``"failed"``
            where sending again is safe.

    .. versionadded:: 0.1.0
    """

    message_id: str | None
    status: str | None


@dataclass(slots=True)
class AnymailStatus:
    """
    The status of a message.

    Attributes:
        message_id: The vendor's id of the mail; a set where its recipients have several.

        status: The set of all recipients' statuses; None where nothing was sent.

        recipients: By address.

        esp_response: The :class:`~mailfailover.Receipt`; None for a mail in the outbox.

        mail_id: The library's own id of the mail, the same at every provider.

    .. versionadded:: 0.1.0
    """

    message_id: str | set[str | None] | None = None
    status: set[str | None] | None = None
    recipients: dict[str, AnymailRecipientStatus] = field(default_factory=dict)
    esp_response: Receipt | None = None
    mail_id: str = ""


def status_of(receipt: Receipt) -> AnymailStatus:
    """
    Tell what a receipt says.
    """
    shared = receipt.provider_message_id
    found = {
        email: AnymailRecipientStatus(
            receipt.message_ids.get(email, shared) or None,
            "failed" if email in receipt.unsent else _WORDS[status],
        )
        for email, status in receipt.recipients.items()
    }
    ids = {one.message_id for one in found.values()}
    return AnymailStatus(
        message_id=ids if len(ids) > 1 else shared or None,
        status={one.status for one in found.values()},
        recipients=found,
        esp_response=receipt,
        mail_id=receipt.mail_id,
    )


def status_in_outbox(mail_id: str, emails: Any) -> AnymailStatus:
    """
    Tell of a mail that waits in the outbox.
    """
    found = {email: AnymailRecipientStatus(None, "queued") for email in emails}
    return AnymailStatus(None, {"queued"}, found, None, mail_id)
