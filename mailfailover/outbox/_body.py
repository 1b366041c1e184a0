"""
The body of a message as it lies in the outbox, with everything in it that it needs.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from mailfailover._message.message import Message

if TYPE_CHECKING:
    from collections.abc import Mapping

_NOT_COMPARED = ("id", "created")
"""What differs when a program makes the same mail again."""


def write_body(message: Message) -> tuple[bytes, str]:
    """
    Return *message* as bytes, attachments included, and the digest of what it says.

    Raises:
        InvalidMessage: If an attachment cannot be read.
    """
    data = message.to_dict()
    rest = {name: data.pop(name) for name in _NOT_COMPARED}
    content = _encode(data)
    both = b",".join((_encode(rest)[:-1], content[1:]))  # attachments are encoded once
    return both, hashlib.sha256(content).hexdigest()


def read_body(body: bytes) -> Message:
    """
    Return what :func:`write_body` wrote.
    """
    return Message.from_dict(json.loads(body))


def _encode(data: Mapping[str, Any]) -> bytes:
    return json.dumps(data, sort_keys=True, separators=(",", ":")).encode()
