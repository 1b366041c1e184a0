"""
What Mailjet's webhooks mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mailfailover import plugin
from mailfailover.plugin import EventType, RejectReason

# https://dev.mailjet.com/email/guides/webhooks/ (2026-11)
EVENTS = {
    "sent": EventType.DELIVERED,  # "successfully delivered": the recipient's server has it
    "open": EventType.OPENED,
    "click": EventType.CLICKED,
    "bounce": EventType.BOUNCED,
    "blocked": EventType.REJECTED,
    "spam": EventType.COMPLAINED,
    "unsub": EventType.UNSUBSCRIBED,
}

# "error" of a bounce or of a mail that was blocked.
# https://dev.mailjet.com/email/guides/webhooks/#possible-values-for-errors (2026-11)
REASONS = {
    "user unknown": RejectReason.INVALID,
    "mailbox inactive": RejectReason.BOUNCED,
    "blacklisted": RejectReason.BLOCKED,
    "spam reporter": RejectReason.SPAM,
    "invalid domain": RejectReason.INVALID,
    "no mail host": RejectReason.INVALID,
    "relay/access denied": RejectReason.BLOCKED,
    "greylisted": RejectReason.TIMED_OUT,
    "connection issue": RejectReason.TIMED_OUT,
    "preblocked": RejectReason.BOUNCED,
    "sender blocked": RejectReason.BLOCKED,
    "content blocked": RejectReason.SPAM,
    "policy issue": RejectReason.BLOCKED,
    "spam preblocked": RejectReason.SPAM,
}
HARD = (RejectReason.BOUNCED, RejectReason.INVALID)


def read_events(request: plugin.WebhookRequest) -> tuple[plugin.DeliveryEvent, ...]:
    """
    Read the event, or the batch of them.
    """
    return tuple(map(_event, request.json_objects()))


def _event(data: Mapping[str, Any]) -> plugin.DeliveryEvent:
    kind = EVENTS.get(plugin.as_text(data.get("event")), EventType.UNKNOWN)
    return plugin.make_event(
        data,
        type=kind,
        provider_message_id=data.get("MessageID"),
        mail_id=data.get("CustomID"),
        recipient=data.get("email"),
        timestamp=data.get("time"),
        reject_reason=_reason(kind, data),
        mta_response=data.get("smtp_reply") or data.get("comment"),
        description=data.get("error") or data.get("source"),
        tags=data.get("customcampaign"),
        metadata=plugin.read_json(plugin.as_text(data.get("Payload")).encode()),
        click_url=data.get("url"),
        user_agent=data.get("agent"),
    )


def _reason(kind: EventType, data: Mapping[str, Any]) -> RejectReason | None:
    if kind not in (EventType.BOUNCED, EventType.REJECTED):
        return None
    reason = REASONS.get(plugin.as_text(data.get("error")))
    if kind is EventType.REJECTED:
        return reason or RejectReason.OTHER
    if data.get("hard_bounce") is True:
        return reason or RejectReason.BOUNCED
    # Mailjet tries the address again with the next mail.
    return RejectReason.OTHER if reason is None or reason in HARD else reason
