"""
The log of a send: its attempts and the outages they show, without addresses and texts.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mailfailover.errors import Penalty, RequestRefused, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailfailover._health.breaker import Hold
    from mailfailover._message.message import Message
    from mailfailover.errors import Attempt

logger = logging.getLogger("mailfailover")
logger.addHandler(logging.NullHandler())


def log_attempt(
    message: Message,
    attempt: Attempt,
    verdict: Verdict | None,
    successor: Callable[[], str | None],
) -> None:
    """
    Log one attempt, and what *verdict* means for the mail.

    Args:
        message: The mail.

        attempt: The attempt.

        verdict: The verdict of its error, None without an error.

        successor: Finds the provider that the mail can go to now, None if there is none.
    """
    error = attempt.error
    if error is None and not logger.isEnabledFor(logging.INFO):
        return
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
        _next(verdict, successor),
        extra={"mail_id": message.id, "provider": attempt.provider, "outcome": attempt.outcome},
    )


_LAST = datetime.max.replace(tzinfo=UTC).timestamp() - 1
_LEVELS = {
    None: logging.INFO,
    Verdict.STOP: logging.INFO,
    Verdict.SWITCH: logging.WARNING,
    Verdict.RETRY: logging.WARNING,
    Verdict.UNKNOWN: logging.WARNING,
}
_MEANINGS = {
    None: "",
    Verdict.STOP: "; no provider would take it",
    Verdict.SWITCH: "not with this provider",
    Verdict.RETRY: "it was surely not sent",
    Verdict.UNKNOWN: "; it may have been sent",
}


def _next(verdict: Verdict | None, successor: Callable[[], str | None]) -> str:
    meaning = _MEANINGS[verdict]
    if verdict not in (Verdict.SWITCH, Verdict.RETRY):
        return meaning
    if successor() is None:
        return f"; {meaning}, and no other provider is left now"
    return f"; switching: {meaning}"


def log_down(key: str, hold: Hold, until: float, takeover: str | None) -> None:
    """
    Log that a provider is passed by from now on: why, until when, and who takes over.

    Args:
        key: Its chain key.

        hold: Why it is passed by.

        until: Until when, in seconds since 1970.

        takeover: The provider that gets its mails, None if there is none.
    """
    logger.warning(
        "%s is out until %s UTC (%s): %s; %s",
        key,
        f"{datetime.fromtimestamp(min(until, _LAST), UTC):%Y-%m-%d %H:%M:%S}",
        hold.reason,
        hold.detail,
        f"{takeover} takes over" if takeover else "there is no other provider to take over",
        extra={"provider": key, "reason": hold.reason, "takeover": takeover or ""},
    )


def log_up(key: str) -> None:
    """
    Log that a provider takes mail again.
    """
    logger.info("%s is back", key, extra={"provider": key})
