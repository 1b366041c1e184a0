"""
What MailPace's webhooks mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import getaddresses
from typing import Any

from mailfailover import plugin
from mailfailover.plugin import EventType, RejectReason

# https://docs.mailpace.com/guide/webhooks#email-events (2026-11)
EVENTS = {
    "email.queued": (EventType.QUEUED, None),
    "email.delivered": (EventType.DELIVERED, None),
    "email.deferred": (EventType.DEFERRED, RejectReason.OTHER),
    "email.bounced": (EventType.BOUNCED, RejectReason.BOUNCED),
    "email.spam": (EventType.REJECTED, RejectReason.SPAM),
}

# What the mail says comes along; it has no place in what is kept of an event.
TEXTS = {"htmlbody", "textbody"}


def read_events(request: plugin.WebhookRequest) -> tuple[plugin.DeliveryEvent, ...]:
    """
    Read the one event.
    """
    return tuple(map(_event, request.json_objects()))


def _event(data: Mapping[str, Any]) -> plugin.DeliveryEvent:
    kind, reason = EVENTS.get(plugin.as_text(data.get("event")), (EventType.UNKNOWN, None))
    details = data.get("payload")
    if isinstance(details, dict):
        kept = {name: value for name, value in details.items() if name not in TEXTS}
        data = {**data, "payload": kept}
    return plugin.make_event(
        data,
        type=kind,
        provider_message_id=plugin.dig(details, "id"),
        recipient=_recipient(details),
        timestamp=plugin.dig(details, "updated_at"),
        reject_reason=reason,
        tags=plugin.dig(details, "tags"),
    )


def _recipient(details: Any) -> str:
    # An event names all recipients of the mail: of several it may be any.
    texts = [plugin.as_text(plugin.dig(details, kind)) for kind in ("to", "cc", "bcc")]
    named = getaddresses([text for text in texts if text])  # 3.13 takes an empty one amiss
    emails = [email for _, email in named if email]
    return emails[0] if len(emails) == 1 else ""
