"""
Everything that can go wrong, as classes that say what to do about it.

::

    MailFailoverError
    ├── ConfigurationError      our set-up is wrong; nothing was called
    ├── InvalidMessage          the message is wrong; nothing was called
    ├── InvalidWebhook          a webhook is not readable; no handler was called
    ├── InvalidSignature        a webhook is not the vendor's; no handler was called
    │   └── WebhookReplayed         it was, and came before
    ├── WebhookInProgress       a webhook's first call is not over; no handler was called
    ├── IdempotencyConflict     the outbox knows another mail under this key
    ├── ImportRefused           a file has bad lines; nothing of it was taken over
    ├── AllProvidersFailed      the end of a send: every provider was tried or parked
    └── SendError               the end of one call to one provider
        ├── MessageRejected         no provider would take it        STOP
        ├── RecipientRejected       no such recipient, anywhere      STOP
        ├── RecipientSuppressed     bounced or complained before     STOP
        ├── SenderRefused           unverified From                  SWITCH, SENDER
        ├── AuthenticationFailed    revoked or wrong key             SWITCH, ACCOUNT
        ├── AccountSuspended        unpaid, paused, blocked          SWITCH, ACCOUNT
        ├── QuotaExceeded           no mails left for now            SWITCH, COOLDOWN
        ├── RateLimited             too fast                         SWITCH, COOLDOWN
        ├── UnsupportedFeature      this provider cannot express it  SWITCH
        ├── RequestRefused          an unknown 4xx: our fault?       SWITCH
        ├── ConnectionFailed        nothing was sent                 RETRY, FAILURE
        ├── ProviderUnavailable     the vendor's own 500 or 503      RETRY, FAILURE
        └── OutcomeUnknown          it may have been sent            UNKNOWN, FAILURE

A provider chooses the class; the chain branches on the class's :class:`Verdict`
(what becomes of the mail) and :class:`Penalty` (what becomes of the provider), and
on nothing else.

All of them pickle. None carries a secret, a body or an address in its text.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar, TypedDict, Unpack

from mailfailover._values.face import published_in
from mailfailover._values.features import NO_FEATURES, Feature
from mailfailover._values.quick import quick_init

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

__all__ = [
    "AccountSuspended",
    "AllProvidersFailed",
    "Attempt",
    "AuthenticationFailed",
    "ConfigurationError",
    "ConnectionFailed",
    "IdempotencyConflict",
    "ImportRefused",
    "InvalidMessage",
    "InvalidSignature",
    "InvalidWebhook",
    "MailFailoverError",
    "MessageRejected",
    "OutcomeUnknown",
    "Penalty",
    "ProviderUnavailable",
    "QuotaExceeded",
    "RateLimited",
    "RecipientRejected",
    "RecipientSuppressed",
    "RequestRefused",
    "SendError",
    "SenderRefused",
    "UnsupportedFeature",
    "Verdict",
    "WebhookInProgress",
    "WebhookReplayed",
]


class Verdict(Enum):
    """
    The consequence of one provider's error for the mail.
    """

    STOP = "stop"
    """No provider would take this mail, so end here."""

    SWITCH = "switch"
    """Not with this provider, which is never asked again for this mail."""

    RETRY = "retry"
    """Surely not sent. The next provider now, this one again in a later round."""

    UNKNOWN = "unknown"
    """It may have been sent. Whatever comes later, this is never hidden."""


class Penalty(Enum):
    """
    The consequence of an error for the provider's place in the chain.
    """

    NONE = "none"
    SENDER = "sender"
    """Parked for this From domain only."""

    ACCOUNT = "account"
    """Parked altogether, until somebody repairs the account."""

    COOLDOWN = "cooldown"
    """Parked until the time the provider named; not a failure."""

    FAILURE = "failure"
    """Counts towards opening its breaker."""


@published_in("mailfailover")
@quick_init
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

        dropped: The features that were left off because this provider cannot express them.
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


class MailFailoverError(Exception):
    """
    The root of all errors this library raises on purpose.

    Attributes:
        attempts: Every call that was made for this mail, oldest first.
    """

    def __init__(self, message: str = "", *, attempts: Sequence[Attempt] = ()) -> None:
        super().__init__(message)
        self.attempts: tuple[Attempt, ...] = tuple(attempts)


class ConfigurationError(MailFailoverError):
    """
    The set-up cannot work; the text says what to change. Nothing was called.
    """


class InvalidMessage(MailFailoverError, ValueError):
    """
    The message cannot be sent by anybody as it stands. Nothing was called.

    Attributes:
        field: The field at fault, for example ``"to"`` or ``"headers"``.
    """

    def __init__(
        self, message: str = "", *, field: str = "", attempts: Sequence[Attempt] = ()
    ) -> None:
        super().__init__(message, attempts=attempts)
        self.field = field


class InvalidWebhook(MailFailoverError, ValueError):
    """
    A webhook request that nobody can read: not of the vendor's form, cut off, or too large.
    """


class InvalidSignature(MailFailoverError):
    """
    A webhook request that the vendor did not sign with a secret of ours, or not just now.
    """


class WebhookReplayed(InvalidSignature):
    """
    A webhook request that was taken before, and is not taken again.

    Vendors repeat themselves when our answer got lost, so answer it with success.
    """


class WebhookInProgress(MailFailoverError):
    """
    A webhook request whose first call is still being handled, or whose process died.

    Answer it so that the vendor repeats it, with 503 for example: how the first call ends is
    not known yet.
    """


class IdempotencyConflict(MailFailoverError, ValueError):
    """
    The idempotency key, or the id, belongs to another mail of the outbox. Nothing was stored.

    Attributes:
        mail_id: The id of that other mail.
    """

    def __init__(
        self, message: str = "", *, mail_id: str = "", attempts: Sequence[Attempt] = ()
    ) -> None:
        super().__init__(message, attempts=attempts)
        self.mail_id = mail_id


class ImportRefused(MailFailoverError, ValueError):
    """
    A file has lines that cannot be read. Nothing of it was taken over.

    Attributes:
        lines: Their numbers, each with what is wrong with it.
    """

    def __init__(
        self,
        message: str = "",
        *,
        lines: Sequence[tuple[int, str]] = (),
        attempts: Sequence[Attempt] = (),
    ) -> None:
        super().__init__(message, attempts=attempts)
        self.lines: tuple[tuple[int, str], ...] = tuple(lines)


class AllProvidersFailed(MailFailoverError):
    """
    No provider took the mail, and it was surely not sent.

    Its text is a table: each provider, what it said, and what to do.

    Attributes:
        retry_at:
            When trying again first makes sense, where the providers or their
            breakers tell (aware, UTC); None where only trying can tell.
    """

    def __init__(
        self,
        message: str = "",
        *,
        retry_at: datetime | None = None,
        attempts: Sequence[Attempt] = (),
    ) -> None:
        super().__init__(message, attempts=attempts)
        self.retry_at = retry_at


class Facts(TypedDict, total=False):
    """
    The fields that every :class:`SendError` can carry beside its message.
    """

    provider: str
    stage: str
    status_code: int | None
    code: str
    retry_after: float | None
    recipients: Sequence[str]
    attempts: Sequence[Attempt]


class SendError(MailFailoverError):
    """
    How one call to one provider ended, when it did not end in an acceptance.

    Attributes:
        provider: The chain key of the provider that was called.

        stage: How far the call got; see :class:`~mailfailover.plugin.Stage`.

        status_code: The HTTP status or SMTP reply code, or None.

        code: The vendor's own code or name for the error, or "".

        retry_after: Seconds until the provider wants to be asked again, or None.

        recipients:
            The addresses at fault, where the vendor names them; () in a pickle.
    """

    verdict: ClassVar[Verdict] = Verdict.SWITCH
    penalty: ClassVar[Penalty] = Penalty.NONE
    advice: ClassVar[str] = ""
    """What a person can do about it, in one clause."""

    def __init__(
        self,
        message: str = "",
        *,
        provider: str = "",
        stage: str = "",
        status_code: int | None = None,
        code: str = "",
        retry_after: float | None = None,
        recipients: Sequence[str] = (),
        attempts: Sequence[Attempt] = (),
    ) -> None:
        super().__init__(message, attempts=attempts)
        self.provider = provider
        self.stage = stage
        self.status_code = status_code
        self.code = code
        self.retry_after = retry_after
        self.recipients: tuple[str, ...] = tuple(recipients)

    def __reduce__(self) -> tuple[Any, ...]:
        # Pickles end up in queues and result stores: the addresses stay in this process.
        return type(self), self.args, {**self.__dict__, "recipients": ()}


class MessageRejected(SendError):
    """
    The message itself is bad, and would be for any provider.

    Raised only on a positive match of the vendor's code, never by guessing from a status.
    """

    verdict = Verdict.STOP
    advice = "correct the message"


class RecipientRejected(SendError):
    """
    The recipient does not exist or cannot receive mail through any provider.
    """

    verdict = Verdict.STOP
    advice = "correct the recipient's address"


class RecipientSuppressed(SendError):
    """
    The recipient bounced, complained or unsubscribed before.

    Sending through another provider would evade that, so the send stops, unless
    ``on_suppressed="switch"`` asks for it.
    """

    verdict = Verdict.STOP
    advice = "leave this recipient out"


class SenderRefused(SendError):
    """
    The provider does not let this account send from this address.
    """

    penalty = Penalty.SENDER
    advice = "verify the sender's domain with this provider, or give its link a from_email"


class AuthenticationFailed(SendError):
    """
    The key or password is wrong, revoked, or lacks a permission.
    """

    penalty = Penalty.ACCOUNT
    advice = "check the key and its permissions"


class AccountSuspended(SendError):
    """
    The account is suspended, paused, unpaid or under review.
    """

    penalty = Penalty.ACCOUNT
    advice = "look at the account in the provider's console"


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


class RateLimited(SendError):
    """
    The provider asked us to slow down until *retry_after* seconds have passed.
    """

    penalty = Penalty.COOLDOWN
    advice = "send more slowly, or give the link a rate"


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


class RequestRefused(SendError):
    """
    The provider refused our request for a reason we do not know.

    Until shown otherwise this is a fault of our adapter, neither of the mail nor of
    the provider: the mail goes on to the next one and the refusal is logged as an error.
    """

    advice = "report it as a bug of this provider's adapter"


class ConnectionFailed(SendError):
    """
    No connection: nothing was sent.
    """

    verdict = Verdict.RETRY
    penalty = Penalty.FAILURE
    advice = "check the network, and base_url or host"


class ProviderUnavailable(SendError):
    """
    The provider said itself that it cannot take mail now: nothing was sent.
    """

    verdict = Verdict.RETRY
    penalty = Penalty.FAILURE
    advice = "wait, or look at the provider's status page"


class OutcomeUnknown(SendError):
    """
    The mail may or may not have been sent.

    Once one attempt has ended so, a send ends in a receipt with
    ``possible_duplicate=True`` or in this error, whatever came later.
    """

    verdict = Verdict.UNKNOWN
    penalty = Penalty.FAILURE
    advice = "look the mail up at the provider before sending it again"
