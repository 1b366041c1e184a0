"""
What SparkPost's webhooks mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mailfailover import plugin
from mailfailover.plugin import EventType, RejectReason

Meaning = tuple[EventType, RejectReason | None]

# https://developers.sparkpost.com/api/events/ (2026-11)
EVENTS: Mapping[str, Meaning] = {
    "injection": (EventType.QUEUED, None),
    "delivery": (EventType.DELIVERED, None),
    "delay": (EventType.DEFERRED, RejectReason.OTHER),
    "bounce": (EventType.BOUNCED, RejectReason.OTHER),
    "out_of_band": (EventType.BOUNCED, RejectReason.OTHER),
    "policy_rejection": (EventType.REJECTED, RejectReason.OTHER),
    "generation_failure": (EventType.FAILED, RejectReason.OTHER),
    "generation_rejection": (EventType.FAILED, RejectReason.OTHER),
    "spam_complaint": (EventType.COMPLAINED, None),
    "open": (EventType.OPENED, None),
    "initial_open": (EventType.OPENED, None),
    "amp_open": (EventType.OPENED, None),
    "amp_initial_open": (EventType.OPENED, None),
    "click": (EventType.CLICKED, None),
    "amp_click": (EventType.CLICKED, None),
    "list_unsubscribe": (EventType.UNSUBSCRIBED, None),
    "link_unsubscribe": (EventType.UNSUBSCRIBED, None),
}

# "bounce_class" of a bounce; those that are not here are none of the address.
# https://support.sparkpost.com/docs/deliverability/bounce-classification-codes (2026-11)
BOUNCES: Mapping[str, Meaning] = {
    "10": (EventType.BOUNCED, RejectReason.INVALID),
    "24": (EventType.BOUNCED, RejectReason.TIMED_OUT),
    "25": (EventType.BOUNCED, RejectReason.BLOCKED),
    "30": (EventType.BOUNCED, RejectReason.BOUNCED),
    "50": (EventType.BOUNCED, RejectReason.BLOCKED),
    "51": (EventType.BOUNCED, RejectReason.SPAM),
    "52": (EventType.BOUNCED, RejectReason.SPAM),
    "54": (EventType.BOUNCED, RejectReason.BLOCKED),
    "60": (EventType.AUTORESPONDED, None),
    "80": (EventType.SUBSCRIBED, None),
    "90": (EventType.UNSUBSCRIBED, None),
    "100": (EventType.AUTORESPONDED, None),
}

# Of a recipient who is suppressed, 10 and 30 tell that from "no such user": he bounced before.
REJECTIONS = {
    "10": RejectReason.BOUNCED,
    "30": RejectReason.BOUNCED,
    "90": RejectReason.UNSUBSCRIBED,
}


def read_events(request: plugin.WebhookRequest) -> tuple[plugin.DeliveryEvent, ...]:
    """
    Read the batch of events, each in an object of its class; one without is a trial.
    """
    found = [plugin.dig(one, "msys") for one in request.json_objects()]
    return tuple(
        _event(data)
        for one in found
        if isinstance(one, Mapping)
        for data in one.values()
        if isinstance(data, Mapping)
    )


def _event(data: Mapping[str, Any]) -> plugin.DeliveryEvent:
    kind, reason = _meaning(
        plugin.as_text(data.get("type")), plugin.as_text(data.get("bounce_class"))
    )
    return plugin.make_event(
        data,
        type=kind,
        event_id=data.get("event_id"),
        provider_message_id=data.get("transmission_id"),
        recipient=data.get("raw_rcpt_to") or data.get("rcpt_to"),
        timestamp=data.get("timestamp"),
        reject_reason=reason,
        mta_response=data.get("raw_reason"),
        description=data.get("reason"),
        tags=data.get("campaign_id"),
        metadata=data.get("rcpt_meta"),
        click_url=data.get("target_link_url"),
        user_agent=data.get("user_agent"),
    )


def _meaning(name: str, bounce_class: str) -> Meaning:
    kind, reason = EVENTS.get(name, (EventType.UNKNOWN, None))
    if name in ("bounce", "out_of_band"):
        return BOUNCES.get(bounce_class, (kind, reason))
    if name == "policy_rejection":
        return kind, REJECTIONS.get(bounce_class, reason)
    return kind, reason
