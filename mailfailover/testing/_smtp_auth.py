"""
AUTH PLAIN, LOGIN and XOAUTH2, the server's side.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["authenticate"]

_XOAUTH2 = re.compile(r"user=([^\x01]*)\x01auth=Bearer ([^\x01]*)\x01\x01")


class Conversation(Protocol):
    """
    The part of a session that authentication uses.
    """

    def ask(self, challenge: str) -> str:
        """
        Send a challenge, and read the client's line.
        """


def authenticate(
    session: Conversation,
    mechanism: str,
    initial: str,
    is_known: Callable[[str, str], bool],
) -> str | None:
    """
    The client's user name; None if *is_known* rejects the user with this secret.
    """
    if mechanism == "XOAUTH2":
        user, secret = _xoauth2(_decode(initial or session.ask("")))
        if user and is_known(user, secret):
            return user
        session.ask(_encode('{"status":"401","schemes":"bearer","scope":"mail"}'))
        return None
    if mechanism == "PLAIN":
        _, user, secret = [*_decode(initial or session.ask("")).split("\0"), "", "", ""][:3]
    else:
        user = _decode(initial or session.ask(_encode("Username:")))
        secret = _decode(session.ask(_encode("Password:")))
    return user if user and is_known(user, secret) else None


def _xoauth2(text: str) -> tuple[str, str]:
    found = _XOAUTH2.fullmatch(text)
    return (found[1], found[2]) if found else ("", "")


def _encode(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _decode(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
