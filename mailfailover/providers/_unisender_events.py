"""
What the webhooks of Unisender Go mean.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mailfailover import errors, plugin
from mailfailover.plugin import EventType, RejectReason

STATUS_EVENT = "transactional_email_status"  # others tell of blocked servers, not of a mail

# What is another when the same event is told again.
CHANGING = ("auth", "retry_count")

# https://docs.unione.io/en/web-api-ref#callback-format (2026-11)
EVENTS = {
    "accepted": EventType.QUEUED,
    "sent": EventType.SENT,
    "delivered": EventType.DELIVERED,
    "opened": EventType.OPENED,
    "clicked": EventType.CLICKED,
    "unsubscribed": EventType.UNSUBSCRIBED,
    "subscribed": EventType.SUBSCRIBED,
    "soft_bounced": EventType.DEFERRED,
    "hard_bounced": EventType.BOUNCED,
    "spam": EventType.COMPLAINED,
}

# Why a mail "hard_bounced", and what it is instead where the recipient's server was not asked.
# https://docs.unione.io/en/email-statuses (2026-11)
REASONS = {
    "err_user_unknown": (EventType.BOUNCED, RejectReason.INVALID),
    "err_user_inactive": (EventType.BOUNCED, RejectReason.INVALID),
    "err_mailbox_discarded": (EventType.BOUNCED, RejectReason.INVALID),
    "err_domain_inactive": (EventType.BOUNCED, RejectReason.INVALID),
    "err_mailbox_full": (EventType.BOUNCED, RejectReason.OTHER),
    "err_spam_rejected": (EventType.BOUNCED, RejectReason.SPAM),
    "err_blacklisted": (EventType.BOUNCED, RejectReason.BLOCKED),
    "err_unreachable": (EventType.REJECTED, RejectReason.BOUNCED),
    "err_unsubscribed": (EventType.REJECTED, RejectReason.UNSUBSCRIBED),
    "err_skip_letter": (EventType.REJECTED, RejectReason.BOUNCED),
    "err_spam_skipped": (EventType.REJECTED, RejectReason.SPAM),
    "err_spam_removed": (EventType.REJECTED, RejectReason.SPAM),
    "skip_dup_unreachable": (EventType.REJECTED, RejectReason.BOUNCED),
    "skip_dup_temp_unreachable": (EventType.REJECTED, RejectReason.BOUNCED),
    "skip_dup_mailbox_full": (EventType.REJECTED, RejectReason.BOUNCED),
    "err_lost": (EventType.FAILED, RejectReason.OTHER),
    "err_internal": (EventType.FAILED, RejectReason.OTHER),
}


def read_events(request: plugin.WebhookRequest) -> tuple[plugin.DeliveryEvent, ...]:
    """
    Read the batch of events, or the one where the account wants them singly.
    """
    data = request.json_object()
    groups = data.get("events_by_user")
    if not isinstance(groups, list):
        if "event_name" not in data:
            raise errors.InvalidWebhook("unisender: the webhook has no events")
        event = {name: value for name, value in data.items() if name not in CHANGING}
        groups = [{"events": [{"event_name": data["event_name"], "event_data": event}]}]
    return tuple(map(_event, _mails(groups)))


def _mails(groups: list[Any]) -> Iterator[Mapping[str, Any]]:
    for group in groups:
        events = plugin.dig(group, "events")
        for one in events if isinstance(events, list) else ():
            data = plugin.dig(one, "event_data")
            if plugin.dig(one, "event_name") == STATUS_EVENT and isinstance(data, dict):
                yield data


def _event(data: Mapping[str, Any]) -> plugin.DeliveryEvent:
    status = plugin.as_text(data.get("status"))
    detail = plugin.as_text(plugin.dig(data, "delivery_info", "delivery_status"))
    kind, reason = EVENTS.get(status, EventType.UNKNOWN), None
    if kind is EventType.BOUNCED:
        kind, reason = REASONS.get(detail, (kind, RejectReason.OTHER))
    return plugin.make_event(
        data,
        type=kind,
        provider_message_id=data.get("job_id"),
        recipient=data.get("email"),
        timestamp=data.get("event_time"),
        reject_reason=reason,
        mta_response=plugin.dig(data, "delivery_info", "destination_response"),
        description=detail or data.get("comment"),
        metadata=data.get("metadata"),
        click_url=data.get("url") if kind is EventType.CLICKED else None,
        user_agent=plugin.dig(data, "delivery_info", "user_agent"),
    )
