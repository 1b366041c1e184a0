"""
A session of SMTP: aiosmtpd's commands, with DSN, enhanced status codes and AUTH where it is safe.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

from aiosmtpd.smtp import SMTP

from mailfailover.relay.data import LineTooLong, MailTooLarge, read_content
from mailfailover.relay.envelope import Envelope, take_parameters
from mailfailover.service.peer import is_loopback

if TYPE_CHECKING:
    import asyncio

__all__ = ["Session", "extensions"]

_REPLY = re.compile(rb"([245])\d\d (?!\d\.\d+\.\d+ )")
_PLAIN_PATH = re.compile(r"<([\w!#$%&'*+/=?^`{|}~.-]+@[\w.-]+)>(?=\s|\Z)")
_GENERAL = {b"2": b"2.0.0 ", b"4": b"4.0.0 ", b"5": b"5.5.0 "}
_OWN = ("250-PIPELINING", "250-ENHANCEDSTATUSCODES", "250-DSN")


def extensions(responses: list[str]) -> list[str]:
    """
    Return the answer to EHLO with the extensions that aiosmtpd does not know.
    """
    return [*responses[:-1], *_OWN, responses[-1]]


class Session(SMTP):
    """
    The session of a client's connection.
    """

    line_length_limit = 64 * 1024  # how much of what a client sends waits to be read

    def __init__(self, handler: Any, *, is_tls: bool, **options: Any) -> None:
        super().__init__(handler, auth_require_tls=not is_tls, **options)
        self._is_tls = is_tls
        self._is_greeting = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """
        Let a client on this machine log in without TLS, since no network lies in between.
        """
        peer = transport.get_extra_info("peername")
        if peer and is_loopback(str(peer[0])):
            self._auth_require_tls = False
        super().connection_made(transport)

    def _create_envelope(self) -> Envelope:
        return Envelope()

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        """
        Read a plain address at once, and leave unusual ones to aiosmtpd's slow parser.
        """
        if found := _PLAIN_PATH.match(arg):
            return found[1], arg[found.end() :]
        address, rest = super()._getaddr(arg)
        return address, rest

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

        AUTH names whoever logged in at the client. A server that offers AUTH must take it, and
        need not believe it (RFC 4954, 5): Postfix adds AUTH=<> to every mail.
        """
        try:
            arg, found = take_parameters(arg or "", "RET", "ENVID", "AUTH")
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

    async def smtp_DATA(self, arg: str | None) -> None:
        """
        Take a mail, as fast as it comes and in bounded memory, whatever is wrong with it.
        """
        if await self.check_helo_needed():
            return
        if not self.envelope or not self.envelope.rcpt_tos:
            await self.push("503 5.5.1 Name a sender and a recipient first")
            return
        if arg:
            await self.push("501 5.5.4 Syntax: DATA")
            return
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        try:
            content = await read_content(self._reader, self.data_size_limit or sys.maxsize)
        except MailTooLarge:
            reply = "552 5.3.4 The mail is larger than this server takes"
        except LineTooLong:
            reply = "500 5.5.6 A line is longer than 1000 octets: encode the mail"
        else:
            self.envelope.content = self.envelope.original_content = content
            reply = await self._call_handler_hook("DATA")
        self.envelope = self._create_envelope()
        await self.push(reply)
