"""
ZeptoMail's webhooks: how they are signed, and what they mean.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote, unquote_to_bytes

from mailfailover import errors, plugin
from mailfailover.plugin import EventType, RejectReason

HEADER = "producer-signature"
MAX_FIELDS = 10

# https://www.zoho.com/zeptomail/help/webhooks.html (2026-11); the names of those that it does
# not show, marked here, are those in public client code and unconfirmed.
EVENTS: Mapping[str, tuple[EventType, RejectReason | None]] = {
    "softbounce": (EventType.BOUNCED, RejectReason.OTHER),
    "hardbounce": (EventType.BOUNCED, RejectReason.BOUNCED),
    "email_open": (EventType.OPENED, None),
    "email_link_click": (EventType.CLICKED, None),
    "delivered": (EventType.DELIVERED, None),  # unconfirmed
    "feedbackloop": (EventType.COMPLAINED, None),  # unconfirmed
}


def verify(request: plugin.WebhookRequest, secrets: plugin.Secrets) -> str:
    """
    Check that ZeptoMail signed *request*: "ts=1;s=2;s-algorithm=HmacSHA256".

    The time is not signed, whatever the manual says: so it proves nothing, and is not read.
    By public client code that works (2026-11).
    """
    fields = [one.partition("=") for one in request.header(HEADER).split(";")[:MAX_FIELDS]]
    given = next((value for name, _, value in fields if name.strip() == "s"), "")
    signature = unquote(given.strip())
    plugin.verify_hmac(signature, secrets, _payload(request), base64=True)
    return signature


def read_events(request: plugin.WebhookRequest) -> tuple[plugin.DeliveryEvent, ...]:
    """
    Read one event for each detail.
    """
    data = plugin.read_json(_payload(request))
    if not isinstance(data, dict):
        raise errors.InvalidWebhook("zeptomail: the webhook has no event")
    names = _list(data.get("event_name"))
    return tuple(
        _event(plugin.as_text(names[0] if names else ""), message, detail)
        for message in _objects(data.get("event_message"))
        for entry in _objects(message.get("event_data")) or [{}]
        for detail in _objects(entry.get("details")) or [{}]
    )


def _payload(request: plugin.WebhookRequest) -> bytes:
    """
    The event, which is the body or the one field of a form.
    """
    if request.body.lstrip()[:1] in (b"{", b"["):
        return request.body
    return unquote_to_bytes(request.body.partition(b"=")[2].replace(b"+", b" "))


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _objects(value: object) -> list[dict[str, Any]]:
    return [one for one in _list(value) if isinstance(one, dict)]


def _event(
    name: str, message: Mapping[str, Any], detail: Mapping[str, Any]
) -> plugin.DeliveryEvent:
    kind, reason = EVENTS.get(name, (EventType.UNKNOWN, None))
    info = message.get("email_info")
    everybody = list(_addresses(info))
    return plugin.make_event(
        {"event_name": name, **message, "event_data": detail},
        type=kind,
        provider_message_id=message.get("request_id"),
        mail_id=plugin.dig(info, "client_reference"),
        # Else it names all recipients of the mail: of several it may be any.
        recipient=detail.get("bounced_recipient") or (everybody[0] if len(everybody) == 1 else ""),
        timestamp=detail.get("time"),
        reject_reason=reason,
        mta_response=detail.get("diagnostic_message"),
        description=detail.get("reason"),
        tags=plugin.dig(info, "tag"),
        click_url=detail.get("clicked_link"),
        user_agent=detail.get("user_agent"),
    )


def _addresses(info: object) -> Iterator[str]:
    for kind in ("to", "cc", "bcc"):
        for one in _objects(plugin.dig(info, kind)):
            yield plugin.as_text(plugin.dig(one, "email_address", "address"))
