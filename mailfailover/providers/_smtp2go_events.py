"""
What SMTP2GO's webhooks mean.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from mailfailover import errors, plugin
from mailfailover.plugin import EventType, RejectReason

# https://developers.smtp2go.com/docs/webhooks-overview (2026-11); where a click went is in no
# example there, so that the name "url" is unconfirmed.
EVENTS: Mapping[str, tuple[EventType, RejectReason | None]] = {
    "processed": (EventType.QUEUED, None),
    "delivered": (EventType.DELIVERED, None),
    "bounce": (EventType.BOUNCED, RejectReason.OTHER),
    "reject": (EventType.REJECTED, RejectReason.OTHER),
    "spam": (EventType.COMPLAINED, None),
    "unsubscribe": (EventType.UNSUBSCRIBED, None),
    "resubscribe": (EventType.SUBSCRIBED, None),
    "open": (EventType.OPENED, None),
    "click": (EventType.CLICKED, None),
}
HARD = "hard"

# Our Message-ID: our id and the short name of a recipient of a merge.
MESSAGE_ID = re.compile(r"<?([\w-]{1,64})(?:\.[0-9a-f]{12})?@.*", re.ASCII)
MAX_FIELDS = 50


def read_events(request: plugin.WebhookRequest) -> tuple[plugin.DeliveryEvent, ...]:
    """
    Read the one event, in JSON or as a form.
    """
    if "form" in request.header("content-type"):
        return (_event(_form(request.body)),)
    return tuple(map(_event, request.json_objects()))


def _form(body: bytes) -> dict[str, Any]:
    try:
        pairs = parse_qsl(body.decode("ascii"), errors="strict", max_num_fields=MAX_FIELDS)
    except ValueError:
        pairs = []
    # Through JSON, which makes all texts such that they can be stored.
    found = plugin.read_json(json.dumps(dict(pairs)).encode())
    if not found:
        raise errors.InvalidWebhook("smtp2go: the webhook is no form that can be read")
    return dict(found)


def _event(data: Mapping[str, Any]) -> plugin.DeliveryEvent:
    name = plugin.as_text(data.get("event"))
    kind, reason = EVENTS.get(name, (EventType.UNKNOWN, None))
    if kind is EventType.BOUNCED and data.get("bounce") == HARD:
        reason = RejectReason.BOUNCED
    recipients = plugin.as_list(data.get("rcpt") or data.get("recipients"))
    our_id = MESSAGE_ID.fullmatch(plugin.as_text(data.get("message-id")))
    return plugin.make_event(
        data,
        type=kind,
        provider_message_id=data.get("email_id"),
        mail_id=our_id[1] if our_id else None,
        recipient=recipients[0] if len(recipients) == 1 else "",
        timestamp=data.get("time"),
        reject_reason=reason,
        mta_response=data.get("message"),
        description=data.get("context"),
        click_url=data.get("url"),
        user_agent=data.get("user-agent"),
    )
