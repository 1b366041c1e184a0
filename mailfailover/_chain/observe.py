"""
The events that observers are told of.

An observer is any callable that takes one of these values. It is called in the thread of the
send, so it must be quick. An exception that it raises is logged and does no harm to the mail.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailfailover._chain.log import logger
from mailfailover._provider.scrub import is_time_limit, where
from mailfailover._values.face import published_in
from mailfailover.errors import MailFailoverError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mailfailover._message.message import Message
    from mailfailover._values.receipt import Receipt
    from mailfailover.errors import Attempt

    Observer = Callable[[object], object]


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
    time, and no event tells of that.

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
    A provider still accepts mail, but far less of it is delivered than before.

    Attributes:
        provider: Its chain key.

        share: The part of its recent mails that was delivered in time, 0 to 1.

        usual: The same part of its mails before that.

        mails: How many recent mails *share* is about.

        patience: Seconds within which its deliveries are usually reported.

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


@published_in("mailfailover")
@dataclass(frozen=True, slots=True)
class WebhookRefused:
    """
    A webhook of a provider was not signed by it, as far as our secret can tell.

    Where none is signed rightly, the secret is wrong.

    .. versionadded:: 0.1.0
    """

    provider: str


def tell(observers: Iterable[Observer], event: object) -> None:
    """
    Hand *event* to each observer.
    """
    for observer in observers:
        try:
            observer(event)
        except Exception as exc:  # an observer does not decide about a mail
            if is_time_limit(exc):
                raise
            name, kind = type(event).__name__, type(exc).__name__
            # The text of our own errors is safe to log.
            text = f": {exc}" if isinstance(exc, MailFailoverError) else ""
            logger.error("an observer failed on %s: %s%s%s", name, kind, where(exc), text)
