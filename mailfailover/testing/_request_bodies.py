"""
Finding fields in a recorded request: forms of both kinds, JSON, and MIME.
"""

from __future__ import annotations

import email
import email.policy
import email.utils
import json
import re
import urllib.parse
from base64 import b64decode
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from mailfailover.testing._http_wire import RecordedRequest

__all__ = [
    "OUR_ID",
    "addresses",
    "find_mail_ids",
    "form_fields",
    "from_base64",
    "ids_at",
    "json_fields",
    "json_value",
    "mail_ids_in",
    "message_id_local_part",
    "mime_recipients",
    "unique",
    "values_at",
]

OUR_ID = "mailfailover-id"

# A pair may be written {"name": ..., "value": ...}.
_VALUE = r"""["']?(?:,\s*["']value["'])?\s*[:=-]?\s*["']?"""
_OUR_FIELD = re.compile(rf"{OUR_ID}{_VALUE}([0-9A-Z][0-9A-Z._-]*)", re.IGNORECASE)
_MESSAGE_ID = re.compile(rf"message-id{_VALUE}<([^<>@\s]+)@", re.IGNORECASE)


def form_fields(request: RecordedRequest) -> tuple[tuple[str, str], ...]:
    """
    Name and value of each text field of a form, ``multipart/form-data`` or urlencoded.

    Files are left out.
    """
    content_type = request.header("Content-Type")
    if not content_type.lower().startswith("multipart/"):
        return tuple(
            urllib.parse.parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True)
        )
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    form = email.message_from_bytes(head + request.body, policy=email.policy.HTTP)
    fields = []
    for part in form.iter_parts():
        name = part.get_param("name", header="content-disposition")
        if isinstance(name, str) and part.get_filename() is None:
            payload = part.get_payload(decode=True)
            fields.append(
                (name, payload.decode("utf-8", "replace") if isinstance(payload, bytes) else "")
            )
    return tuple(fields)


def json_value(request: RecordedRequest) -> Any:
    """
    The JSON in the body; None if there is none.
    """
    try:
        return json.loads(request.body)
    except (ValueError, RecursionError):
        return None


def json_fields(request: RecordedRequest) -> dict[str, Any]:
    """
    The JSON object in the body; an empty one if there is none.
    """
    value = json_value(request)
    return value if isinstance(value, dict) else {}


def values_at(value: Any, path: str) -> Iterator[Any]:
    """
    Yield the values at *path*, such as ``"messages.to|cc.email"``, in each list on the way.
    """
    if isinstance(value, list):
        for one in value:
            yield from values_at(one, path)
        return
    if not path:
        yield value
        return
    keys, _, rest = path.partition(".")
    for key in keys.split("|"):
        if isinstance(value, dict) and key in value:
            yield from values_at(value[key], rest)


def addresses(*paths: str) -> Callable[[RecordedRequest], tuple[str, ...]]:
    """
    A reader of the addresses at *paths* of a request's JSON, be they bare, named or in a line.
    """

    def read(request: RecordedRequest) -> tuple[str, ...]:
        body = json_value(request)
        found = (value for path in paths for value in values_at(body, path))
        return _addresses_in(found)

    return read


def ids_at(*paths: str) -> Callable[[RecordedRequest], tuple[str, ...]]:
    """
    A reader of the mail's id at *paths* of a request's JSON; of any place if it is not there.
    """

    def read(request: RecordedRequest) -> tuple[str, ...]:
        body = json_value(request)
        found = unique(value for path in paths for value in values_at(body, path))
        return found or find_mail_ids(request)

    return read


def mime_recipients(mime: bytes) -> tuple[str, ...]:
    """
    The addresses in To, Cc and Bcc of a MIME message.
    """
    headers = email.message_from_bytes(mime.partition(b"\r\n\r\n")[0] + b"\r\n\r\n")
    return _addresses_in(
        str(value) for name in ("To", "Cc", "Bcc") for value in headers.get_all(name, ())
    )


def from_base64(value: object) -> bytes:
    """
    The bytes written as *value*; none if it is no base64.
    """
    try:
        return b64decode(value, validate=True) if isinstance(value, str | bytes) else b""
    except ValueError:
        return b""


def unique(values: Iterable[object]) -> tuple[str, ...]:
    """
    The texts among *values* that are not empty, each once.
    """
    return tuple(dict.fromkeys(value for value in values if isinstance(value, str) and value))


def find_mail_ids(request: RecordedRequest) -> tuple[str, ...]:
    """
    Our mail's ids anywhere in a body of any form: ``mailfailover-id``, else the Message-ID.
    """
    body = request.body
    if request.header("Content-Type").startswith("application/x-www-form-urlencoded"):
        body = urllib.parse.unquote_to_bytes(body.replace(b"+", b" "))
    return mail_ids_in(body)


def mail_ids_in(data: bytes) -> tuple[str, ...]:
    """
    As :func:`find_mail_ids`, of a text.
    """
    text = data.decode("utf-8", "replace")
    if "\\" in text or "%22" in text:  # JSON in a text of JSON, or percent-encoded in a header
        text = urllib.parse.unquote(text.replace("\\", ""))
    return unique(_OUR_FIELD.findall(text) or _MESSAGE_ID.findall(text))


def _addresses_in(values: Iterable[object]) -> tuple[str, ...]:
    lines = [value for value in values if isinstance(value, str)]
    return unique(address for _, address in email.utils.getaddresses(lines))


def message_id_local_part(value: str) -> str:
    """
    The mail's id in a Message-ID of ours; an empty string if it is none.
    """
    local, at, _ = value.strip().removeprefix("<").partition("@")
    return local if at else ""
