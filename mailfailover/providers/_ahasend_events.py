"""
What AhaSend's webhooks mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mailfailover import plugin
from mailfailover.plugin import EventType, RejectReason

# https://ahasend.com/docs/api-reference/webhooks (2026-11). One that "failed" was tried until
# its time was over. That somebody was suppressed, or a domain has errors, is about no mail.
EVENTS = {
    "message.reception": (EventType.QUEUED, None),
    "message.delivered": (EventType.DELIVERED, None),
    "message.transient_error": (EventType.DEFERRED, RejectReason.OTHER),
    "message.bounced": (EventType.BOUNCED, RejectReason.BOUNCED),
    "message.failed": (EventType.BOUNCED, RejectReason.TIMED_OUT),
    "message.suppressed": (EventType.REJECTED, RejectReason.OTHER),
    "message.opened": (EventType.OPENED, None),
    "message.clicked": (EventType.CLICKED, None),
}
INBOUND = {"message.routing", "route.message"}

# "classification" of a bounce; by the vendor's own file webhooks.yaml (2026-11).
BOUNCES = {
    "InvalidRecipient": RejectReason.INVALID,
    "BadDomain": RejectReason.INVALID,
    "InvalidSender": RejectReason.BLOCKED,
    "AuthenticationFailed": RejectReason.BLOCKED,
    "PolicyRelated": RejectReason.BLOCKED,
    "MessageExpired": RejectReason.TIMED_OUT,
    "QuotaIssues": RejectReason.OTHER,
    "NoAnswerFromHost": RejectReason.OTHER,
    "BadConnection": RejectReason.OTHER,
    "DNSFailure": RejectReason.OTHER,
    "RoutingErrors": RejectReason.OTHER,
    "TransientFailure": RejectReason.OTHER,
    "ProtocolErrors": RejectReason.OTHER,
}


def read_events(request: plugin.WebhookRequest) -> tuple[plugin.DeliveryEvent, ...]:
    """
    Read the one event; mails that come in are none.
    """
    number, found = request.header("webhook-id"), request.json_objects()
    return tuple(_event(data, number) for data in found if _kind(data) not in INBOUND)


def _kind(envelope: Mapping[str, Any]) -> str:
    return plugin.as_text(envelope.get("type"))


def _event(envelope: Mapping[str, Any], event_id: str) -> plugin.DeliveryEvent:
    kind, reason = EVENTS.get(_kind(envelope), (EventType.UNKNOWN, None))
    data = envelope.get("data")
    attempt = plugin.dig(data, "delivery_attempt")
    if kind is EventType.BOUNCED:
        reason = BOUNCES.get(plugin.as_text(plugin.dig(attempt, "classification")), reason)
    said = (plugin.dig(attempt, "smtp_code") or "", plugin.dig(attempt, "response"))
    return plugin.make_event(
        envelope,
        type=kind,
        event_id=event_id,
        provider_message_id=plugin.dig(data, "message_id_header"),
        recipient=plugin.dig(data, "recipient"),
        timestamp=envelope.get("timestamp"),
        reject_reason=reason,
        mta_response=" ".join(filter(None, map(plugin.as_text, said))),
        description=plugin.dig(attempt, "description") or plugin.dig(data, "reason"),
        click_url=plugin.dig(data, "url"),
        user_agent=plugin.dig(data, "user_agent"),
    )
