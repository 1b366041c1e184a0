"""
What SendGrid's webhooks mean.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from mailfailover import plugin
from mailfailover.plugin import EventType, RejectReason

# https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event (2026-11), as are
# the tables below.
EVENTS = {
    "processed": EventType.QUEUED,
    "dropped": EventType.REJECTED,
    "deferred": EventType.DEFERRED,
    "delivered": EventType.DELIVERED,
    "bounce": EventType.BOUNCED,
    "open": EventType.OPENED,
    "click": EventType.CLICKED,
    "spamreport": EventType.COMPLAINED,
    "unsubscribe": EventType.UNSUBSCRIBED,
    "group_unsubscribe": EventType.UNSUBSCRIBED,
    "group_resubscribe": EventType.SUBSCRIBED,
}

# Why a mail was dropped, in lower case. "type" says the same where it is "bounce" or "blocked".
DROPS = {
    "bounced address": RejectReason.BOUNCED,
    "invalid": RejectReason.INVALID,
    "spam reporting address": RejectReason.SPAM,
    "spam content": RejectReason.SPAM,
    "unsubscribed address": RejectReason.UNSUBSCRIBED,
}

# "type" of a bounce; of "bounce" itself the "bounce_classification" knows more. Whoever is
# blocked is tried again with the next mail.
BOUNCES = {
    "blocked": RejectReason.BLOCKED,
    "expired": RejectReason.TIMED_OUT,
    "bounce": RejectReason.BOUNCED,
}
INVALID = "Invalid Address"

# What an event says besides our metadata, which stand beside it as they are; so does all of
# the vendor's that begins in one of these ways.
KNOWN = {
    *("attempt", "bounce_classification", "category", "cert_err", "email", "event", "ip"),
    *("newsletter", "pool", "post_type", "reason", "response", "send_at", "smtp-id", "status"),
    *("timestamp", "tls", "type", "url", "url_offset", "useragent"),
}
OWN = ("asm_", "marketing_campaign_", "mc_", "nlvx_", "sg_", "singlesend_")

# The vendor's id of a mail goes on with the way the mail took within its systems.
WAY = re.compile(r"\.(?:recvd|filter).*", re.DOTALL)


def read_events(request: plugin.WebhookRequest) -> tuple[plugin.DeliveryEvent, ...]:
    """
    Read the batch of events.
    """
    return tuple(map(_event, request.json_objects()))


def _event(data: Mapping[str, Any]) -> plugin.DeliveryEvent:
    name = plugin.as_text(data.get("event"))
    is_answer = name in ("bounce", "deferred", "delivered")
    return plugin.make_event(
        data,
        type=EVENTS.get(name, EventType.UNKNOWN),
        event_id=data.get("sg_event_id"),
        provider_message_id=WAY.sub("", plugin.as_text(data.get("sg_message_id"))),
        recipient=data.get("email"),
        timestamp=data.get("timestamp"),
        reject_reason=_reason(name, data),
        mta_response=(data.get("response") or data.get("reason")) if is_answer else None,
        description=data.get("bounce_classification") if is_answer else data.get("reason"),
        tags=data.get("category"),
        metadata={
            key: one for key, one in data.items() if key not in KNOWN and not key.startswith(OWN)
        },
        click_url=data.get("url"),
        user_agent=data.get("useragent"),
    )


def _reason(name: str, data: Mapping[str, Any]) -> RejectReason | None:
    if name == "dropped":
        return DROPS.get(plugin.as_text(data.get("reason")).lower(), RejectReason.OTHER)
    if name == "bounce":
        if data.get("bounce_classification") == INVALID:
            return RejectReason.INVALID
        return BOUNCES.get(plugin.as_text(data.get("type")), RejectReason.OTHER)
    return RejectReason.OTHER if name == "deferred" else None
