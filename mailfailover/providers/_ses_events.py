"""
What the notifications of Amazon SES mean.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from typing import Any

from mailfailover import errors, plugin
from mailfailover.plugin import EventType, RejectReason

Meaning = tuple[EventType, RejectReason | None]

# The kind, the object with its details, and the list of the recipients in it.
# https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html and
# https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html (2026-11)
EVENTS: Mapping[str, tuple[Meaning, str, str]] = {
    "Send": ((EventType.SENT, None), "send", ""),
    "Delivery": ((EventType.DELIVERED, None), "delivery", "recipients"),
    "DeliveryDelay": (
        (EventType.DEFERRED, RejectReason.OTHER),
        "deliveryDelay",
        "delayedRecipients",
    ),
    "Bounce": (
        (EventType.BOUNCED, RejectReason.OTHER),
        "bounce",
        "bouncedRecipients",
    ),
    "Complaint": ((EventType.COMPLAINED, None), "complaint", "complainedRecipients"),
    "Reject": ((EventType.REJECTED, RejectReason.OTHER), "reject", ""),
    "Rendering Failure": ((EventType.FAILED, RejectReason.OTHER), "failure", ""),
    "Open": ((EventType.OPENED, None), "open", ""),
    "Click": ((EventType.CLICKED, None), "click", ""),
    "Subscription": ((EventType.UNKNOWN, None), "subscription", ""),
}
NOTHING_KNOWN: tuple[Meaning, str, str] = ((EventType.UNKNOWN, None), "", "")

# Type and subtype of a bounce, and subtype of a complaint. Only a permanent bounce is the
# address's; who is on a list of SES was not tried. The same pages.
SUBTYPES: Mapping[tuple[str, str], Meaning] = {
    ("Permanent", ""): (EventType.BOUNCED, RejectReason.BOUNCED),
    ("Permanent", "NoEmail"): (EventType.BOUNCED, RejectReason.INVALID),
    ("Permanent", "Suppressed"): (EventType.REJECTED, RejectReason.BOUNCED),
    ("Permanent", "OnAccountSuppressionList"): (
        EventType.REJECTED,
        RejectReason.BOUNCED,
    ),
    ("Transient", "ContentRejected"): (EventType.BOUNCED, RejectReason.SPAM),
    ("", "OnAccountSuppressionList"): (EventType.REJECTED, RejectReason.SPAM),
}
DESCRIPTIONS = ("bounceSubType", "complaintFeedbackType", "reason", "errorMessage", "delayType")
ENGAGED = (
    EventType.OPENED,
    EventType.CLICKED,
)  # "delivery" tells no agent of the reader
OWN = "ses:"


def read_events(
    request: plugin.WebhookRequest, tag_name: str, others: str
) -> tuple[plugin.DeliveryEvent, ...]:
    """
    Read a notification, one event for each recipient; what else SNS says tells nothing.

    Args:
        request: What came.

        tag_name: The name of the message tag that is the mail's tag.

        others: The name of the message tag with all that does not fit one.
    """
    fields = plugin.read_sns(request)
    if fields.get("Type") != "Notification":
        return ()
    data = plugin.read_json(fields.get("Message", "").encode())
    if not isinstance(data, dict):
        raise errors.InvalidWebhook("ses: the notification has no JSON in it")
    if "mail" not in data:
        return ()  # a notification that a subscription works
    return tuple(_events(data, fields.get("MessageId", ""), tag_name, others))


def _events(
    data: dict[str, Any], number: str, tag_name: str, others: str
) -> list[plugin.DeliveryEvent]:
    name = plugin.as_text(data.get("eventType") or data.get("notificationType"))
    (kind, reason), place, listed = EVENTS.get(name, NOTHING_KNOWN)
    details = plugin.dig(data, place)
    kind, reason = _refined(kind, reason, details)
    tags, metadata = _tags(plugin.dig(data, "mail", "tags"), tag_name, others)
    found = plugin.dig(details, listed) if listed else plugin.dig(data, "mail", "destination")
    recipients = found if isinstance(found, list) and found else [None]
    return [
        plugin.make_event(
            data,
            type=kind,
            event_id=number if len(recipients) == 1 else f"{number}-{position}",
            provider_message_id=plugin.dig(data, "mail", "messageId"),
            recipient=plugin.dig(one, "emailAddress") or one,
            timestamp=plugin.dig(details, "timestamp") or plugin.dig(data, "mail", "timestamp"),
            reject_reason=reason,
            mta_response=plugin.dig(one, "diagnosticCode") or plugin.dig(details, "smtpResponse"),
            description=next(
                (text for key in DESCRIPTIONS if (text := plugin.dig(details, key))), None
            ),
            tags=tags,
            metadata=metadata,
            click_url=plugin.dig(details, "link"),
            user_agent=plugin.dig(details, "userAgent") if kind in ENGAGED else None,
        )
        for position, one in enumerate(recipients, 1)
    ]


def _refined(kind: EventType, reason: RejectReason | None, details: Any) -> Meaning:
    if kind is EventType.BOUNCED:
        first, second = (
            plugin.as_text(plugin.dig(details, key)) for key in ("bounceType", "bounceSubType")
        )
        return SUBTYPES.get((first, second)) or SUBTYPES.get((first, ""), (kind, reason))
    if kind is EventType.COMPLAINED:
        return SUBTYPES.get(
            ("", plugin.as_text(plugin.dig(details, "complaintSubType"))), (kind, reason)
        )
    if plugin.dig(details, "newTopicPreferences", "unsubscribeAll") is True:
        return EventType.UNSUBSCRIBED, None
    return kind, reason


def _tags(found: Any, tag_name: str, others: str) -> tuple[tuple[str, ...], dict[str, Any]]:
    """
    Tell the tags from the metadata, and both from what SES adds.
    """
    pairs = found if isinstance(found, Mapping) else {}
    values = {
        name: first[0]
        for name, value in pairs.items()
        if not name.startswith(OWN) and (first := plugin.as_list(value))
    }
    tags = plugin.as_list(values.pop(tag_name, None))
    packed = values.pop(others, "")
    try:
        more = plugin.read_json(b64decode(packed, altchars=b"-_", validate=True))
    except ValueError:
        more = None
    metadata = plugin.dig(more, "metadata")
    return (
        (*tags, *plugin.as_list(plugin.dig(more, "tags"))),
        {**values, **(metadata if isinstance(metadata, Mapping) else {})},
    )
