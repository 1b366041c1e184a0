"""
What observers are told, and the log that everybody gets.

An observer is any callable that takes one of these values. It is called in the thread of
the send, so it must be quick; what it raises is logged and does no harm to the mail.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailfailover._provider.scrub import is_time_limit, where
from mailfailover._values.face import published_in
from mailfailover.errors import MailFailoverError, Penalty, RequestRefused, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mailfailover._message.message import Message
    from mailfailover._values.receipt import Receipt
    from mailfailover.errors import Attempt

    Observer = Callable[[object], object]

logger = logging.getLogger("mailfailover")
logger.addHandler(logging.NullHandler())


@published_in("mailfailover")
@dataclass(frozen=True, slots=True)
class AttemptMade:
    """
    A call to a provider ended, well or not.

    .. versionadded:: 0.1.0
    """

    mail_id: str
    stream: str
    attempt: Attempt


@published_in("mailfailover")
@dataclass(frozen=True, slots=True)
class MailSent:
    """
    A send of a :class:`~mailfailover.Mailer` ended in a receipt.

    .. versionadded:: 0.1.0
    """

    message: Message
    receipt: Receipt


@published_in("mailfailover")
@dataclass(frozen=True, slots=True)
class MailFailed:
    """
    A send of a :class:`~mailfailover.Mailer` ended in an error.

    The mail may have been sent all the same where that is an ``OutcomeUnknown``.

    .. versionadded:: 0.1.0
    """

    message: Message
    error: MailFailoverError


@published_in("mailfailover")
@dataclass(frozen=True, slots=True)
class ProviderDown:
    """
    A provider is passed by from now on.

    *reason* is ``"open"``, ``"account"``, ``"cooldown"`` or ``"sender"``. The last two end with
    time, of which nobody is told.

    .. versionadded:: 0.1.0
    """

    provider: str
    reason: str
    detail: str


@published_in("mailfailover")
@dataclass(frozen=True, slots=True)
class ProviderUp:
    """
    A provider that was open, or whose account was parked, is back in its place.

    .. versionadded:: 0.1.0
    """

    provider: str


@published_in("mailfailover")
@dataclass(frozen=True, slots=True)
class SilentOutage:
    """
    A provider goes on accepting mail, and its deliveries fell far below its own past.

    Attributes:
        provider: Its chain key.

        share: The part of its recent mails that was delivered in time.

        usual: The same of its past.

        mails: How many recent mails that is told of.

        patience: Seconds within which its deliveries are usually told.

    .. versionadded:: 0.1.0
    """

    provider: str
    share: float
    usual: float
    mails: int
    patience: float

    def __str__(self) -> str:
        return (
            f"{self.provider} accepts mail, but of its last {self.mails} mails it told "
            f"{self.share:.0%} to be delivered within {self.patience / 60:.0f} min; usual are "
            f"{self.usual:.0%}"
        )


def tell(observers: Iterable[Observer], event: object) -> None:
    """
    Hand *event* to each observer.
    """
    for observer in observers:
        try:
            observer(event)
        except Exception as exc:  # an observer must not decide about a mail
            if is_time_limit(exc):
                raise
            name, kind = type(event).__name__, type(exc).__name__
            text = f": {exc}" if isinstance(exc, MailFailoverError) else ""  # ours are safe to log
            logger.error("an observer failed on %s: %s%s%s", name, kind, where(exc), text)


def log_attempt(message: Message, attempt: Attempt, verdict: Verdict | None) -> None:
    """
    Log one attempt, and what it means for the mail: without addresses and texts.
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
