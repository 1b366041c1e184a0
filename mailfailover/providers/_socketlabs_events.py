"""
What SocketLabs' event webhooks mean.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from mailfailover import errors, plugin
from mailfailover.plugin import EventType, RejectReason

Meaning = tuple[EventType, RejectReason | None]

# Of a type, or of a tracking type. https://help.socketlabs.com/docs/event-webhooks-events, and
# the vendor's own models of them, SocketLabs.EventWebhooks.Extensions (2026-11).
EVENTS: Mapping[str, Meaning] = {
    "Queued": (EventType.QUEUED, None),
    "Delivered": (EventType.DELIVERED, None),
    "Deferred": (EventType.DEFERRED, RejectReason.OTHER),
    "Failed": (EventType.BOUNCED, RejectReason.OTHER),
    "Complaint": (EventType.COMPLAINED, None),
    "Open": (EventType.OPENED, None),
    "Click": (EventType.CLICKED, None),
    "Unsubscribe": (EventType.UNSUBSCRIBED, None),
}
TRIAL = "Validation"

# "FailureCode" of a mail that failed for good; of the others none is the address's.
FAILURES: Mapping[str, Meaning] = {
    **dict.fromkeys(("1002", "1003"), (EventType.BOUNCED, RejectReason.BLOCKED)),
    "1004": (EventType.BOUNCED, RejectReason.SPAM),
    **dict.fromkeys(("2001", "2002", "2003", "2004"), (EventType.BOUNCED, RejectReason.INVALID)),
    **dict.fromkeys(("2999", "3002"), (EventType.BOUNCED, RejectReason.BOUNCED)),
    **dict.fromkeys(("3003", "4004"), (EventType.BOUNCED, RejectReason.TIMED_OUT)),
}
MESSAGES = ("5001", "5999")  # not of a failure: out of office

SECRET = "SecretKey"  # noqa: S105 -- the name of it


# The first secret, read without the rest: that is a stranger's until this one is right.
FIRST = re.compile(rb'"SecretKey"\s{0,99}:\s{0,99}"([^"\\]{1,200})"')


def verify(request: plugin.WebhookRequest, secrets: plugin.Secrets) -> None:
    """
    Check that each event has one of *secrets* in it.
    """
    known = plugin.reveal_all(secrets)
    first = FIRST.search(request.body)
    if first is None or not plugin.check_secret(first[1], known):
        raise _refusal()
    found = [plugin.as_text(one.get(SECRET)) for one in request.json_objects()]
    if not found or not all(plugin.check_secret(one, known) for one in found):
        raise _refusal()


def _refusal() -> errors.InvalidSignature:
    return errors.InvalidSignature(
        "the secret key of the webhook is not one that is configured for this provider"
    )


def read_events(request: plugin.WebhookRequest) -> tuple[plugin.DeliveryEvent, ...]:
    """
    Read the event, or the batch of them, without the secret in each.
    """
    found = [
        {name: value for name, value in one.items() if name != SECRET}
        for one in request.json_objects()
    ]
    return tuple(_event(data) for data in found if data.get("Type") != TRIAL)


def _event(data: Mapping[str, Any]) -> plugin.DeliveryEvent:
    kind, reason = _meaning(data)
    meta = plugin.dig(data, "Data", "Meta")
    return plugin.make_event(
        data,
        type=kind,
        mail_id=data.get("MessageId"),
        recipient=data.get("Address"),
        timestamp=data.get("DateTime"),
        reject_reason=reason,
        mta_response=data.get("Response") or data.get("Reason"),
        description=data.get("DiagnosticCode"),
        tags=plugin.dig(data, "Data", "Tags"),
        metadata={
            plugin.as_text(plugin.dig(one, "Key")): plugin.as_text(plugin.dig(one, "Value"))
            for one in (meta if isinstance(meta, list) else ())
        },
        click_url=data.get("Url"),
        user_agent=data.get("UserAgent"),
    )


def _meaning(data: Mapping[str, Any]) -> Meaning:
    name, more, code = (
        plugin.as_text(data.get(key)) for key in ("Type", "FailureType", "FailureCode")
    )
    if name == "Tracking":
        name = plugin.as_text(data.get("TrackingType"))
    meaning = EVENTS.get(name, (EventType.UNKNOWN, None))
    if name != "Failed":
        return meaning
    if code in MESSAGES:
        return EventType.AUTORESPONDED, None
    if more == "Suppressed":
        return EventType.REJECTED, RejectReason.BOUNCED
    return FAILURES.get(code, meaning) if more == "Permanent" else meaning
