"""
What Sweego's webhooks mean.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from mailfailover import plugin
from mailfailover.plugin import EventType, RejectReason

# The header that has our id, without the X- that Sweego puts before it.
OWN_ID = "Mailfailover-Id"

# https://learn.sweego.io/docs/webhooks/payload (2026-11); written with "-" or "_" there. What
# comes in and what concerns short messages is not known here.
EVENTS = {
    "email_sent": EventType.SENT,
    "delivered": EventType.DELIVERED,
    "soft_bounce": EventType.BOUNCED,
    "hard_bounce": EventType.BOUNCED,
    "list_unsub": EventType.UNSUBSCRIBED,
    "complaint": EventType.COMPLAINED,
    "email_opened": EventType.OPENED,
    "email_clicked": EventType.CLICKED,
}
REASONS = {
    "soft_bounce": RejectReason.OTHER,
    "hard_bounce": RejectReason.BOUNCED,
}

# A line of the log of the sending server, which ends in what the recipient's one said.
RESPONSE = re.compile(r"\((\d{3}[ -].*)\)\s*$", re.DOTALL)


def read_events(request: plugin.WebhookRequest) -> tuple[plugin.DeliveryEvent, ...]:
    """
    Read the one event.
    """
    return tuple(map(_event, request.json_objects()))


def _event(data: Mapping[str, Any]) -> plugin.DeliveryEvent:
    name = plugin.as_text(data.get("event_type")).replace("-", "_")
    details = plugin.as_text(data.get("details"))
    said = RESPONSE.search(details)
    tags = plugin.as_list(data.get("campaign_tags"))
    return plugin.make_event(
        data,
        type=EVENTS.get(name, EventType.UNKNOWN),
        event_id=data.get("event_id"),
        provider_message_id=data.get("swg_uid"),
        mail_id=plugin.dig(data, "headers", f"x-{OWN_ID.lower()}"),
        recipient=data.get("recipient"),
        timestamp=data.get("timestamp"),
        reject_reason=REASONS.get(name),
        mta_response=said[1] if said else data.get("response_code"),
        description=details,
        tags=[tag for several in tags for tag in several.split(",")],
        click_url=plugin.dig(data, "click", "url"),
        user_agent=plugin.dig(data, "click", "user_agent")
        or plugin.dig(data, "open", "user_agent"),
    )
