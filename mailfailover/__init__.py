"""
Send e-mail through whichever provider is up.

::

    from mailfailover import Mailer

    mailer = Mailer("failover(mailgun://KEY:DOMAIN@default smtp://relay.example.com)")
    mailer.send(from_email="me@example.com", to="you@example.com", subject="Hello", text="Hi!")

Every public name is imported on first use: importing the package loads no HTTP library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mailfailover._breaker import ProviderHealth
    from mailfailover._chain import ProviderChain
    from mailfailover._events import DeliveryEvent, EventType, RejectReason
    from mailfailover._features import Feature
    from mailfailover._health import MemoryHealth
    from mailfailover._mailer import Mailer
    from mailfailover._message import Address, Attachment, Message
    from mailfailover._observe import (
        AttemptMade,
        MailFailed,
        MailSent,
        ProviderDown,
        ProviderUp,
        SilentOutage,
    )
    from mailfailover._ping import Ping
    from mailfailover._provider import Capabilities, Link
    from mailfailover._receipt import Accepted, Attempt, Outcome, Receipt, RecipientStatus
    from mailfailover._registry import load_provider
    from mailfailover._strategy import failover, random, roundrobin, route, weighted
    from mailfailover.errors import (
        AccountSuspended,
        AllProvidersFailed,
        AuthenticationFailed,
        ConfigurationError,
        ConnectionFailed,
        IdempotencyConflict,
        ImportRefused,
        InvalidMessage,
        InvalidSignature,
        InvalidWebhook,
        MailFailoverError,
        MessageRejected,
        OutcomeUnknown,
        ProviderUnavailable,
        QuotaExceeded,
        RateLimited,
        RecipientRejected,
        RecipientSuppressed,
        RequestRefused,
        SenderRefused,
        SendError,
        UnsupportedFeature,
        WebhookReplayed,
    )

__all__ = [
    "Accepted",
    "AccountSuspended",
    "Address",
    "AllProvidersFailed",
    "Attachment",
    "Attempt",
    "AttemptMade",
    "AuthenticationFailed",
    "Capabilities",
    "ConfigurationError",
    "ConnectionFailed",
    "DeliveryEvent",
    "EventType",
    "Feature",
    "IdempotencyConflict",
    "ImportRefused",
    "InvalidMessage",
    "InvalidSignature",
    "InvalidWebhook",
    "Link",
    "MailFailed",
    "MailFailoverError",
    "MailSent",
    "Mailer",
    "MemoryHealth",
    "Message",
    "MessageRejected",
    "Outcome",
    "OutcomeUnknown",
    "Ping",
    "ProviderChain",
    "ProviderDown",
    "ProviderHealth",
    "ProviderUnavailable",
    "ProviderUp",
    "QuotaExceeded",
    "RateLimited",
    "Receipt",
    "RecipientRejected",
    "RecipientStatus",
    "RecipientSuppressed",
    "RejectReason",
    "RequestRefused",
    "SendError",
    "SenderRefused",
    "SilentOutage",
    "UnsupportedFeature",
    "WebhookReplayed",
    "failover",
    "load_provider",
    "random",
    "roundrobin",
    "route",
    "weighted",
]

_MODULES = {
    "_breaker": ("ProviderHealth",),
    "_chain": ("ProviderChain",),
    "_events": ("DeliveryEvent", "EventType", "RejectReason"),
    "_features": ("Feature",),
    "_health": ("MemoryHealth",),
    "_mailer": ("Mailer",),
    "_message": ("Address", "Attachment", "Message"),
    "_observe": (
        "AttemptMade",
        "MailFailed",
        "MailSent",
        "ProviderDown",
        "ProviderUp",
        "SilentOutage",
    ),
    "_ping": ("Ping",),
    "_provider": ("Capabilities", "Link"),
    "_receipt": ("Accepted", "Attempt", "Outcome", "Receipt", "RecipientStatus"),
    "_registry": ("load_provider",),
    "_strategy": ("failover", "random", "roundrobin", "route", "weighted"),
    "errors": (
        "AccountSuspended",
        "AllProvidersFailed",
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
        "ProviderUnavailable",
        "QuotaExceeded",
        "RateLimited",
        "RecipientRejected",
        "RecipientSuppressed",
        "RequestRefused",
        "SendError",
        "SenderRefused",
        "UnsupportedFeature",
        "WebhookReplayed",
    ),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> object:
    try:
        module = _HOME[name]
    except KeyError:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message) from None
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
