"""
What Lettermint's webhooks mean.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from typing import Any

from mailfailover import plugin
from mailfailover.plugin import EventType, RejectReason

# By the models of the vendor's own clients, lettermint-python and lettermint-laravel (2026-11).
# What comes in, and changes of a suppression list, are about no mail of ours.
EVENTS: Mapping[str, tuple[EventType, RejectReason | None]] = {
    "message.created": (EventType.QUEUED, None),
    "message.scheduled": (EventType.QUEUED, None),
    "message.rescheduled": (EventType.QUEUED, None),
    "message.released": (EventType.QUEUED, None),
    "message.sent": (EventType.SENT, None),
    "message.delivered": (EventType.DELIVERED, None),
    "message.auto_replied": (EventType.AUTORESPONDED, None),
    "message.hard_bounced": (EventType.BOUNCED, RejectReason.BOUNCED),
    "message.soft_bounced": (EventType.BOUNCED, RejectReason.OTHER),
    "message.failed": (EventType.FAILED, RejectReason.OTHER),
    "message.suppressed": (EventType.REJECTED, RejectReason.OTHER),
    "message.policy_rejected": (EventType.REJECTED, RejectReason.SPAM),
    "message.canceled": (EventType.REJECTED, RejectReason.OTHER),
    "message.spam_complaint": (EventType.COMPLAINED, None),
    "message.unsubscribed": (EventType.UNSUBSCRIBED, None),
    "message.opened": (EventType.OPENED, None),
    "message.clicked": (EventType.CLICKED, None),
}
TRIAL = "webhook.test"

# "reason" of a mail that was suppressed.
SUPPRESSIONS = {
    "hard_bounce": RejectReason.BOUNCED,
    "spam_complaint": RejectReason.SPAM,
    "unsubscribe": RejectReason.UNSUBSCRIBED,
    "disposable_email": RejectReason.INVALID,
}


def read_events(request: plugin.WebhookRequest, encoded: str) -> tuple[plugin.DeliveryEvent, ...]:
    """
    Read the one event; a tag that begins with *encoded* is not as it was given.
    """
    found = request.json_objects()
    return tuple(_event(data, encoded) for data in found if data.get("event") != TRIAL)


def _event(envelope: Mapping[str, Any], encoded: str) -> plugin.DeliveryEvent:
    kind, reason = EVENTS.get(plugin.as_text(envelope.get("event")), (EventType.UNKNOWN, None))
    data = envelope.get("data")
    if envelope.get("event") == "message.suppressed":
        reason = SUPPRESSIONS.get(plugin.as_text(plugin.dig(data, "reason")), reason)
    return plugin.make_event(
        envelope,
        type=kind,
        event_id=envelope.get("id"),
        provider_message_id=plugin.dig(data, "message_id"),
        recipient=plugin.dig(data, "recipient"),
        timestamp=envelope.get("timestamp"),
        reject_reason=reason,
        mta_response=plugin.dig(data, "response", "content"),
        description=plugin.dig(data, "reason"),
        tags=[_plain(tag, encoded) for tag in plugin.as_list(plugin.dig(data, "tag"))],
        metadata=plugin.dig(data, "metadata"),
        click_url=plugin.dig(data, "destination_url"),
        user_agent=plugin.dig(data, "user_agent"),
    )


def _plain(tag: str, encoded: str) -> str:
    if not tag.startswith(encoded):
        return tag
    try:
        data = b64decode(tag.removeprefix(encoded), altchars=b"-_", validate=True)
        return data.decode().rstrip("\n")
    except ValueError:
        return tag
