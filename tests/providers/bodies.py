"""
What is in the body of a request, read as a vendor reads it.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from mailfailover.testing._wire_text import body_bytes

if TYPE_CHECKING:
    from mailfailover.plugin import HTTPRequest

Uploaded = tuple[str, str, bytes]
"""The name, type and content of a file."""

_NAME = re.compile(rb'name="([^"]*)"(?:; filename="([^"]*)"\r\nContent-Type: ([^\r]*))?\r\n\r\n')


def read_json(request: HTTPRequest) -> Any:
    """
    The JSON document in the body.
    """
    assert request.headers["Content-Type"] == "application/json"

    return json.loads(body_bytes(request.body))


def read_form(request: HTTPRequest) -> list[tuple[str, str | Uploaded]]:
    """
    The fields of a multipart form, in their order.
    """
    kind, _, boundary = request.headers["Content-Type"].partition("; boundary=")
    assert kind == "multipart/form-data"

    start, *parts, end = body_bytes(request.body).split(f"--{boundary}".encode())
    assert (start, end) == (b"", b"--\r\n")
    return [_field(part) for part in parts]


def _field(part: bytes) -> tuple[str, str | Uploaded]:
    head, content = part.removeprefix(b"\r\nContent-Disposition: form-data; "), b""
    found = _NAME.match(head)
    assert found is not None
    content = head[found.end() :].removesuffix(b"\r\n")
    if found[2] is None:
        return found[1].decode(), content.decode()
    return found[1].decode(), (found[2].decode(), found[3].decode(), content)
