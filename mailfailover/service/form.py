"""
A form's fields as those of a message: one text, several texts, JSON, or files.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mailfailover._message.attachment import Attachment
from mailfailover.errors import InvalidMessage
from mailfailover.service.problems import FieldError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flask import Request
    from werkzeug.datastructures import FileStorage

_SWITCH = {
    "true": True,
    "yes": True,
    "on": True,
    "1": True,
    "false": False,
    "no": False,
    "0": False,
}
_FILES = ("attachment", "attachments", "file", "files")
_INLINE = "inline"


def form_fields(asked: Request) -> tuple[dict[str, Any], list[Attachment], list[FieldError]]:
    """
    Read a form.

    Returns:
        The fields, the files, and the errors of fields that are left out.
    """
    found: dict[str, Any] = {}
    files: list[Attachment] = []
    errors: list[FieldError] = []
    for name, values in asked.form.lists():
        given = [value for value in values if value]
        if not given:
            continue  # a browser sends empty fields too
        try:
            found[name] = _READERS.get(name, _one)(given)
        except _Wrong as exc:
            errors.append(FieldError(name, str(exc)))
    for name, stored in asked.files.items(multi=True):
        if not stored.filename:
            continue  # nothing was chosen
        try:
            files.append(_file(name, stored))
        except (InvalidMessage, _Wrong) as exc:
            errors.append(FieldError(name, str(exc)))
    return found, files, errors


class _Wrong(Exception):
    """
    The text of a field is not a valid value of that field.
    """


def _one(values: list[str]) -> str:
    if len(values) > 1:
        message = "is given more than once"
        raise _Wrong(message)
    return values[0]


def _list(values: list[str]) -> list[str]:
    return values


def _addresses(values: list[str]) -> str:
    return ",".join(values)


def _switch(values: list[str]) -> bool:
    found = _SWITCH.get(_one(values).lower())
    if found is None:
        message = "must be true or false"
        raise _Wrong(message)
    return found


def _json(values: list[str]) -> Any:
    try:
        return json.loads(_one(values))
    except (ValueError, RecursionError):
        message = "must be JSON"
        raise _Wrong(message) from None


def _number(values: list[str]) -> float:
    try:
        return float(_one(values))
    except ValueError:
        message = "must be a number of seconds"
        raise _Wrong(message) from None


def _template(values: list[str]) -> Any:
    return _json(values) if values[0].startswith("{") else _one(values)


def _file(name: str, stored: FileStorage) -> Attachment:
    if name not in (*_FILES, _INLINE):
        message = f"is no field for files: use {', '.join((*_FILES, _INLINE))}"
        raise _Wrong(message)
    filename = stored.filename or ""
    content_id = filename if name == _INLINE else ""
    return Attachment(filename, stored.read(), stored.mimetype, content_id)


_READERS: Mapping[str, Callable[[list[str]], Any]] = {
    "to": _addresses,
    "cc": _addresses,
    "bcc": _addresses,
    "reply_to": _addresses,
    "tags": _list,
    "unsubscribe": _list,
    "via": _list,
    "droppable": _list,
    "track_opens": _switch,
    "track_clicks": _switch,
    "deliver_within": _number,
    "template_id": _template,
    "headers": _json,
    "metadata": _json,
    "template_data": _json,
    "merge_data": _json,
    "merge_metadata": _json,
    "merge_headers": _json,
    "provider_options": _json,
}
