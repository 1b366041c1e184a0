"""
What Infobip's delivery reports and tracking notifications mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mailfailover import errors, plugin
from mailfailover.plugin import EventType, RejectReason

Meaning = tuple[EventType, RejectReason | None]

# The group of a report's status; which errors mail has is documented nowhere, but whether one
# is permanent stands beside it.
# https://www.infobip.com/docs/essentials/api-essentials/response-status-and-error-codes (2026-11)
REPORTS: Mapping[str, Meaning] = {
    "PENDING": (EventType.QUEUED, None),
    "UNDELIVERABLE": (EventType.BOUNCED, RejectReason.OTHER),
    "DELIVERED": (EventType.DELIVERED, None),
    "EXPIRED": (EventType.BOUNCED, RejectReason.TIMED_OUT),
    "REJECTED": (EventType.REJECTED, RejectReason.OTHER),
}

# EmailWebhookTrackingPayload of the vendor's own clients (2026-11).
NOTIFICATIONS: Mapping[str, Meaning] = {
    "OPENED": (EventType.OPENED, None),
    "CLICKED": (EventType.CLICKED, None),
    "COMPLAINED": (EventType.COMPLAINED, None),
    "UNSUBSCRIBED": (EventType.UNSUBSCRIBED, None),
    "LATE_BOUNCE": (EventType.BOUNCED, RejectReason.OTHER),  # unconfirmed
}


def read_events(request: plugin.WebhookRequest) -> tuple[plugin.DeliveryEvent, ...]:
    """
    Read a list of reports, or one notification.
    """
    data = request.json_object()
    if "results" not in data:
        if "notificationType" not in data:
            raise errors.InvalidWebhook(
                "infobip: the webhook has neither results nor a notification"
            )
        meaning = NOTIFICATIONS.get(
            plugin.as_text(data["notificationType"]), (EventType.UNKNOWN, None)
        )
        return (_event(data, meaning),)
    results = data["results"] if isinstance(data["results"], list) else []
    return tuple(_event(one, _meaning(one)) for one in results if isinstance(one, dict))


def _meaning(report: Mapping[str, Any]) -> Meaning:
    group = plugin.as_text(plugin.dig(report, "status", "groupName"))
    kind, reason = REPORTS.get(group, (EventType.UNKNOWN, None))
    if group == "UNDELIVERABLE" and plugin.dig(report, "error", "permanent") is True:
        reason = RejectReason.BOUNCED
    return kind, reason


def _event(data: Mapping[str, Any], meaning: Meaning) -> plugin.DeliveryEvent:
    kind, reason = meaning
    status = plugin.dig(data, "status", "description")
    return plugin.make_event(
        data,
        type=kind,
        event_id=data.get("eventId"),
        provider_message_id=data.get("messageId"),
        recipient=data.get("to") or data.get("recipient"),
        timestamp=data.get("doneAt"),  # "sendDateTime" is not when it was opened
        reject_reason=reason,
        description=plugin.dig(data, "error", "description") if reason else status,
        tags=data.get("campaignReferenceId"),
        metadata=plugin.read_json(plugin.as_text(data.get("callbackData")).encode()),
        click_url=data.get("url"),
    )
