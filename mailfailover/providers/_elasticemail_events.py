"""
Elastic Email's notifications: whose they are, and what they mean.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from mailfailover import errors, plugin
from mailfailover.plugin import EventType, RejectReason

SECRET = "secret"  # noqa: S105 -- the name of the parameter
MAX_FIELDS = 50

# https://help.elasticemail.com/en/articles/4804685-notification-settings (2026-11), as are the
# categories below.
EVENTS: Mapping[str, tuple[EventType, RejectReason | None]] = {
    "Sent": (EventType.SENT, None),
    "Opened": (EventType.OPENED, None),
    "Clicked": (EventType.CLICKED, None),
    "Unsubscribed": (EventType.UNSUBSCRIBED, None),
    "AbuseReport": (EventType.COMPLAINED, None),
    "Error": (EventType.BOUNCED, RejectReason.OTHER),
}

# "category" of an error; none of the others is the address's.
CATEGORIES = {
    "NoMailbox": RejectReason.INVALID,
    "BlackListed": RejectReason.BLOCKED,
    "SPFProblem": RejectReason.BLOCKED,
    "WhitelistingProblem": RejectReason.BLOCKED,
    "ContentFilter": RejectReason.SPAM,
    "Spam": RejectReason.SPAM,
    "Timeout": RejectReason.TIMED_OUT,
}

# As .NET writes a time; unconfirmed.
DATE = "%m/%d/%Y %I:%M:%S %p"

# What the channel is called of a mail that has none; unconfirmed.
NO_CHANNEL = {"HTTP API", "SMTP API"}


def verify(request: plugin.WebhookRequest, secrets: plugin.Secrets) -> str:
    """
    Check the secret in the address; nothing is signed.
    """
    if not plugin.check_secret(_parameters(request).get(SECRET, ""), plugin.reveal_all(secrets)):
        raise errors.InvalidSignature(
            "the secret in the webhook's address is not one that is configured for this provider"
        )
    return ""


def read_events(request: plugin.WebhookRequest) -> tuple[plugin.DeliveryEvent, ...]:
    """
    Read the one event, all of which stands in the address.
    """
    if request.body:
        raise errors.InvalidWebhook("elasticemail: the webhook has a body, where a GET has none")
    fields = _parameters(request)
    fields.pop(SECRET, None)
    # Through JSON, which makes all texts such that they can be stored.
    data: dict[str, Any] = plugin.read_json(json.dumps(fields).encode()) or {}
    return (_event(data),) if data else ()


def _parameters(request: plugin.WebhookRequest) -> dict[str, str]:
    try:
        query = urlsplit(request.url).query
        return dict(parse_qsl(query, errors="replace", max_num_fields=MAX_FIELDS))
    except ValueError:
        return {}


def _event(data: Mapping[str, Any]) -> plugin.DeliveryEvent:
    kind, reason = EVENTS.get(plugin.as_text(data.get("status")), (EventType.UNKNOWN, None))
    category = plugin.as_text(data.get("category"))
    channel = plugin.as_text(data.get("channel"))
    return plugin.make_event(
        data,
        type=kind,
        provider_message_id=data.get("transaction"),
        recipient=data.get("to"),
        timestamp=_time(plugin.as_text(data.get("date"))),
        reject_reason=reason and CATEGORIES.get(category, reason),
        description=category,
        tags=() if channel in NO_CHANNEL else channel,
        metadata=plugin.read_json(plugin.as_text(data.get("postback")).encode()),
        click_url=data.get("target"),
    )


def _time(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, DATE).replace(tzinfo=UTC)
    except ValueError:
        return plugin.as_time(text)
