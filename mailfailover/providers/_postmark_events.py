"""
What Postmark's webhooks mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mailfailover import plugin
from mailfailover.plugin import EventType, RejectReason

Meaning = tuple[EventType, RejectReason | None]

# https://postmarkapp.com/developer/webhooks/webhooks-overview (2026-11)
EVENTS: Mapping[str, Meaning] = {
    "Delivery": (EventType.DELIVERED, None),
    "Bounce": (EventType.BOUNCED, RejectReason.OTHER),
    "SpamComplaint": (EventType.COMPLAINED, None),
    "Open": (EventType.OPENED, None),
    "Click": (EventType.CLICKED, None),
    "SubscriptionChange": (EventType.UNSUBSCRIBED, None),
}

# "Type" of a bounce, and why somebody gets no mails from now on.
# https://postmarkapp.com/developer/api/bounce-api#bounce-types (2026-11)
BOUNCES: Mapping[str, Meaning] = {
    "HardBounce": (EventType.BOUNCED, RejectReason.BOUNCED),
    "Transient": (EventType.DEFERRED, RejectReason.OTHER),
    "Unsubscribe": (EventType.UNSUBSCRIBED, None),
    "Subscribe": (EventType.SUBSCRIBED, None),
    "AutoResponder": (EventType.AUTORESPONDED, None),
    "AddressChange": (EventType.AUTORESPONDED, None),
    "DnsError": (EventType.DEFERRED, RejectReason.OTHER),
    "SpamNotification": (EventType.BOUNCED, RejectReason.SPAM),
    "OpenRelayTest": (EventType.DEFERRED, RejectReason.OTHER),
    "SoftBounce": (EventType.BOUNCED, RejectReason.OTHER),
    "VirusNotification": (EventType.BOUNCED, RejectReason.OTHER),
    "ChallengeVerification": (EventType.AUTORESPONDED, None),
    "BadEmailAddress": (EventType.REJECTED, RejectReason.INVALID),
    "SpamComplaint": (EventType.COMPLAINED, None),
    "ManuallyDeactivated": (EventType.REJECTED, RejectReason.OTHER),
    "ManualSuppression": (EventType.UNSUBSCRIBED, None),
    "Unconfirmed": (EventType.REJECTED, RejectReason.OTHER),
    "Blocked": (EventType.BOUNCED, RejectReason.BLOCKED),
    "SMTPApiError": (EventType.FAILED, RejectReason.OTHER),
    "DMARCPolicy": (EventType.BOUNCED, RejectReason.BLOCKED),
    "TemplateRenderingFailed": (EventType.FAILED, RejectReason.OTHER),
}
TIMES = ("DeliveredAt", "BouncedAt", "ReceivedAt", "ChangedAt")


def read_events(request: plugin.WebhookRequest) -> tuple[plugin.DeliveryEvent, ...]:
    """
    Read the one event.
    """
    return tuple(map(_event, request.json_objects()))


def _event(data: Mapping[str, Any]) -> plugin.DeliveryEvent:
    kind, reason = _meaning(data)
    return plugin.make_event(
        data,
        type=kind,
        event_id=data.get("ID"),
        provider_message_id=data.get("MessageID"),
        recipient=data.get("Recipient") or data.get("Email"),
        timestamp=next((data[name] for name in TIMES if data.get(name)), None),
        reject_reason=reason,
        mta_response=data.get("Details"),
        description=data.get("Description") or data.get("SuppressionReason"),
        tags=data.get("Tag"),
        metadata=data.get("Metadata"),
        click_url=data.get("OriginalLink"),
        user_agent=data.get("UserAgent"),
    )


def _meaning(data: Mapping[str, Any]) -> Meaning:
    name = plugin.as_text(data.get("RecordType"))
    meaning = EVENTS.get(name, (EventType.UNKNOWN, None))
    if name != "SubscriptionChange":
        return (
            BOUNCES.get(plugin.as_text(data.get("Type")), meaning) if name == "Bounce" else meaning
        )
    if data.get("SuppressSending") is False:
        return BOUNCES["Subscribe"]
    return BOUNCES.get(plugin.as_text(data.get("SuppressionReason")), meaning)
