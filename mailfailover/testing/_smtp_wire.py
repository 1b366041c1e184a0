"""
The settings, replies and records of an SMTP server.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mailfailover._values.face import published_in

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

__all__ = ["RecordedMail", "Reply", "Settings", "render_reply"]

Reply = tuple[int, str]


@published_in("mailfailover.testing")
@dataclass(frozen=True, slots=True)
class RecordedMail:
    """
    A mail as the server received it; `data` has its dots unstuffed.

    `mail_options` are the parameters of MAIL FROM, such as ``"SIZE=120"``; `user`
    is who authenticated, or empty; `received_at` is `time.monotonic`.

    .. versionadded:: 0.1.0
    """

    mail_from: str
    rcpt_tos: tuple[str, ...]
    data: bytes = field(repr=False)
    mail_options: tuple[str, ...]
    connection: int
    tls: bool
    user: str
    received_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """
    The settings of a server.
    """

    hostname: str
    size: int | None
    extensions: tuple[str, ...]
    tls: ssl.SSLContext | None
    credentials: Mapping[str, str] = field(repr=False)
    tokens: Mapping[str, str] = field(repr=False)
    recipients: Mapping[str, Reply]
    any_login: bool = False
    """Accept mail before authentication, and any user name with any password."""

    def has_password(self, user: str, secret: str) -> bool:
        """
        Whether *secret* is the user's password.
        """
        return self.any_login or self.credentials.get(user) == secret

    def has_token(self, user: str, secret: str) -> bool:
        """
        Whether *secret* is the user's token.
        """
        return self.tokens.get(user) == secret


def render_reply(code: int, text: str) -> bytes:
    """
    The bytes of a reply, of several lines if *text* has several.
    """
    *before, last = text.split("\n")
    lines = [f"{code}-{line}" for line in before] + [f"{code} {last}"]
    return "".join(f"{line}\r\n" for line in lines).encode()
