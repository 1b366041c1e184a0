"""
A vendor's own words for what happened, read into a :class:`DeliveryEvent`.

Nothing here raises: what a vendor wrote in another form than expected is left out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from mailfailover._values.events import DeliveryEvent, EventType, RejectReason
from mailfailover._values.frozen import FrozenDict

MAIL_ID = "mailfailover-id"
"""The name under which our id travels among a mail's metadata."""

_ID_LENGTH = 32


def make_event(
    raw: Mapping[str, Any],
    *,
    type: EventType,
    event_id: Any = None,
    provider_message_id: Any = None,
    mail_id: Any = None,
    recipient: Any = None,
    timestamp: Any = None,
    reject_reason: RejectReason | None = None,
    mta_response: Any = None,
    description: Any = None,
    tags: Any = None,
    metadata: Any = None,
    click_url: Any = None,
    user_agent: Any = None,
) -> DeliveryEvent:
    """
    Make an event of what a vendor sent, whatever the types of its values are.

    Args:
        raw: The vendor's own item.

        type: The kind of event.

        event_id: The vendor's id of the event; a hash of *raw* where it has none.

        mail_id: Our id, where it did not travel in *metadata* under ``mailfailover-id``.

        timestamp: Unix time or ISO 8601, or a datetime.

        metadata: An object; our own entry is taken out of it.

        provider_message_id, recipient, reject_reason, mta_response, description: Its fields.

        tags, click_url, user_agent: The same.
    """
    known = as_texts(metadata)
    own_id = known.pop(MAIL_ID, "")
    return DeliveryEvent(
        event_id=as_text(event_id) or _digest(raw),
        type=type,
        provider_message_id=as_text(provider_message_id),
        mail_id=as_text(mail_id) or own_id,
        recipient=as_text(recipient),
        timestamp=as_time(timestamp),
        reject_reason=reject_reason,
        mta_response=as_text(mta_response),
        description=as_text(description),
        tags=as_list(tags),
        metadata=FrozenDict(known),
        click_url=as_text(click_url),
        user_agent=as_text(user_agent),
        raw=FrozenDict(raw),
    )


def dig(data: Any, *path: str) -> Any:
    """
    Return what stands in *data* under *path*, one key for each object, None where nothing does.
    """
    for key in path:
        data = data.get(key) if isinstance(data, Mapping) else None
    return data


def as_text(value: Any) -> str:
    """
    Return a text or number as text, "" for anything else.
    """
    if isinstance(value, str):
        return value.strip()
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return str(value) if is_number else ""


def as_texts(value: Any) -> dict[str, str]:
    """
    Return an object with all its values as text, {} for anything else.
    """
    if not isinstance(value, Mapping):
        return {}
    return {
        str(name): one if isinstance(one, str) else json.dumps(one, ensure_ascii=False)
        for name, one in value.items()
    }


def as_list(value: Any) -> tuple[str, ...]:
    """
    Return a list of texts, or the one text it is, without what is empty or no text.
    """
    many = value if isinstance(value, (list, tuple)) else (value,)
    return tuple(text for one in many if (text := as_text(one)))


def as_time(value: Any) -> datetime | None:
    """
    Return Unix time or an ISO 8601 text as an aware time, None for anything else.

    A time that names no zone is in UTC.
    """
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    text = as_text(value)
    try:
        return datetime.fromtimestamp(float(text), UTC)
    except (ValueError, OverflowError, OSError):
        pass
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _digest(raw: Mapping[str, Any]) -> str:
    text = json.dumps(raw, sort_keys=True, separators=(",", ":"), default=str)
    return sha256(text.encode()).hexdigest()[:_ID_LENGTH]
