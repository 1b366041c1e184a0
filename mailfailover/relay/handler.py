"""
The handler of a session's commands, as aiosmtpd calls it.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from mailfailover._message.validation import normalize_email
from mailfailover.errors import InvalidMessage, InvalidSignature
from mailfailover.relay.desk import Given
from mailfailover.relay.session import extensions

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from mailfailover.bounces import BounceIntake
    from mailfailover.relay.desk import Desk
    from mailfailover.relay.envelope import Envelope
    from mailfailover.relay.gate import Gate
    from mailfailover.relay.writer import Writer

__all__ = ["Handler"]

_LOG = logging.getLogger(__name__)
LARGE = 256 * 1024
"""Reading a mail of so many octets would let other clients wait."""

_NULL = "<>"
_NO_ADDRESS = "550 5.1.1 This is no bounce address of ours, or it is too old"
_MAX_BOUNCES = 10
_ALONE = "452 4.5.3 Send a report to a bounce address in a transaction of its own"


class Handler:
    """
    Answers EHLO, MAIL, RCPT and DATA.

    Args:
        gate: Says who may send.

        desk: Reads the mails.

        writer: Stores them.

        bounces: Takes what anybody may bring: reports to an address that we signed.

        executor: The threads that write to the database, so that other clients need not wait.
    """

    def __init__(
        self,
        gate: Gate,
        desk: Desk,
        writer: Writer,
        bounces: BounceIntake,
        executor: Executor,
    ) -> None:
        self._gate = gate
        self._desk = desk
        self._writer = writer
        self._bounces = bounces
        self._executor = executor

    async def handle_EHLO(
        self, _server: Any, session: Any, _envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        """
        Offer our extensions beside aiosmtpd's.
        """
        session.host_name = hostname
        return extensions(responses)

    async def handle_MAIL(
        self, _server: Any, session: Any, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """
        Take the sender, if this client may send at all; where bounces are taken, anybody's.
        """
        caller = self._gate.known_caller(session)
        if caller is None:
            caller = await self._in_thread(self._gate.caller, session)
        if isinstance(caller, str) and not self._bounces.addresses:
            return caller
        if address != _NULL:
            try:
                address = normalize_email(address)
            except InvalidMessage:
                return "553 5.1.7 The sender's address is wrong"
            if not isinstance(caller, str) and not caller.may_send_from(address):
                return "550 5.7.1 This API key may not send from this address"
        session.caller = caller
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 Ok"

    async def handle_RCPT(
        self, _server: Any, session: Any, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """
        Take a recipient, if this client may send to them.
        """
        try:
            address = normalize_email(address)
        except InvalidMessage:
            return "553 5.1.3 The recipient's address is wrong"
        if self._bounces.owns(address):
            return self._take_bounce_address(envelope, address)
        if isinstance(session.caller, str):
            return session.caller
        if envelope.is_bounce:
            return _ALONE
        if len(envelope.rcpt_tos) >= session.caller.most_recipients:
            return "452 4.5.3 Too many recipients"
        if not session.caller.may_send_to(address):
            return "550 5.7.1 This API key may not send to this address"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, _server: Any, session: Any, envelope: Envelope) -> str:
        """
        Take the mail; the reply comes after it is on the disk.
        """
        if envelope.is_bounce:
            return str(await self._in_thread(self._take_report, envelope))
        protocol = "ESMTP" if session.extended_smtp else "SMTP"
        protocol += ("S" if session.ssl else "") + ("A" if session.auth_data else "")
        sender = envelope.mail_from or ""
        given = Given(
            envelope.original_content or b"",
            "" if sender == _NULL else sender,
            tuple(dict.fromkeys(envelope.rcpt_tos)),
            envelope.wishes,
            session.caller,
            str(session.peer[0]) if session.peer else "",
            session.host_name or "",
            protocol,
        )
        is_large = len(given.content) > LARGE
        read = await self._in_thread(self._desk.read, given) if is_large else self._desk.read(given)
        return read if isinstance(read, str) else await self._writer.store(read)

    def _take_bounce_address(self, envelope: Envelope, address: str) -> str:
        """
        Take an address that we signed, from anybody.
        """
        try:
            self._bounces.check(address)
        except InvalidSignature:
            return _NO_ADDRESS
        if envelope.rcpt_tos and not envelope.is_bounce:
            return _ALONE
        if len(envelope.rcpt_tos) >= _MAX_BOUNCES:
            return "452 4.5.3 Too many recipients"
        envelope.is_bounce = True
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    def _take_report(self, envelope: Envelope) -> str:
        """
        Hand a report to the handlers of events; one that nobody could store comes again.
        """
        try:
            self._bounces.receive(envelope.original_content or b"", envelope.rcpt_tos)
        except Exception as exc:  # noqa: BLE001 -- a handler may raise anything
            _LOG.error("a bounce could not be handled: %s", type(exc).__name__)
            return "451 4.3.0 The report could not be stored. Try again later"
        return "250 2.0.0 Ok: the report is taken"

    async def handle_exception(self, error: Exception) -> str:
        """
        Answer for a fault of ours, and log its kind without what a client said.
        """
        _LOG.error("a session failed: %s", type(error).__name__)
        return "451 4.3.0 The server has failed. Try again later"

    async def _in_thread(self, call: Any, argument: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._executor, call, argument)
