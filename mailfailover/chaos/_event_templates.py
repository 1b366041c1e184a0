"""
The templates of each vendor's events, with placeholders for the values of a mail.

``events/<vendor>.json`` has a payload for each kind, with ``$name`` where a value of the mail
belongs. The payloads follow the vendors' own pages, which the providers' files name (2026-11).
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from string import Template
from typing import TYPE_CHECKING, Any
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailfailover.chaos._mail import AcceptedMail

__all__ = ["KINDS_OF_EVENTS", "event_payload", "told_kinds"]

KINDS_OF_EVENTS = ("delivered", "bounced", "deferred")


@cache
def _templates(vendor: str) -> Mapping[str, Any]:
    file = resources.files("mailfailover.chaos") / "events" / f"{vendor}.json"
    if not file.is_file():
        return {}
    found: Mapping[str, Any] = json.loads(file.read_text("utf-8"))
    return found


def told_kinds(vendor: str) -> tuple[str, ...]:
    """
    The kinds of events that *vendor* tells; none where it has no webhooks.
    """
    return tuple(_templates(vendor))


def event_payload(mail: AcceptedMail, kind: str, recipient: str, event_id: str, now: float) -> Any:
    """
    The payload of the vendor's event *kind* about one recipient of *mail*.
    """
    message_id = mail.message_ids.get(recipient, "")
    when = datetime.fromtimestamp(now, UTC)
    values: dict[str, Any] = {
        "recipient": recipient,
        "sender": mail.sender or "sender@example.com",
        "subject": mail.subject,
        "mail_id": mail.mail_id,
        "message_id": message_id,
        "bare_message_id": message_id.strip("<>"),
        "event_id": event_id,
        "iso": f"{when:%Y-%m-%dT%H:%M:%S}Z",
        "plain_time": f"{when:%Y-%m-%d %H:%M:%S}",
        "us_time": f"{when:%m/%d/%Y %I:%M:%S %p}",
        "unix_text": f"{now:.0f}",
        # Numbers, where a value is nothing else.
        "event_number": crc32(event_id.encode()),
        "message_number": int(message_id) if message_id.isdecimal() else 0,
        "unix": int(now),
        "unix_float": now,
        "millis": int(now * 1000),
    }
    return _filled(_templates(mail.vendor)[kind], values)


def _filled(value: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(value, dict):
        return {_filled(name, values): _filled(one, values) for name, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, values) for one in value]
    if not isinstance(value, str):
        return value
    if value[:1] == "$" and value[1:] in values:
        return values[value[1:]]
    return Template(value).substitute(values)
