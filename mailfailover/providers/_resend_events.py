"""
What Resend's webhooks mean.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Mapping
from typing import Any

from mailfailover import plugin
from mailfailover.plugin import EventType, RejectReason

# https://resend.com/docs/webhooks/event-types (2026-11)
EVENTS = {
    "email.scheduled": EventType.QUEUED,
    "email.sent": EventType.SENT,
    "email.delivered": EventType.DELIVERED,
    "email.delivery_delayed": EventType.DEFERRED,
    "email.bounced": EventType.BOUNCED,
    "email.suppressed": EventType.REJECTED,
    "email.failed": EventType.FAILED,
    "email.complained": EventType.COMPLAINED,
    "email.opened": EventType.OPENED,
    "email.clicked": EventType.CLICKED,
}

# "type" and "subType" of a bounce are those of Amazon; only a permanent one is the address's.
# https://resend.com/docs/dashboard/emails/email-bounces (2026-11)
BOUNCES = {
    ("Permanent", "NoEmail"): RejectReason.INVALID,
    ("Permanent", ""): RejectReason.BOUNCED,
}
REASONS = {
    EventType.DEFERRED: RejectReason.OTHER,
    EventType.FAILED: RejectReason.OTHER,
    EventType.REJECTED: RejectReason.BOUNCED,
}

ADDRESS = re.compile(r"<([^<>]+)>\s*")


def read_events(request: plugin.WebhookRequest, encoded: str) -> tuple[plugin.DeliveryEvent, ...]:
    """
    Read the one event; what begins with *encoded* among the tags is not as it was given.
    """
    return tuple(
        _event(data, request.header("svix-id"), encoded) for data in request.json_objects()
    )


def _event(data: Mapping[str, Any], event_id: str, encoded: str) -> plugin.DeliveryEvent:
    kind = EVENTS.get(plugin.as_text(data.get("type")), EventType.UNKNOWN)
    details = plugin.dig(data, "data")
    tags, metadata = _tags(plugin.dig(details, "tags"), encoded)
    return plugin.make_event(
        data,
        type=kind,
        event_id=event_id,
        provider_message_id=plugin.dig(details, "email_id"),
        recipient=_recipient(details),
        timestamp=data.get("created_at"),
        reject_reason=_bounce(details) if kind is EventType.BOUNCED else REASONS.get(kind),
        description=plugin.dig(details, "bounce", "message")
        or plugin.dig(details, "suppressed", "message")
        or plugin.dig(details, "failed", "reason"),
        tags=tags,
        metadata=metadata,
        click_url=plugin.dig(details, "click", "link"),
        user_agent=plugin.dig(details, "click", "userAgent"),
    )


def _bounce(details: Any) -> RejectReason:
    kind, more = (
        plugin.as_text(plugin.dig(details, "bounce", name)) for name in ("type", "subType")
    )
    other = BOUNCES.get((kind, ""), RejectReason.OTHER)
    return BOUNCES.get((kind, more), other)


def _recipient(details: Any) -> str:
    # An event is about one recipient, but names all of the mail: of several it may be any.
    named = [
        one for name in ("to", "cc", "bcc") for one in plugin.as_list(plugin.dig(details, name))
    ]
    if len(named) != 1:
        return ""
    found = ADDRESS.search(named[0])
    return found[1] if found else named[0]


def _tags(tags: Any, encoded: str) -> tuple[list[str], dict[str, str]]:
    """
    Tell the tags from the metadata: Resend has one list for both.
    """
    if isinstance(tags, list):
        tags = {plugin.as_text(plugin.dig(one, "name")): plugin.dig(one, "value") for one in tags}
    pairs = tags.items() if isinstance(tags, Mapping) else ()
    found: dict[bool, dict[str, str]] = {True: {}, False: {}}
    for name, value in pairs:
        is_tag = name.startswith("tag-") and name[4:].isdigit()
        found[is_tag][_plain(name, encoded)] = _plain(plugin.as_text(value), encoded)
    return list(found[True].values()), found[False]


def _plain(text: str, encoded: str) -> str:
    if not text.startswith(encoded):
        return text
    try:
        data = b64decode(text.removeprefix(encoded), altchars=b"-_", validate=True)
        return data.decode().rstrip("\n")
    except ValueError:
        return text
