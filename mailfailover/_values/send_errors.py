"""
The kinds of send errors, one for each thing that a person or the chain can do about it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from mailfailover._values.face import published_in
from mailfailover._values.send_error import Facts, SendError
from mailfailover._values.verdict import Penalty, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

__all__ = [
    "AccountSuspended",
    "AuthenticationFailed",
    "ConnectionFailed",
    "MessageRejected",
    "OutcomeUnknown",
    "ProviderUnavailable",
    "QuotaExceeded",
    "RateLimited",
    "RecipientRejected",
    "RecipientSuppressed",
    "RequestRefused",
    "SenderRefused",
    "UnsupportedFeature",
]


@published_in("mailfailover.errors")
class MessageRejected(SendError):
    """
    The message itself is bad, and would be for any provider.

    Raised only on a positive match of the vendor's code, never by guessing from a status.
    """

    verdict = Verdict.STOP
    advice = "correct the message"


@published_in("mailfailover.errors")
class RecipientRejected(SendError):
    """
    The recipient does not exist or cannot receive mail through any provider.
    """

    verdict = Verdict.STOP
    advice = "correct the recipient's address"


@published_in("mailfailover.errors")
class RecipientSuppressed(SendError):
    """
    The recipient bounced, complained or unsubscribed before.

    Sending through another provider would evade that, so the send stops, unless
    ``on_suppressed="switch"`` asks for it.
    """

    verdict = Verdict.STOP
    advice = "leave this recipient out"


@published_in("mailfailover.errors")
class SenderRefused(SendError):
    """
    The provider does not let this account send from this address.
    """

    penalty = Penalty.SENDER
    advice = "verify the sender's domain with this provider, or give its link a from_email"


@published_in("mailfailover.errors")
class AuthenticationFailed(SendError):
    """
    The key or password is wrong, revoked, or lacks a permission.
    """

    penalty = Penalty.ACCOUNT
    advice = "check the key and its permissions"


@published_in("mailfailover.errors")
class AccountSuspended(SendError):
    """
    The account is suspended, paused, unpaid or under review.
    """

    penalty = Penalty.ACCOUNT
    advice = "look at the account in the provider's console"


@published_in("mailfailover.errors")
class QuotaExceeded(SendError):
    """
    The account has no mails left for now.

    Attributes:
        until: When the quota is renewed (aware), where the vendor says so.
    """

    penalty = Penalty.COOLDOWN
    advice = "raise the plan's quota or wait until it is renewed"

    def __init__(
        self, message: str = "", *, until: datetime | None = None, **facts: Unpack[Facts]
    ) -> None:
        super().__init__(message, **facts)
        self.until = until


@published_in("mailfailover.errors")
class RateLimited(SendError):
    """
    The provider asked us to slow down until *retry_after* seconds have passed.
    """

    penalty = Penalty.COOLDOWN
    advice = "send more slowly, or give the link a rate"


@published_in("mailfailover.errors")
class UnsupportedFeature(SendError):
    """
    This provider cannot express the mail, or the mail is too large for it.

    Attributes:
        features: The names of what it lacks, for example ``("SEND_AT",)``.
    """

    advice = "add a provider that can, or leave the feature off"

    def __init__(
        self, message: str = "", *, features: Sequence[str] = (), **facts: Unpack[Facts]
    ) -> None:
        super().__init__(message, **facts)
        self.features: tuple[str, ...] = tuple(features)


@published_in("mailfailover.errors")
class RequestRefused(SendError):
    """
    The provider refused our request for a reason we do not know.

    Until shown otherwise this is a fault of our adapter, neither of the mail nor of
    the provider: the mail goes on to the next one and the refusal is logged as an error.
    """

    advice = "report it as a bug of this provider's adapter"


@published_in("mailfailover.errors")
class ConnectionFailed(SendError):
    """
    No connection: nothing was sent.
    """

    verdict = Verdict.RETRY
    penalty = Penalty.FAILURE
    advice = "check the network, and base_url or host"


@published_in("mailfailover.errors")
class ProviderUnavailable(SendError):
    """
    The provider said itself that it cannot take mail now: nothing was sent.
    """

    verdict = Verdict.RETRY
    penalty = Penalty.FAILURE
    advice = "wait, or look at the provider's status page"


@published_in("mailfailover.errors")
class OutcomeUnknown(SendError):
    """
    The mail may or may not have been sent.

    Once one attempt has ended so, a send ends in a receipt with
    ``possible_duplicate=True`` or in this error, whatever came later.
    """

    verdict = Verdict.UNKNOWN
    penalty = Penalty.FAILURE
    advice = "look the mail up at the provider before sending it again"
