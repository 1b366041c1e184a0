"""
What observers are told, and the log that everybody gets.

An observer is any callable that takes one of these values. It is called in the thread of
the send, so it must be quick; what it raises is logged and does no harm to the mail.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailfailover.errors import (
    AccountSuspended,
    AuthenticationFailed,
    RequestRefused,
    Verdict,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mailfailover._message import Message
    from mailfailover._receipt import Attempt

    Observer = Callable[[object], object]

logger = logging.getLogger("mailfailover")
logger.addHandler(logging.NullHandler())

_SERIOUS = (AuthenticationFailed, AccountSuspended, RequestRefused)


@dataclass(frozen=True, slots=True)
class AttemptMade:
    """
    A call to a provider ended, well or not.
    """

    mail_id: str
    stream: str
    attempt: Attempt


@dataclass(frozen=True, slots=True)
class ProviderDown:
    """
    A provider is passed by from now on.

    *reason* is ``"open"``, ``"account"``, ``"cooldown"`` or ``"sender"``.
    """

    provider: str
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class ProviderUp:
    """
    A provider that was passed by is back in its place.
    """

    provider: str


def tell(observers: Iterable[Observer], event: object) -> None:
    """
    Hand *event* to each observer.
    """
    for observer in observers:
        try:
            observer(event)
        except Exception:  # an observer must not decide about a mail
            logger.exception("an observer failed on %s", type(event).__name__)


def log_attempt(message: Message, attempt: Attempt) -> None:
    """
    Log one attempt: without addresses and texts, which no level of this log shows.
    """
    error = attempt.error
    if error is None:
        logger.info(
            "mail %s: %s accepted it in %.3f s", message.id, attempt.provider, attempt.duration
        )
        return
    level = logging.INFO if error.verdict is Verdict.STOP else logging.WARNING
    if isinstance(error, _SERIOUS):
        level = logging.ERROR
    logger.log(
        level,
        "mail %s: %s: %s: %s (stage %s, %.3f s)%s",
        message.id,
        attempt.provider,
        attempt.outcome,
        error,
        attempt.stage,
        attempt.duration,
        _NEXT[error.verdict],
        extra={"mail_id": message.id, "provider": attempt.provider, "outcome": attempt.outcome},
    )


_NEXT = {
    Verdict.STOP: "; no provider would take it",
    Verdict.SWITCH: "; switching to the next provider",
    Verdict.RETRY: "; switching to the next provider",
    Verdict.UNKNOWN: "; it may have been sent",
}
