"""
The key of a filled-in form: a double click on Send, or a reload, is one mail.
"""

from __future__ import annotations

import re
import secrets
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from werkzeug.datastructures import MultiDict

    from mailfailover._message.message import Message

__all__ = ["NONCE", "form_key", "new_nonce"]

NONCE = "nonce"
_FORM = re.compile(r"[A-Za-z0-9_-]{22}")


def new_nonce() -> str:
    """
    Make the name of one form that is about to be filled in.
    """
    return secrets.token_urlsafe(16)


def form_key(form: MultiDict[str, str], message: Message) -> str | None:
    """
    Return an idempotency key for a form, None where it has no nonce.

    The content is part of the key: a person who goes back, changes a word and sends again means
    another mail.
    """
    nonce = form.get(NONCE, "")
    if not _FORM.fullmatch(nonce):
        return None
    digest = sha256()
    for name, values in sorted(form.lists()):
        if name != "csrf":
            digest.update(repr((name, values)).encode())
    for one in message.attachments:
        digest.update(repr((one.filename, one.content_type)).encode())
        digest.update(one.read())
    return f"form-{nonce}-{digest.hexdigest()[:32]}"
