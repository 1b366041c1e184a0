"""
A session of SMTP: aiosmtpd's commands, with DSN, enhanced status codes and AUTH where it is safe.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from aiosmtpd.smtp import SMTP

from mailfailover.relay.envelope import Envelope, take_parameters
from mailfailover.service.peer import is_loopback

if TYPE_CHECKING:
    import asyncio

__all__ = ["Session", "extensions"]

_REPLY = re.compile(rb"([245])\d\d (?!\d\.\d+\.\d+ )")
_GENERAL = {b"2": b"2.0.0 ", b"4": b"4.0.0 ", b"5": b"5.5.0 "}
_OWN = ("250-PIPELINING", "250-ENHANCEDSTATUSCODES", "250-DSN")


def extensions(responses: list[str]) -> list[str]:
    """
    Return the answer to EHLO with the extensions that aiosmtpd does not know.
    """
    return [*responses[:-1], *_OWN, responses[-1]]


class Session(SMTP):
    """
    One connection of a client.
    """

    def __init__(self, handler: Any, *, is_tls: bool, **options: Any) -> None:
        super().__init__(handler, auth_require_tls=not is_tls, **options)
        self._is_tls = is_tls
        self._is_greeting = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """
        Let a client on this machine log in without TLS: nobody listens in between.
        """
        peer = transport.get_extra_info("peername")
        if peer and is_loopback(str(peer[0])):
            self._auth_require_tls = False
        super().connection_made(transport)

    def _create_envelope(self) -> Envelope:
        return Envelope()

    async def push(self, status: str | bytes) -> None:
        """
        Send a reply, with an enhanced status code where aiosmtpd gives none (RFC 2034).
        """
        raw = status.encode() if isinstance(status, str) else status
        if (found := _REPLY.match(raw)) and not self._is_greeting and not raw.startswith(b"220"):
            raw = raw[:4] + _GENERAL[found[1]] + raw[4:]
        await super().push(raw)

    async def smtp_EHLO(self, hostname: str) -> None:
        """
        Answer without status codes, which have no place there.
        """
        self._is_greeting = True
        try:
            await super().smtp_EHLO(hostname)
        finally:
            self._is_greeting = False

    async def smtp_HELO(self, hostname: str) -> None:
        """
        Answer without status codes.
        """
        self._is_greeting = True
        try:
            await super().smtp_HELO(hostname)
        finally:
            self._is_greeting = False

    async def smtp_MAIL(self, arg: str | None) -> None:
        """
        Take RET and ENVID, and leave the rest to aiosmtpd.
        """
        try:
            arg, found = take_parameters(arg or "", "RET", "ENVID")
        except ValueError as exc:
            await self.push(str(exc))
            return
        await super().smtp_MAIL(arg)
        if isinstance(self.envelope, Envelope) and self.envelope.mail_from is not None:
            self.envelope.returns = found.get("RET", "")
            self.envelope.envid = found.get("ENVID", "")

    async def smtp_RCPT(self, arg: str | None) -> None:
        """
        Take NOTIFY and ORCPT, and leave the rest to aiosmtpd.
        """
        envelope = self.envelope
        before = len(envelope.rcpt_tos) if envelope else 0
        try:
            arg, found = take_parameters(arg or "", "NOTIFY", "ORCPT")
        except ValueError as exc:
            await self.push(str(exc))
            return
        await super().smtp_RCPT(arg)
        if isinstance(envelope, Envelope) and len(envelope.rcpt_tos) > before:
            email = envelope.rcpt_tos[-1]
            envelope.notify[email] = found.get("NOTIFY", "")
            envelope.original[email] = found.get("ORCPT", "")
