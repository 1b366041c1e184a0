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
    from mailfailover._chain.chain import ProviderChain
    from mailfailover._chain.observe import (
        AttemptMade,
        MailFailed,
        MailSent,
        ProviderDown,
        ProviderUp,
        SilentOutage,
        WebhookRefused,
    )
    from mailfailover._chain.ping import Ping
    from mailfailover._health.breaker import ProviderHealth
    from mailfailover._health.memory import MemoryHealth
    from mailfailover._mailer.mailer import Mailer
    from mailfailover._message.address import Address
    from mailfailover._message.alternative import Alternative
    from mailfailover._message.attachment import Attachment
    from mailfailover._message.message import Message
    from mailfailover._message.outcome import Outcome
    from mailfailover._provider.capabilities import Capabilities
    from mailfailover._provider.link import Link
    from mailfailover._setup.registry import load_provider
    from mailfailover._setup.strategies import failover, random, roundrobin, route, weighted
    from mailfailover._values.events import DeliveryEvent, EventType, RejectReason
    from mailfailover._values.features import Feature
    from mailfailover._values.receipt import Accepted, Receipt, RecipientStatus
    from mailfailover.errors import (
        AccountSuspended,
        AllProvidersFailed,
        Attempt,
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
        WebhookInProgress,
        WebhookReplayed,
    )

__all__ = [
    "Accepted",
    "AccountSuspended",
    "Address",
    "AllProvidersFailed",
    "Alternative",
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
    "WebhookInProgress",
    "WebhookRefused",
    "WebhookReplayed",
    "failover",
    "load_provider",
    "random",
    "roundrobin",
    "route",
    "weighted",
]

_MODULES = {
    "_health.breaker": ("ProviderHealth",),
    "_chain.chain": ("ProviderChain",),
    "_values.events": ("DeliveryEvent", "EventType", "RejectReason"),
    "_values.features": ("Feature",),
    "_health.memory": ("MemoryHealth",),
    "_mailer.mailer": ("Mailer",),
    "_message.address": ("Address",),
    "_message.alternative": ("Alternative",),
    "_message.attachment": ("Attachment",),
    "_message.message": ("Message",),
    "_message.outcome": ("Outcome",),
    "_chain.observe": (
        "AttemptMade",
        "MailFailed",
        "MailSent",
        "ProviderDown",
        "ProviderUp",
        "SilentOutage",
        "WebhookRefused",
    ),
    "_chain.ping": ("Ping",),
    "_provider.capabilities": ("Capabilities",),
    "_provider.link": ("Link",),
    "_values.receipt": ("Accepted", "Receipt", "RecipientStatus"),
    "_setup.registry": ("load_provider",),
    "_setup.strategies": ("failover", "random", "roundrobin", "route", "weighted"),
    "errors": (
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
        "ProviderUnavailable",
        "QuotaExceeded",
        "RateLimited",
        "RecipientRejected",
        "RecipientSuppressed",
        "RequestRefused",
        "SendError",
        "SenderRefused",
        "UnsupportedFeature",
        "WebhookInProgress",
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
