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

from typing import TYPE_CHECKING

from mailfailover._values.send_error import Attempt, MailFailoverError, SendError
from mailfailover._values.send_errors import (
    AccountSuspended,
    AuthenticationFailed,
    ConnectionFailed,
    MessageRejected,
    OutcomeUnknown,
    ProviderUnavailable,
    QuotaExceeded,
    RateLimited,
    RecipientRejected,
    RecipientSuppressed,
    RequestRefused,
    SenderRefused,
    UnsupportedFeature,
)
from mailfailover._values.verdict import Penalty, Verdict

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
