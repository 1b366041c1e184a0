"""
The log of a send: each attempt and what it means for the mail, without addresses and texts.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from mailfailover.errors import Penalty, RequestRefused, Verdict

if TYPE_CHECKING:
    from mailfailover._message.message import Message
    from mailfailover.errors import Attempt

logger = logging.getLogger("mailfailover")
logger.addHandler(logging.NullHandler())


def log_attempt(message: Message, attempt: Attempt, verdict: Verdict | None) -> None:
    """
    Log one attempt, and what *verdict* means for the mail.
    """
    error = attempt.error
    serious = isinstance(error, RequestRefused) or (error and error.penalty is Penalty.ACCOUNT)
    level = logging.ERROR if serious else _LEVELS[verdict]
    if not logger.isEnabledFor(level):
        return
    logger.log(
        level,
        "mail %s: %s: %s%s (stage %s, %.3f s)%s",
        message.id,
        attempt.provider,
        attempt.outcome,
        "" if error is None else f": {error}",
        attempt.stage,
        attempt.duration,
        _NEXT[verdict],
        extra={"mail_id": message.id, "provider": attempt.provider, "outcome": attempt.outcome},
    )


_LEVELS = {
    None: logging.INFO,
    Verdict.STOP: logging.INFO,
    Verdict.SWITCH: logging.WARNING,
    Verdict.RETRY: logging.WARNING,
    Verdict.UNKNOWN: logging.WARNING,
}
_NEXT = {
    None: "",
    Verdict.STOP: "; no provider would take it",
    Verdict.SWITCH: "; switching: not with this provider",
    Verdict.RETRY: "; switching: it was surely not sent",
    Verdict.UNKNOWN: "; it may have been sent",
}
