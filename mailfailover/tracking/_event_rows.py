"""
Event rows: made from delivery events and read back, each event once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from mailfailover._sql.rows import fit
from mailfailover._values.events import DeliveryEvent, EventType, RejectReason
from mailfailover._values.frozen import EMPTY
from mailfailover.tracking._tables import ADDRESS_LENGTH, ID_LENGTH

if TYPE_CHECKING:
    from datetime import datetime

_DETAILS = ("event_id", "mta_response", "description", "click_url", "user_agent")


def event_row(event: DeliveryEvent, now: datetime) -> dict[str, Any]:
    """
    Return the row of an event that came at *now*, which is its time where it has none.
    """
    details: dict[str, Any] = {name: getattr(event, name) for name in _DETAILS}
    details |= {"tags": list(event.tags), "metadata": dict(event.metadata)}
    if event.reject_reason is not None:
        details["reject_reason"] = str(event.reject_reason)
    return {
        "key": _key(event),
        "mail_id": fit(event.mail_id, 64),
        "provider": fit(event.provider, 255),
        "provider_message_id": fit(event.provider_message_id, ID_LENGTH),
        "recipient": fit(event.recipient.lower(), ADDRESS_LENGTH),
        "type": str(event.type),
        "timestamp": now if event.timestamp is None else event.timestamp.astimezone(UTC),
        "received": now,
        "details": _kept({name: value for name, value in details.items() if value}),
        "raw": _kept(event.raw) or None,
    }


def event_of(row: Mapping[str, Any]) -> DeliveryEvent:
    """
    Return the event of a row.
    """
    details = dict(row["details"])
    reason = details.pop("reject_reason", None)
    return DeliveryEvent(
        type=EventType(row["type"]),
        provider=row["provider"],
        provider_message_id=row["provider_message_id"],
        mail_id=row["mail_id"],
        recipient=row["recipient"],
        timestamp=row["timestamp"],
        reject_reason=None if reason is None else RejectReason(reason),
        tags=tuple(details.pop("tags", ())),
        metadata=details.pop("metadata", EMPTY),
        raw=row["raw"] or EMPTY,
        **details,
    )


def _kept(value: Any) -> Any:
    """
    Copy JSON-like data as every database can keep it.
    """
    if isinstance(value, str):
        return fit(value)
    if isinstance(value, Mapping):
        return {fit(key): _kept(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_kept(one) for one in value]
    return value


def _key(event: DeliveryEvent) -> str:
    """
    Return a key that repetitions of an event share, and no other event has.

    A vendor's id may stand for several recipients. An event without a recipient is about them all.
    """
    parts = [event.provider, event.type, event.recipient.lower(), event.event_id]
    if not event.event_id:
        parts += [event.provider_message_id, event.mail_id, str(event.timestamp), event.click_url]
        parts.append(json.dumps(_kept(event.raw), sort_keys=True, default=str))
    return sha256(json.dumps(parts).encode()).hexdigest()
