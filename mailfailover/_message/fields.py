"""
The fields of a message: what each takes, and the one frozen form it is kept in.

Each function returns that form, or raises :class:`InvalidMessage` with the field's name,
what is wrong, and the remedy.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from mailfailover._message.address import Address, Recipients
from mailfailover._message.alternative import Alternative
from mailfailover._message.attachment import Attachment
from mailfailover._message.mailboxes import split_list
from mailfailover._message.validation import (
    check_body,
    check_header_name,
    check_text,
    normalize_email,
)
from mailfailover._values.features import MAY_BE_LEFT_OFF, Feature
from mailfailover._values.frozen import EMPTY, FrozenDict, freeze
from mailfailover.errors import InvalidMessage

_OF_IDS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"
_ID_LENGTH = 64
_LONGEST = 30 * 86400.0
_YEAR = timedelta(days=366)
"""What a time leaves before the last of all, so that a delay can be added to it."""


def recipients(value: Recipients, field: str) -> tuple[Address, ...]:
    if isinstance(value, str):
        if value.count("@") == 1 and "," not in value:
            return (Address._parse(value, field),)  # noqa: SLF001 -- same module
        return tuple([Address._parse(one, field) for one in split_list(value, field)])  # noqa: SLF001
    if isinstance(value, Address):
        return (value,)
    found = []
    try:
        for one in value:
            if isinstance(one, Address):
                found.append(one)
            elif isinstance(one, str):
                found.append(Address._parse(one, field))  # noqa: SLF001
            else:
                raise TypeError
    except TypeError:
        message = f"{field} must be a str, an Address or an iterable of them"
        raise InvalidMessage(message, field=field) from None
    return tuple(found)


def one(value: str | Address | None) -> Address | None:
    if value is None or isinstance(value, Address):
        return value
    if isinstance(value, str):
        return Address._parse(value, "from_email")  # noqa: SLF001
    message = f"from_email must be a str or an Address, not {type(value).__name__}"
    raise InvalidMessage(message, field="from_email")


def _mapping(label: str, value: object, field: str = "") -> Mapping[Any, Any]:
    if not isinstance(value, Mapping):
        message = f"{label} must be a mapping, not {type(value).__name__}"
        raise InvalidMessage(message, field=field or label)
    return value


def headers(value: Mapping[str, str | Iterable[str]]) -> FrozenDict[str, str | tuple[str, ...]]:
    found: dict[str, str | tuple[str, ...]] = {}
    seen: set[str] = set()
    for name, content in _mapping("headers", value).items():
        label = f"headers[{check_header_name(name)!r}]"
        if name.lower() in seen:
            message = f"{label} is given twice in different case: give a tuple of values"
            raise InvalidMessage(message, field="headers")
        seen.add(name.lower())
        if isinstance(content, (list, tuple)):
            found[name] = _repeated(label, content)
        else:
            found[name] = check_text(label, content)
    return FrozenDict(found)


def _repeated(label: str, values: Iterable[str]) -> str | tuple[str, ...]:
    found = tuple(check_text(label, one) for one in values)
    if not found:
        message = f"{label} has no value: leave the header out"
        raise InvalidMessage(message, field="headers")
    if len(found) > 1 and "message-id" in label.lower():
        message = f"{label} is given more than once: keep one"
        raise InvalidMessage(message, field="headers")
    return found if len(found) > 1 else found[0]


def attachments(value: Attachment | Iterable[Attachment]) -> tuple[Attachment, ...]:
    found = (value,) if isinstance(value, Attachment) else _sequence("attachments", value)
    for one in found:
        if not isinstance(one, Attachment):
            message = (
                f"attachments must hold Attachment objects, not {type(one).__name__}: "
                "use Attachment(filename, content) or Attachment.from_path(path)"
            )
            raise InvalidMessage(message, field="attachments")
    ids = [one.content_id for one in found if one.content_id]
    if len(ids) != len(set(ids)):
        message = "two attachments have the same content_id: give each its own"
        raise InvalidMessage(message, field="attachments")
    return found


def alternatives(value: Alternative | Iterable[Alternative]) -> tuple[Alternative, ...]:
    found = (value,) if isinstance(value, Alternative) else _sequence("alternatives", value)
    for one in found:
        if not isinstance(one, Alternative):
            message = (
                f"alternatives must hold Alternative objects, not {type(one).__name__}: "
                "use Alternative(content_type, content)"
            )
            raise InvalidMessage(message, field="alternatives")
    kinds = [one.kind for one in found]
    if len(kinds) != len(set(kinds)):
        message = "two alternatives have the same content_type: a reader shows one, so keep one"
        raise InvalidMessage(message, field="alternatives")
    return found


def _sequence(field: str, value: Iterable[Any]) -> tuple[Any, ...]:
    if isinstance(value, (bytes, Mapping)) or not isinstance(value, Iterable):
        message = f"{field} must be a list, not {type(value).__name__}"
        raise InvalidMessage(message, field=field)
    return tuple(value)


def texts(field: str, value: str | Iterable[str]) -> tuple[str, ...]:
    found = (value,) if isinstance(value, str) else _sequence(field, value)
    for one in found:
        if not check_text(field, one):
            message = f"{field} contains an empty string: leave it out"
            raise InvalidMessage(message, field=field)
    return found


def data(field: str, value: Mapping[str, Any], *, line: bool) -> FrozenDict[str, str]:
    found = {}
    for key, content in _mapping(field, value).items():
        if not check_text(f"{field} key", key):
            message = f"a key of {field} is empty: name it"
            raise InvalidMessage(message, field=field)
        if isinstance(content, (int, float)) and not isinstance(content, bool):
            content = str(content)  # noqa: PLW2901 -- numbers are common and mean no harm
        label = f"{field}[{key!r}]"
        found[key] = check_text(label, content) if line else check_body(label, content)
    return FrozenDict(found)


def per_recipient(
    field: str, value: Mapping[str, Mapping[str, Any]], *, line: bool
) -> FrozenDict[str, FrozenDict[str, str]]:
    if not value:
        return EMPTY
    return FrozenDict(
        {
            normalize_email(email, f"{field} key"): data(field, one, line=line)
            for email, one in _mapping(field, value).items()
        }
    )


def merge_headers(
    value: Mapping[str, Mapping[str, str]],
) -> FrozenDict[str, FrozenDict[str, str | tuple[str, ...]]]:
    return FrozenDict(
        {
            normalize_email(email, "merge_headers key"): headers(one)
            for email, one in _mapping("merge_headers", value).items()
        }
    )


def template(value: str | Mapping[str, str]) -> str | FrozenDict[str, str]:
    if isinstance(value, Mapping):
        return data("template_id", value, line=True)
    return check_text("template_id", value)


def json(field: str, value: Mapping[str, Any]) -> FrozenDict[str, Any]:
    import json

    try:
        frozen: FrozenDict[str, Any] = freeze(_mapping(field, value))
        json.dumps(frozen, allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError, RecursionError) as exc:
        if isinstance(exc, InvalidMessage):
            raise
        message = (
            f"{field} is not JSON-safe ({type(exc).__name__}): "
            "use dicts with str keys, lists, str, numbers, booleans and None"
        )
        raise InvalidMessage(message, field=field) from None
    return frozen


def aware(field: str, value: datetime | None) -> datetime | None:
    if value is None:
        return None
    if not isinstance(value, datetime) or value.utcoffset() is None:
        message = f"{field} must be an aware datetime: give it a tzinfo, such as datetime.UTC"
        raise InvalidMessage(message, field=field)
    try:
        value.astimezone(UTC) + _YEAR
    except OverflowError:
        message = f"{field} is outside the years 1 to 9998: correct it"
        raise InvalidMessage(message, field=field) from None
    return value


def expires(value: datetime | timedelta | float | None, since: datetime) -> datetime | None:
    if value is None or isinstance(value, datetime):
        return aware("expires", value)
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    is_number = isinstance(seconds, (int, float)) and not isinstance(seconds, bool)
    if not is_number or not 0 < seconds < float("inf"):
        message = f"expires must be an aware datetime or seconds above 0, not {value!r}"
        raise InvalidMessage(message, field="expires")
    try:
        return aware("expires", since + timedelta(seconds=seconds))
    except OverflowError:
        message = "expires is too far away: leave it out, or name a time within this century"
        raise InvalidMessage(message, field="expires") from None


def seconds(field: str, value: timedelta | float) -> float:
    found = value.total_seconds() if isinstance(value, timedelta) else value
    is_number = isinstance(found, (int, float)) and not isinstance(found, bool)
    if not is_number or not 0 < found < _LONGEST:
        message = f"{field} must be seconds above 0, at most 30 days, not {value!r}"
        raise InvalidMessage(message, field=field)
    return float(found)


def switch(field: str, value: bool | None) -> bool | None:  # noqa: FBT001 -- it is the value
    if value is None or isinstance(value, bool):
        return value
    message = f"{field} must be True, False or None, not {type(value).__name__}"
    raise InvalidMessage(message, field=field)


def stream(value: str) -> str:
    if not check_text("stream", value):
        message = 'stream is empty: name the kind of mail, such as "transactional"'
        raise InvalidMessage(message, field="stream")
    return value


def droppable(value: Feature) -> Feature:
    if not isinstance(value, Feature):
        message = f"droppable must be a Feature, not {type(value).__name__}"
        raise InvalidMessage(message, field="droppable")
    if kept := value & ~MAY_BE_LEFT_OFF:
        message = (
            f"droppable names {', '.join(kept.names)}, which cannot be left off without making "
            f"another mail of it; it may hold {', '.join(MAY_BE_LEFT_OFF.names)}"
        )
        raise InvalidMessage(message, field="droppable")
    return value


def envelope_from(value: str) -> str:
    return normalize_email(value, "envelope_from")


def options(value: Mapping[str, Mapping[str, Any]]) -> FrozenDict[str, FrozenDict[str, Any]]:
    for key, options in _mapping("provider_options", value).items():
        _mapping(f"provider_options[{key!r}]", options, "provider_options")
    return json("provider_options", value)


def unsubscribe(value: str | Iterable[str]) -> tuple[str, ...]:
    found = texts("unsubscribe", value)
    for url in found:
        if (
            not url.startswith(("https://", "mailto:"))
            or not url.isascii()
            or set(url) & set("<> ,")
        ):
            message = (
                "unsubscribe must be an https:// URL or a mailto:, ASCII, "
                "without spaces, commas or angle brackets: percent-encode them"
            )
            raise InvalidMessage(message, field="unsubscribe")
    return found


def own_id(value: str) -> str:
    if not _is_id(value):
        message = (
            "id must be 1 to 64 letters, digits, '-' or '_', because it goes into a Message-ID"
        )
        raise InvalidMessage(message, field="id")
    return value


def earlier_id(value: str) -> str:
    if not _is_id(value):
        message = "after must be the id of an earlier mail: 1 to 64 letters, digits, '-' or '_'"
        raise InvalidMessage(message, field="after")
    return value


def _is_id(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _ID_LENGTH and not value.strip(_OF_IDS)
