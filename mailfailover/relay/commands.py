"""
The commands of a mail: what its ``X-MF-`` headers ask for, read and taken out.
"""

from __future__ import annotations

import json
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from mailfailover._message.encoded_words import decode_words
from mailfailover._message.raw_mime import raw_headers, without_headers
from mailfailover.errors import InvalidMessage

__all__ = ["read_commands"]

_PREFIX = "x-mf-"
_TRACK = {"opens": "track_opens", "clicks": "track_clicks"}
# Commands that a vendor's gateway would obey, such as other recipients; they are no part of a mail.
_VENDORS = ("x-mailgun-", "x-mc-", "x-msys-api", "x-pm-", "x-postal-", "x-ses-", "x-smtpapi")


def read_commands(raw: bytes, *, keep_vendors: bool = False) -> tuple[bytes, dict[str, Any]]:
    """
    Return *raw* without commands, and the fields that they set.

    ``X-MF-Tag`` (repeated), ``X-MF-Metadata`` (JSON), ``X-MF-Stream``, ``X-MF-Send-At`` (ISO 8601
    or a date of RFC 5322) and ``X-MF-Track`` (``opens, clicks``, or ``none``).

    Args:
        raw: The mail.

        keep_vendors: Whether commands to a vendor's gateway stay.

    Raises:
        InvalidMessage: If a command is wrong.
    """
    fields: dict[str, Any] = {}
    if tags := _values(raw, "X-MF-Tag"):
        fields["tags"] = tuple(tags)
    for value in _values(raw, "X-MF-Metadata"):
        fields["metadata"] = fields.get("metadata", {}) | _metadata(value)
    for value in _values(raw, "X-MF-Stream"):
        fields["stream"] = value
    for value in _values(raw, "X-MF-Send-At"):
        fields["send_at"] = _time(value)
    for value in _values(raw, "X-MF-Track"):
        fields |= _tracking(value)
    unwanted = (_PREFIX,) if keep_vendors else (_PREFIX, *_VENDORS)
    return without_headers(raw, lambda name: name.startswith(unwanted)), fields


def _values(raw: bytes, name: str) -> list[str]:
    return [decode_words(value, name) for value in raw_headers(raw, name)]


def _metadata(value: str) -> dict[str, Any]:
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        message = 'X-MF-Metadata is no JSON object: write {"order": "4711"}'
        raise InvalidMessage(message, field="metadata")
    return found


def _time(value: str) -> datetime:
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            return read(value)
        except (ValueError, TypeError):
            continue
    message = "X-MF-Send-At is no time: write it as 2027-01-31T09:00:00+00:00"
    raise InvalidMessage(message, field="send_at")


def _tracking(value: str) -> dict[str, bool]:
    words = {word.strip().lower() for word in value.split(",")}
    if words - {"none", *_TRACK}:
        message = "X-MF-Track may hold opens and clicks, or none"
        raise InvalidMessage(message, field="track_opens")
    return {field: word in words for word, field in _TRACK.items()}
