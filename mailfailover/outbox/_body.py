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

    from mailfailover.outbox._seal import Seal

_NOT_COMPARED = ("id", "created", "expires")
"""What differs when a program makes the same mail again; seconds count from then."""


def write_body(message: Message, seal: Seal) -> tuple[bytes, str]:
    """
    Return *message* as bytes, attachments included, and the digest of what it says.

    Raises:
        InvalidMessage: If an attachment cannot be read.
    """
    data = message.to_dict()
    rest = {name: data.pop(name) for name in _NOT_COMPARED if name in data}
    content = _encode(data)
    both = b",".join((_encode(rest)[:-1], content[1:]))  # attachments are encoded once
    return seal.close(both, message.id), hashlib.sha256(content).hexdigest()


def read_body(body: bytes, mail_id: str, seal: Seal) -> Message:
    """
    Return what :func:`write_body` wrote.

    Raises:
        InvalidMessage: If it is not what this version can read.
        ConfigurationError: If the seal cannot be opened.
    """
    return Message.from_dict(json.loads(seal.open(body, mail_id)))


def _encode(data: Mapping[str, Any]) -> bytes:
    return json.dumps(data, sort_keys=True, separators=(",", ":")).encode()
