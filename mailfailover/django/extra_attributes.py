"""
The attributes that django-anymail's users set on a message, as fields of ours.

``message.mailfailover = {"stream": "newsletter"}`` sets fields that have no name there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from django.utils.timezone import get_current_timezone

from mailfailover._message.address import Address
from mailfailover.errors import InvalidMessage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.core.mail import EmailMessage

__all__ = ["extra_fields"]

_NAMES = (
    "tags",
    "metadata",
    "track_opens",
    "track_clicks",
    "send_at",
    "template_id",
    "envelope_sender",
    "esp_extra",
    "merge_data",
    "merge_global_data",
    "merge_metadata",
    "merge_headers",
)
_PLAIN = ("track_opens", "track_clicks")
_MERGES = ("merge_data", "merge_metadata", "merge_headers")


def extra_fields(
    message: EmailMessage, defaults: Mapping[str, Any], to: Iterable[Any], first: str
) -> dict[str, Any]:
    """
    Read the attributes beyond Django's own.

    Args:
        message: The message they may be set on.

        defaults: For those that are not: mappings and lists are joined with them.

        to: The recipients, each of whom gets a separate mail in a merge.

        first: The chain key of the first provider, for a plain ``esp_extra``.

    Raises:
        InvalidMessage: If one of them cannot be understood.
    """
    found = {
        name: value for name in _NAMES if (value := _value(message, defaults, name)) is not _UNSET
    }
    fields: dict[str, Any] = {name: found.pop(name) for name in _PLAIN if name in found}
    for name, read in _READERS.items():
        if name in found:
            field, value = read(found.pop(name))
            fields[field] = value
    if "esp_extra" in found:
        fields["provider_options"] = _per_provider(found.pop("esp_extra"), first)
    fields |= _merge(found, to, template=bool(fields.get("template_id")))
    own = getattr(message, "mailfailover", {})
    if not isinstance(own, Mapping):
        text = f"mailfailover, set on the message, must be a dict, not {type(own).__name__}"
        raise InvalidMessage(text, field="mailfailover")
    return fields | dict(own)


_UNSET = object()


def _value(message: EmailMessage, defaults: Mapping[str, Any], name: str) -> Any:
    own, default = getattr(message, name, _UNSET), defaults.get(name, _UNSET)
    if own is None:
        return _UNSET  # as with anymail, that leaves the default off too
    if own is _UNSET or getattr(own, "__name__", "") == "UNSET":  # so anymail's class fills in
        return default
    if default is _UNSET:
        return own
    if isinstance(own, Mapping) and isinstance(default, Mapping):
        return {**default, **own}
    if isinstance(own, (list, tuple)) and isinstance(default, (list, tuple)):
        return [*default, *own]
    return own


def _time(value: Any) -> Any:
    """
    Read a time as anymail does: a naive one is in Django's current zone, a number is Unix time.
    """
    if isinstance(value, (int, float)):
        return datetime.fromtimestamp(value, UTC)
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)  # noqa: DTZ001 -- its zone follows
    if isinstance(value, datetime) and value.tzinfo is None:
        return value.replace(tzinfo=get_current_timezone())
    return value


def _plain(data: Any) -> Any:
    """
    Make numbers and texts of lazy texts, booleans and the like.
    """
    if not isinstance(data, Mapping):
        return data
    return {name: _scalar(value) for name, value in data.items()}


def _scalar(value: Any) -> Any:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else str(value)


def _per_recipient(data: Mapping[str, Any]) -> dict[str, Any]:
    return {Address.parse(email).email: _plain(own) for email, own in data.items()}


def _per_provider(extra: Mapping[str, Any], first: str) -> dict[str, Any]:
    """
    Take *extra* as options of one provider, unless it holds those of several by their keys.
    """
    named = all(isinstance(value, Mapping) for value in extra.values())
    return dict(extra) if named else {first: dict(extra)}


_READERS: Mapping[str, Callable[[Any], tuple[str, Any]]] = {
    "tags": lambda value: ("tags", [str(tag) for tag in value]),
    "metadata": lambda value: ("metadata", _plain(value)),
    "send_at": lambda value: ("send_at", _time(value)),
    "template_id": lambda value: ("template_id", value if isinstance(value, dict) else str(value)),
    "envelope_sender": lambda value: ("envelope_from", Address.parse(str(value)).email),
}


def _merge(found: Mapping[str, Any], to: Iterable[Any], *, template: bool) -> dict[str, Any]:
    """
    Read what differs per recipient. Any of it, even if empty, gives each a mail of their own.
    """
    shared = _plain(found.get("merge_global_data", {}))
    merges = {name: _per_recipient(found[name]) for name in _MERGES if name in found}
    if not merges:
        if shared and not template:
            text = "merge_global_data needs a template_id or merge_data: write it into the text"
            raise InvalidMessage(text, field="merge_global_data")
        return {"template_data": shared} if shared else {}
    # As with anymail, one mapping may serve several messages: others in it get no mail.
    emails = tuple(dict.fromkeys(Address.parse(str(address)).email for address in to))
    for name, data in merges.items():
        merges[name] = {email: data[email] for email in emails if email in data}
    own = merges.get("merge_data", {})
    merges["merge_data"] = {email: {**shared, **own.get(email, {})} for email in emails}
    return merges
