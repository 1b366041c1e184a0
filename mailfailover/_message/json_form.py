"""
A message as JSON-safe data, and back.
"""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from collections.abc import Mapping
from datetime import datetime
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeVar

from mailfailover._message.address import Address
from mailfailover._message.alternative import Alternative
from mailfailover._message.attachment import Attachment
from mailfailover._message.mail import FIELDS
from mailfailover._values.features import DROPPABLE, NO_FEATURES, Feature
from mailfailover._values.frozen import thaw
from mailfailover.errors import InvalidMessage

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailfailover._message.mail import Mail

M = TypeVar("M", bound="Mail")

_DEFAULTS: Mapping[str, Any] = {"stream": "transactional", "droppable": DROPPABLE}
_values = attrgetter(*FIELDS)
_ALTERNATIVE_FIELDS = frozenset({"content_type", "content", "preferred"})
_ATTACHMENT_FIELDS = frozenset({"filename", "content", "content_type", "content_id"})


def message_to_dict(message: Mail) -> dict[str, Any]:
    """
    Write *message* without the fields that have their default.
    """
    found: dict[str, Any] = {}
    for name, value in zip(FIELDS, _values(message), strict=True):
        if name in _DEFAULTS:
            given = value is not _DEFAULTS[name] and value != _DEFAULTS[name]
        else:
            given = value or value is False  # None and what is empty are defaults
        if given:
            found[name] = value if type(value) is str else _write(value)
    return found


def _write(value: Any) -> Any:
    if isinstance(value, Address):
        return str(value)
    if isinstance(value, Attachment):
        return {
            "filename": value.filename,
            "content": b64encode(value.read()).decode("ascii"),
            "content_type": value.content_type,
            "content_id": value.content_id,
        }
    if isinstance(value, Alternative):
        written: dict[str, Any] = {"content_type": value.content_type, "content": value.content}
        return written | ({"preferred": True} if value.preferred else {})
    if isinstance(value, bytes):
        return b64encode(value).decode("ascii")
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Feature):
        return list(value.names)
    if isinstance(value, tuple):
        return [_write(one) for one in value]
    return thaw(value)


def message_from_dict(cls: type[M], data: Mapping[str, Any]) -> M:
    """
    Read what :func:`message_to_dict` wrote; nothing in it makes this open a file.

    Raises:
        InvalidMessage: If a field is unknown or has a wrong value.
    """
    if not isinstance(data, Mapping):
        message = f"a message must be a mapping of its fields, not {type(data).__name__}"
        raise InvalidMessage(message)
    if unknown := sorted(str(name) for name in data if name not in FIELDS):
        message = f"{unknown[0]!r} is no field of a message: correct its name or leave it out"
        raise InvalidMessage(message, field=unknown[0])
    return cls(
        **{
            name: _READERS[name](name, value) if name in _READERS else value
            for name, value in data.items()
        }
    )


def _read_attachments(field: str, value: Any) -> tuple[Attachment, ...]:
    if not isinstance(value, (list, tuple)):
        raise _wrong(field, "a list of objects", value)
    return tuple(_read_attachment(f"{field}[{number}]", one) for number, one in enumerate(value))


def _read_attachment(label: str, value: Any) -> Attachment:
    _check_object("attachments", label, value, _ATTACHMENT_FIELDS)
    raw = _read_base64(value.get("content"))
    if raw is None:
        message = f"content of {label} is no base64: encode the file's bytes as base64"
        raise InvalidMessage(message, field="attachments")
    return Attachment(
        value.get("filename", ""), raw, value.get("content_type", ""), value.get("content_id", "")
    )


def _read_alternatives(field: str, value: Any) -> tuple[Alternative, ...]:
    if not isinstance(value, (list, tuple)):
        raise _wrong(field, "a list of objects", value)
    return tuple(_read_alternative(f"{field}[{number}]", one) for number, one in enumerate(value))


def _read_alternative(label: str, value: Any) -> Alternative:
    _check_object("alternatives", label, value, _ALTERNATIVE_FIELDS)
    content = value.get("content", "")
    if not isinstance(content, str):
        raise _wrong(f"content of {label}", "a str", content, field="alternatives")
    return Alternative(
        value.get("content_type", ""), content, preferred=value.get("preferred", False)
    )


def _check_object(field: str, label: str, value: Any, known: frozenset[str]) -> None:
    if not isinstance(value, Mapping):
        raise _wrong(label, "an object", value, field=field)
    if unknown := sorted(str(name) for name in value if name not in known):
        message = f"{label} has the unknown field {unknown[0]!r}: leave it out"
        raise InvalidMessage(message, field=field)


def _read_base64(content: Any) -> bytes | None:
    try:
        return b64decode(content, validate=True) if isinstance(content, str) else None
    except (binascii.Error, ValueError):
        return None


def _read_mime(field: str, value: Any) -> bytes:
    raw = _read_base64(value)
    if raw is None:
        message = f"{field} is no base64: encode the message's bytes as base64"
        raise InvalidMessage(message, field=field)
    return raw


def _read_features(field: str, value: Any) -> Feature:
    if not isinstance(value, (list, tuple)):
        raise _wrong(field, "a list of feature names", value)
    found = NO_FEATURES
    for name in value:
        if not isinstance(name, str) or name not in Feature.__members__:
            message = f"{field} holds an unknown feature; known: {', '.join(Feature.__members__)}"
            raise InvalidMessage(message, field=field)
        found |= Feature[name]
    return found


def _read_time(field: str, value: Any) -> datetime | None:
    if value is None:
        return None
    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError):
        message = f"{field} is no ISO 8601 time: write it as 2027-01-31T09:00:00+00:00"
        raise InvalidMessage(message, field=field) from None


def _read_expires(field: str, value: Any) -> Any:
    return value if isinstance(value, (int, float)) else _read_time(field, value)


_READERS: Mapping[str, Callable[[str, Any], Any]] = {
    "alternatives": _read_alternatives,
    "attachments": _read_attachments,
    "created": _read_time,
    "droppable": _read_features,
    "expires": _read_expires,
    "mime": _read_mime,
    "send_at": _read_time,
}


def _wrong(label: str, expected: str, value: object, *, field: str = "") -> InvalidMessage:
    return InvalidMessage(
        f"{label} must be {expected}, not {type(value).__name__}", field=field or label
    )
