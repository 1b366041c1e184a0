"""
What MailerSend's webhooks mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mailfailover import plugin
from mailfailover.plugin import EventType, RejectReason

# https://developers.mailersend.com/api/v1/webhooks.html#available-events (2026-11); those of
# "activity." before the name. Version 2 of the payload; version 1 ends with this year.
EVENTS = {
    "sent": EventType.SENT,
    "delivered": EventType.DELIVERED,
    "deferred": EventType.DEFERRED,
    "soft_bounced": EventType.BOUNCED,
    "hard_bounced": EventType.BOUNCED,
    "opened": EventType.OPENED,
    "opened_unique": EventType.OPENED,
    "clicked": EventType.CLICKED,
    "clicked_unique": EventType.CLICKED,
    "unsubscribed": EventType.UNSUBSCRIBED,
    "spam_complaint": EventType.COMPLAINED,
    "spam_complaints": EventType.COMPLAINED,
    "suppressed": EventType.REJECTED,
}
REASONS = {
    "deferred": RejectReason.OTHER,
    "soft_bounced": RejectReason.OTHER,
    "hard_bounced": RejectReason.BOUNCED,
    "suppressed": RejectReason.BOUNCED,  # or complained, or unsubscribed: in words only
}
DESCRIPTIONS = ("bounce_reason", "reject_reason", "suppression_reason", "unsubscribe_reason")
TEST = "webhook.test"


def read_events(request: plugin.WebhookRequest, own_tag: str) -> tuple[plugin.DeliveryEvent, ...]:
    """
    Read the one event; what follows *own_tag* in a tag is our id.
    """
    return tuple(_event(one, own_tag) for one in request.json_objects() if one.get("type") != TEST)


def _event(data: Mapping[str, Any], own_tag: str) -> plugin.DeliveryEvent:
    name = plugin.as_text(data.get("type")).removeprefix("activity.")
    details, meta = plugin.dig(data, "data"), plugin.dig(data, "data", "meta")
    mail = plugin.dig(details, "email")  # an object in version 1, which holds the rest there
    tags = plugin.as_list(plugin.dig(details, "tags") or plugin.dig(mail, "tags"))
    own = [tag.removeprefix(own_tag) for tag in tags if tag.startswith(own_tag)]
    return plugin.make_event(
        data,
        type=EVENTS.get(name, EventType.UNKNOWN),
        event_id=plugin.dig(details, "id"),
        provider_message_id=plugin.dig(details, "message_id") or plugin.dig(mail, "message", "id"),
        mail_id=own[0] if own else None,
        recipient=plugin.dig(details, "recipient") or plugin.dig(mail, "recipient", "email"),
        timestamp=data.get("created_at"),
        reject_reason=REASONS.get(name),
        mta_response=plugin.dig(meta, "bounce_code"),
        description=next((text for one in DESCRIPTIONS if (text := plugin.dig(meta, one))), None),
        tags=[tag for tag in tags if not tag.startswith(own_tag)],
        click_url=plugin.dig(meta, "url"),
        user_agent=plugin.dig(meta, "user_agent"),
    )
