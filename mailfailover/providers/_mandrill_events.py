"""
What Mandrill's webhooks mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from mailfailover import plugin
from mailfailover.plugin import EventType, RejectReason

FIELD = "mandrill_events"
MAX_FIELDS = 20

# https://mailchimp.com/developer/transactional/docs/webhooks/ (2026-11)
EVENTS = {
    "send": EventType.SENT,
    "deferral": EventType.DEFERRED,
    "delivered": EventType.DELIVERED,
    "hard_bounce": EventType.BOUNCED,
    "soft_bounce": EventType.BOUNCED,
    "open": EventType.OPENED,
    "click": EventType.CLICKED,
    "spam": EventType.COMPLAINED,
    "unsub": EventType.UNSUBSCRIBED,
    "reject": EventType.REJECTED,
}

# Of "reject", as a send names them; see REJECTED of the provider.
REJECTIONS = {
    "hard-bounce": RejectReason.BOUNCED,
    "invalid": RejectReason.INVALID,
    "spam": RejectReason.SPAM,
    "unsub": RejectReason.UNSUBSCRIBED,
    "invalid-sender": RejectReason.BLOCKED,
    "unsigned": RejectReason.BLOCKED,
    "test-mode-limit": RejectReason.BLOCKED,
}

# "bounce_description" of a bounce. A soft one says nothing against the address. The vendor
# shows these in examples, but lists them nowhere (2026-11).
BOUNCES = {
    "bad_mailbox": RejectReason.INVALID,
    "invalid_domain": RejectReason.INVALID,
}


def read_form(request: plugin.WebhookRequest) -> list[tuple[str, str]]:
    """
    Return the fields of the form, none where the body is no form in UTF-8.
    """
    try:
        text = request.body.decode("ascii")
        return parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except ValueError:
        return []


def read_events(request: plugin.WebhookRequest) -> tuple[plugin.DeliveryEvent, ...]:
    """
    Read the batch of events in the form.
    """
    batch = dict(read_form(request)).get(FIELD, "")
    return tuple(_event(one) for one in plugin.WebhookRequest(body=batch.encode()).json_objects())


def _event(data: Mapping[str, Any]) -> plugin.DeliveryEvent:
    name = plugin.as_text(data.get("event"))
    kind = EVENTS.get(name, EventType.UNKNOWN)
    return plugin.make_event(
        data,
        type=kind,
        provider_message_id=plugin.dig(data, "msg", "_id") or data.get("_id"),
        recipient=plugin.dig(data, "msg", "email") or plugin.dig(data, "reject", "email"),
        timestamp=data.get("ts"),
        reject_reason=_reason(name, data),
        mta_response=plugin.dig(data, "msg", "diag") or _last_answer(data),
        description=plugin.dig(data, "msg", "bounce_description") or _rejection(data),
        tags=plugin.dig(data, "msg", "tags"),
        metadata=plugin.dig(data, "msg", "metadata"),
        click_url=data.get("url"),
        user_agent=data.get("user_agent"),
    )


def _reason(name: str, data: Mapping[str, Any]) -> RejectReason | None:
    if name == "reject":
        return REJECTIONS.get(_rejection(data), RejectReason.OTHER)
    if name == "hard_bounce":
        description = plugin.as_text(plugin.dig(data, "msg", "bounce_description"))
        return BOUNCES.get(description, RejectReason.BOUNCED)
    return RejectReason.OTHER if name in ("soft_bounce", "deferral") else None


def _rejection(data: Mapping[str, Any]) -> str:
    # Where it stands in "reject" is unconfirmed; in a change of the denylist it is beside it.
    return plugin.as_text(
        plugin.dig(data, "msg", "reject", "reason") or plugin.dig(data, "reject", "reason")
    )


def _last_answer(data: Mapping[str, Any]) -> Any:
    answers = plugin.dig(data, "msg", "smtp_events")
    return plugin.dig(answers[-1], "diag") if isinstance(answers, list) and answers else None
