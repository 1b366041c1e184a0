"""
The debt of a link: it accepted a mail, and no event has told since that it was delivered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailfailover._chain.log import logger
from mailfailover._sql.database import DATABASE_ERRORS
from mailfailover.errors import OutcomeUnknown
from mailfailover.tracking import RecipientState

if TYPE_CHECKING:
    from collections.abc import Collection

    from mailfailover._message.message import Message
    from mailfailover.tracking import MailStatus, Tracking

_OWED = frozenset({RecipientState.ACCEPTED, RecipientState.DEFERRED, RecipientState.UNKNOWN})
_OPEN = _OWED | {RecipientState.INVALID, RecipientState.REFUSED, RecipientState.SUPPRESSED}
"""The states of recipients without an event."""

_MAY_HAVE_IT = ("accepted", OutcomeUnknown.__name__)


def owing(tracking: Tracking, message: Message) -> tuple[str, ...]:
    """
    Return the links that still owe the mail that *message* comes *after*.
    """
    try:
        status = tracking.status(message.after)
    except DATABASE_ERRORS as exc:
        logger.warning("mail %s cannot be looked up: %s", message.after, type(exc).__name__)
        return ()
    if status is None:
        logger.info("mail %s is not tracked: mail %s avoids no link", message.after, message.id)
        return ()
    return debtors(status, {one.email.lower() for one in message.recipients})


def is_owed(tracking: Tracking, mail_id: str) -> bool | None:
    """
    Whether nobody has a mail yet, and no event tells how that ended for anybody.

    Returns:
        None where the mail is not tracked, or cannot be looked up now.
    """
    try:
        status = tracking.status(mail_id)
    except DATABASE_ERRORS as exc:
        logger.warning("mail %s cannot be looked up: %s", mail_id, type(exc).__name__)
        return None
    if status is None:
        return None
    states = {one.state for one in status.recipients}
    return bool(states & _OWED) and states <= _OPEN


def debtors(status: MailStatus, emails: Collection[str]) -> tuple[str, ...]:
    """
    Return the links that may have a mail and owe it to one of *emails*.

    Where the mail was for none of these addresses, it is about all of its recipients.
    """
    common = [one for one in status.recipients if one.email.lower() in emails]
    asked = common or status.recipients
    if not any(one.state in _OWED for one in asked):
        return ()
    found = [one["provider"] for one in status.attempts if one["outcome"] in _MAY_HAVE_IT]
    return tuple(dict.fromkeys(found))
