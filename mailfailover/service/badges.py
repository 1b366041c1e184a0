"""
Badges: how a mail and its recipients stand, in a word or two, with how serious it is.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, TypeAlias

from mailfailover._values.receipt import REJECTED
from mailfailover.outbox import State
from mailfailover.tracking import RecipientState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailfailover.outbox import OutboxMail, OutboxRecipient
    from mailfailover.tracking import MailStatus

__all__ = ["BADGES", "Badge", "badge_of", "deliveries_of", "recipient_badges"]

Badge: TypeAlias = tuple[str, str]
"""The words, and how serious they are: ``good``, ``warn``, ``bad`` or nothing."""

BADGES: Mapping[str, Badge] = {
    State.PENDING: ("waiting", ""),
    State.LEASED: ("on its way", ""),
    State.SENDING: ("on its way", ""),
    State.SENT: ("sent", "good"),
    State.UNKNOWN: ("may have been sent", "warn"),
    State.DEAD: ("given up", "bad"),
}
"""The badge of each state of the outbox."""

_LEVELS = ("bad", "warn", "good", "")
_HELD_BACK = ("held back", "warn")
_LEFT_OUT = ("left out", "warn")
_DELIVERED = ("delivered", "good")
_ENDED = frozenset({State.SENT, State.UNKNOWN})

S = RecipientState
_TOLD: Mapping[str, Badge] = {
    S.COMPLAINED: ("marked as spam", "bad"),
    S.BOUNCED: ("bounced", "bad"),
    S.REJECTED: ("dropped by the provider", "bad"),
    S.DEFERRED: ("not taken yet", "warn"),
    S.DELIVERED: _DELIVERED,
    S.OPENED: _DELIVERED,
    S.CLICKED: _DELIVERED,
}
"""The badge of what a vendor told of a recipient, the most serious first."""

_BY_WEIGHT = (*(badge for badge in _TOLD.values() if badge != _DELIVERED), _LEFT_OUT, _DELIVERED)

_RECIPIENTS: Mapping[str, Badge] = {
    "pending": ("", ""),
    "accepted": ("sent", ""),
    "queued": ("sent, to be delivered later", ""),
    "suppressed": ("left out: suppressed", "warn"),
    "invalid": ("refused: no such address", "bad"),
    "refused": ("refused", "bad"),
    "unknown": ("may have been sent", "warn"),
    **_TOLD,
}


def deliveries_of(status: MailStatus | None) -> Mapping[str, RecipientState]:
    """
    Return what vendors told of each recipient, by its address in lower case.
    """
    tracks = () if status is None else status.recipients
    return {one.email.lower(): one.state for one in tracks if one.since}


def badge_of(mail: OutboxMail, status: MailStatus | None = None) -> Badge:
    """
    Return the badge of *mail*: the worst that vendors told of it, else its state.
    """
    if mail.held_back:
        return _HELD_BACK
    return (mail.state in _ENDED and _outcome(mail, status)) or BADGES[mail.state]


def recipient_badges(
    mail: OutboxMail, status: MailStatus | None
) -> tuple[tuple[OutboxRecipient, Badge], ...]:
    """
    Return each recipient with its badge, the most serious first.

    The badge is what vendors told of the recipient, else the answer of the provider.
    """
    told = deliveries_of(status)
    found = [(one, _RECIPIENTS[told.get(one.email.lower(), one.status)]) for one in mail.recipients]
    return tuple(sorted(found, key=lambda pair: _LEVELS.index(pair[1][1])))


def _outcome(mail: OutboxMail, status: MailStatus | None) -> Badge | None:
    told = deliveries_of(status)
    counts = Counter(_TOLD[state] for state in told.values() if state in _TOLD)
    counts[_LEFT_OUT] = sum(one.status in REJECTED for one in mail.recipients)
    for words, level in _BY_WEIGHT:
        if count := counts[words, level]:
            total = len(mail.recipients)
            return (words if count >= total else f"{count} of {total} {words}", level)
    return None
