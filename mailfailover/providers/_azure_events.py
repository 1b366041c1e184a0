"""
What Azure's Event Grid tells of a mail, and whether it is Event Grid that tells it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from mailfailover import errors, plugin
from mailfailover.plugin import EventType, RejectReason

# https://learn.microsoft.com/en-us/azure/event-grid/communication-services-email-events, and
# for the statuses the enumeration in the vendor's own @azure/eventgrid (2026-11).
DELIVERY = "Microsoft.Communication.EmailDeliveryReportReceived"
ENGAGEMENT = "Microsoft.Communication.EmailEngagementTrackingReportReceived"
STATUSES = {
    "Delivered": (EventType.DELIVERED, None),
    "Expanded": (EventType.SENT, None),  # to the members of a list
    "Bounced": (EventType.BOUNCED, RejectReason.BOUNCED),
    "Failed": (EventType.BOUNCED, RejectReason.OTHER),
    "FilteredSpam": (EventType.BOUNCED, RejectReason.SPAM),
    "Quarantined": (EventType.BOUNCED, RejectReason.SPAM),
    "Suppressed": (EventType.REJECTED, RejectReason.BOUNCED),
}
ENGAGEMENTS = {"view": EventType.OPENED, "click": EventType.CLICKED}

# Asks whether whoever answers here wants the events; calling an address says that he does. By
# https://learn.microsoft.com/en-us/azure/event-grid/end-point-validation-event-grid-events-schema
# as of 2026-11.
VALIDATION = "Microsoft.EventGrid.SubscriptionValidationEvent"
EVENT_GRID = re.compile(
    r"https://rp-[a-z0-9-]+\.eventgrid\.azure\.(net|us|cn)(:553)?/eventsubscriptions/[^\s#]+"
)

# Our Message-ID: our id and the short name of a recipient of a merge.
MESSAGE_ID = re.compile(r"<?([\w-]{1,64})(?:\.[0-9a-f]{12})?@.*", re.ASCII)


def verify(request: plugin.WebhookRequest, secrets: plugin.Secrets, fetch: plugin.Fetch) -> str:
    """
    Check that the address that was called has the secret in it, and agree to a subscription.

    Raises:
        InvalidSignature: If it has not, or what is to be agreed to is not Event Grid's.
        ProviderUnavailable: If Event Grid does not take our consent.
    """
    # Nothing is signed, by
    # https://learn.microsoft.com/en-us/azure/event-grid/security-authentication (2026-11).
    try:
        given = parse_qs(urlsplit(request.url).query).get("secret", [""])
    except ValueError:
        given = [""]
    if not plugin.check_secret(given[0], plugin.reveal_all(secrets)):
        raise errors.InvalidSignature(
            "the webhook's address has no secret that is configured for this provider"
        )
    for data in request.json_objects():
        if data.get("eventType") == VALIDATION:
            _agree(plugin.as_text(plugin.dig(data, "data", "validationUrl")), fetch)
    return plugin.sha256_hex(request.body)  # each event has an id


def _agree(url: str, fetch: plugin.Fetch) -> None:
    if not EVENT_GRID.fullmatch(url):
        raise errors.InvalidSignature(
            "the webhook asks for consent at an address that is not Event Grid's"
        )
    response = fetch(plugin.HTTPRequest("GET", url))
    if not response.ok:
        message = f"Event Grid did not take our consent: HTTP {response.status_code}"
        raise errors.ProviderUnavailable(message, status_code=response.status_code)


def read_events(request: plugin.WebhookRequest) -> tuple[plugin.DeliveryEvent, ...]:
    """
    Read the events that there are beside what is no event of a mail.
    """
    found = request.json_objects()
    return tuple(_event(one) for one in found if one.get("eventType") != VALIDATION)


def _event(envelope: Mapping[str, Any]) -> plugin.DeliveryEvent:
    data = envelope.get("data")
    kind, reason = _kind(plugin.as_text(envelope.get("eventType")), data)
    our_id = MESSAGE_ID.fullmatch(plugin.as_text(plugin.dig(data, "internetMessageId")))
    return plugin.make_event(
        envelope,
        type=kind,
        event_id=envelope.get("id"),
        provider_message_id=plugin.dig(data, "messageId"),
        mail_id=our_id[1] if our_id else None,
        recipient=plugin.dig(data, "recipient"),
        timestamp=_time(data) or envelope.get("eventTime"),
        reject_reason=reason,
        description=plugin.dig(data, "deliveryStatusDetails", "statusMessage"),
        click_url=plugin.dig(data, "engagementContext") if kind is EventType.CLICKED else None,
        user_agent=plugin.dig(data, "userAgent"),
    )


def _kind(name: str, data: Any) -> tuple[EventType, RejectReason | None]:
    if name == DELIVERY:
        return STATUSES.get(plugin.as_text(plugin.dig(data, "status")), (EventType.UNKNOWN, None))
    engagement = (
        plugin.as_text(plugin.dig(data, "engagementType")).lower() if name == ENGAGEMENT else ""
    )
    return ENGAGEMENTS.get(engagement, EventType.UNKNOWN), None


def _time(data: Any) -> Any:
    # Written with a large S or a small one.
    names = ("deliveryAttemptTime", "userActionTime")
    found = (plugin.dig(data, name + end) for name in names for end in ("Stamp", "stamp"))
    return next(filter(None, found), None)
