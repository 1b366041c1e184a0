"""
Finding fields in a recorded request: forms of both kinds, and JSON.
"""

from __future__ import annotations

import email
import email.policy
import json
import re
import urllib.parse
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._http_wire import RecordedRequest

__all__ = ["find_mail_ids", "form_fields", "json_fields", "message_id_local_part"]

_OUR_FIELD = re.compile(
    r"""mailfailover-id["']?\s*[:=]?\s*["']?([0-9A-Z][0-9A-Z._-]*)""", re.IGNORECASE
)
_MESSAGE_ID = re.compile(r"""message-id["']?\s*[:=]?\s*["']?<([^<>@\s]+)@""", re.IGNORECASE)


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


def json_fields(request: RecordedRequest) -> dict[str, Any]:
    """
    The JSON object in the body; an empty one if there is none.
    """
    try:
        value = json.loads(request.body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def find_mail_ids(request: RecordedRequest) -> tuple[str, ...]:
    """
    Our mail's ids anywhere in a body of any form: ``mailfailover-id``, else the Message-ID.
    """
    text = request.body.decode("utf-8", "replace")
    if request.header("Content-Type").startswith("application/x-www-form-urlencoded"):
        text = urllib.parse.unquote_plus(text)
    return _unique(_OUR_FIELD.findall(text) or _MESSAGE_ID.findall(text))


def message_id_local_part(value: str) -> str:
    """
    The mail's id in a Message-ID of ours; an empty string if it is none.
    """
    local, at, _ = value.strip().removeprefix("<").partition("@")
    return local if at else ""


def _unique(values: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))
