"""
Carries mails over SMTP, and knows for each whether it may have been sent.
"""

from __future__ import annotations

import time
from ssl import SSLCertVerificationError
from typing import TYPE_CHECKING

from mailfailover._provider.smtp_codes import smtp_kind
from mailfailover._values.interruption import let_through, note_stage
from mailfailover._values.wire import SMTPResponse, Stage
from mailfailover.errors import (
    ConnectionFailed,
    OutcomeUnknown,
    SendError,
    UnsupportedFeature,
)
from mailfailover.transports._smtp_connection import (
    CLOSING,
    CONTINUE,
    Conversation,
    Garbled,
    Refused,
    is_success,
)
from mailfailover.transports._smtp_idle import IdleConnections
from mailfailover.transports._smtp_login import open_session
from mailfailover.transports._smtp_mail import check_envelope, framed, mail_options

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from mailfailover._values.wire import SMTPReply, SMTPRequest
    from mailfailover.transports._smtp_connection import Connection

_OK = 250
# Where a wrong choice of TLS shows.
_TLS_STEPS = ("greeting", "tls")


class SMTPTransport:
    """
    Sends each mail once, over connections that it keeps for the next.

    Safe in threads and after fork. Nothing is retried, save that an idle connection which
    turns out to be dead before anything of the mail was accepted is replaced by a new one.

    Args:
        max_idle: For how many seconds an unused connection is kept.

        clock: Tells the time in seconds.

    .. versionadded:: 0.1.0
    """

    def __init__(
        self, *, max_idle: float = 30.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._idle = IdleConnections(max_idle, clock)

    def send(self, request: SMTPRequest, timeout: float) -> SMTPResponse:
        """
        Send one mail within *timeout* seconds; finding the server's address may take longer.

        Returns:
            The server's last word. Whatever it refused was not sent.

        Raises:
            ConnectionFailed: Nothing was sent.
            OutcomeUnknown: The whole mail was written, and no answer came.
            UnsupportedFeature: The server cannot take this mail; nothing was sent.
            AuthenticationFailed: There is no way to log in; nothing was sent.
            RequestRefused: An address is none; nothing was sent.
        """
        check_envelope(request)
        progress = Conversation(timeout)
        try:
            return self._send(request, progress)
        except Refused as exc:
            return SMTPResponse(exc.reply)
        except (OSError, Garbled, UnicodeError) as exc:
            let_through(exc, _stage(progress))
            raise _failure(progress, exc) from exc.with_traceback(None)
        except BaseException as exc:
            note_stage(exc, _stage(progress))
            raise

    def close(self) -> None:
        """
        Let go of all idle connections.
        """
        self._idle.quit()

    def _send(self, request: SMTPRequest, progress: Conversation) -> SMTPResponse:
        kept = self._idle.take(_key(request))
        if kept is not None:
            kept.progress = progress
            progress.dialling()  # a dead one must not use up the time
            try:
                return self._use(kept, request)
            except (OSError, Garbled) as exc:
                let_through(exc, _stage(progress))
                if not kept.unproven:
                    raise
        return self._use(open_session(request, progress), request)

    def _use(self, connection: Connection, request: SMTPRequest) -> SMTPResponse:
        try:
            return _transact(connection, request)
        finally:
            self._idle.give(_key(request), connection)


def _key(request: SMTPRequest) -> Hashable:
    """
    The properties that two mails must have in common to share a connection.
    """
    return (
        request.host,
        request.port,
        request.tls,
        request.ca_file,
        request.username,
        request.password,
        request.access_token,
        request.local_hostname,
    )


def _transact(connection: Connection, request: SMTPRequest) -> SMTPResponse:
    """
    Send the mail of *request*, or say NOOP where there is nobody to send to.
    """
    data = framed(request.data)
    options = mail_options(request, data, connection.extensions)
    if connection.in_mail and connection.command("rset", "RSET").code != _OK:
        message = "RSET was refused"
        raise Garbled(message)
    connection.in_mail = False
    if request.recipients:
        reply = connection.command("mail", f"MAIL FROM:<{request.mail_from}>{options}")
    else:
        reply = connection.command("noop", "NOOP")
    if connection.unproven and reply.code == CLOSING:
        message = "the server was about to close the connection"
        raise Garbled(message)
    connection.unproven = False
    connection.progress.connected()
    if not request.recipients or not is_success(reply):
        return SMTPResponse(reply)
    connection.in_mail = True
    return _send_mail(connection, request.recipients, data)


def _send_mail(connection: Connection, recipients: tuple[str, ...], data: bytes) -> SMTPResponse:
    refused: dict[str, SMTPReply] = {}
    for recipient in recipients:
        reply = connection.command("rcpt", f"RCPT TO:<{recipient}>")
        if reply.code == CLOSING:
            return SMTPResponse(reply, refused)
        if not is_success(reply):
            refused[recipient] = reply
            if smtp_kind(reply) is UnsupportedFeature:
                # Too many of them, say. Another provider may take them all: send to nobody
                # rather than to some.
                return SMTPResponse(reply, refused)
    if len(refused) == len(recipients):
        return SMTPResponse(reply, refused)
    reply = connection.command("data", "DATA")
    if reply.code == CONTINUE["data"]:
        reply = _write_mail(connection, data)
    return SMTPResponse(reply, refused)


def _write_mail(connection: Connection, data: bytes) -> SMTPReply:
    progress = connection.progress
    connection.usable = False
    progress.writing()
    connection.write(data)
    progress.left()
    # No server takes a mail before its final dot. From here on it may.
    progress.written()
    connection.write(b".\r\n")
    reply = connection.reply(".")
    connection.in_mail = False
    return reply


def _stage(progress: Conversation) -> Stage:
    """
    How far an interrupted conversation had come: without the final dot nothing is sent.
    """
    return progress.stage if progress.stage is Stage.WRITTEN else Stage.CONNECTED


def _failure(progress: Conversation, exc: Exception) -> SendError:
    """
    Say what an exception in the middle of a conversation means for the mail.
    """
    reason = getattr(exc, "strerror", None) or str(exc)
    if progress.stage is Stage.WRITTEN:
        text = f"it may have been sent: SMTP: no answer to the end of the mail: {reason}"
        return OutcomeUnknown(text, stage=progress.stage)
    if isinstance(exc, SSLCertVerificationError):
        reason = f"{exc.verify_message}; if a private CA signed it, set ca_file"
    elif progress.step in _TLS_STEPS:
        reason += "; is tls right? Port 465 takes 'implicit' (smtps://), 587 takes 'starttls'"
    text = f"nothing was sent: SMTP {progress.step}: {reason}"
    return ConnectionFailed(text, stage=progress.stage)
