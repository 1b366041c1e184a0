"""
What is in the body of a request, read as a vendor reads it.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from mailfailover.plugin import Address, Message
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


def read_mime(data: bytes) -> dict[str, Any]:
    """
    The fields of a mail that is MIME; our own Message-ID is left out.
    """
    mail = Message.from_email_message(data)
    names = ("from_email", "to", "cc", "reply_to", "subject", "text", "html", "attachments")
    headers = {
        name: value
        for name, value in mail.headers.items()
        if name != "Message-ID" or "own@" in mail.message_id
    }
    fields = {name: getattr(mail, name) for name in (*names, "unsubscribe")}
    return fields | {"headers": headers}


def read_blind(fields: dict[str, Any], envelope: tuple[str, ...]) -> dict[str, Any]:
    """
    *fields* of a MIME mail with those of its *envelope* as bcc whom it does not show.
    """
    shown = tuple(one.email for one in (*fields["to"], *fields["cc"]))
    assert envelope[: len(shown)] == shown

    return fields | {"bcc": envelope[len(shown) :]}


def as_mime(message: Message) -> Message:
    """
    *message* as its MIME form and envelope tell it: no names of bcc, and lines of one kind.
    """
    bcc = tuple(Address(one.email) for one in message.bcc)
    return message.bound(bcc=bcc, text=message.text.replace("\r\n", "\n"))
