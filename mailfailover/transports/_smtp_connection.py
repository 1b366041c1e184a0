"""
One connection to an SMTP server: commands, replies and TLS, never beyond its deadline.
"""

from __future__ import annotations

import ipaddress
import re
import ssl
from contextlib import suppress
from typing import TYPE_CHECKING

from mailfailover._values.wire import SMTPReply
from mailfailover.transports._progress import Progress

if TYPE_CHECKING:
    from socket import socket

CLOSING = 421
_CHUNK = 65536
_MAX_REPLY = 65536

_REPLY_LINE = re.compile(rb"([2-5]\d\d)(?:([ -])(.*))?", re.DOTALL)
# The steps that a reply may ask to go on with, and how. RFC 4954 4, RFC 5321 4.3.2.
CONTINUE = {"auth": 334, "data": 354}


class Garbled(Exception):
    """
    The server's reply is not allowed by SMTP at this step.
    """


class Refused(Exception):
    """
    The server said no, in a step without which nothing can follow.
    """

    def __init__(self, reply: SMTPReply) -> None:
        super().__init__(reply.code)
        self.reply = reply


class Conversation(Progress):
    """
    The progress of one call.

    Attributes:
        step: The current step, for error messages.
    """

    __slots__ = ("step",)

    def __init__(self, timeout: float) -> None:
        super().__init__(timeout)
        self.step = "connect"


class Connection:
    """
    A connection to a server. Only one thread uses it at a time.

    Attributes:
        progress: The call that uses it.

        extensions: The server's extensions: each keyword in upper case, with its parameters.

        usable: Whether another mail can follow: no reply is outstanding.

        in_mail: Whether a mail was begun that RSET must end before the next.

        unproven: Whether it was idle and has not answered since.
    """

    def __init__(self, sock: socket, progress: Conversation) -> None:
        self.progress = progress
        self.extensions: dict[str, str] = {}
        self.usable = False
        self.in_mail = False
        self.unproven = False
        self._sock = sock
        self._buffer = bytearray()

    def secure(self, context: ssl.SSLContext, host: str) -> None:
        """
        Start TLS, with the server's certificate checked for *host*.
        """
        self.progress.step = "tls"
        if self._buffer:
            # What came in the clear must not be taken for what is said inside (CVE-2011-0411).
            message = "the server sent something ahead of TLS"
            raise Garbled(message)
        self._sock.settimeout(self.progress.left())
        self._sock = context.wrap_socket(self._sock, server_hostname=host)

    @property
    def is_private(self) -> bool:
        """
        Whether nobody else can listen: TLS, or a peer on this machine.
        """
        if isinstance(self._sock, ssl.SSLSocket):
            return True
        return ipaddress.ip_address(self._sock.getpeername()[0]).is_loopback

    @property
    def address(self) -> str:
        """
        Our own end as an address literal (RFC 5321 4.1.3).
        """
        host = self._sock.getsockname()[0].partition("%")[0]
        return f"[IPv6:{host}]" if ":" in host else f"[{host}]"

    def command(self, step: str, line: str) -> SMTPReply:
        """
        Write *line* and read the reply, whatever it says.
        """
        self.progress.step = step
        self.usable = False
        self.write(f"{line}\r\n".encode())
        return self.reply(step)

    def demand(self, step: str, line: str) -> SMTPReply:
        """
        The same, but raise :class:`Refused` if the server says no.
        """
        reply = self.command(step, line)
        if not is_success(reply):
            raise Refused(reply)
        return reply

    def write(self, data: bytes) -> None:
        """
        Write all of *data*; each piece gets the time that is left.
        """
        view = memoryview(data)
        while view:
            self._sock.settimeout(self.progress.left())
            view = view[self._sock.send(view[:_CHUNK]) :]
            if view:
                self.progress.flowing()

    def reply(self, step: str) -> SMTPReply:
        """
        Read one reply, of at most 64 KiB.
        """
        lines: list[str] = []
        room = _MAX_REPLY
        while True:
            line = self._line(room)
            room -= len(line)
            found = _REPLY_LINE.fullmatch(line.rstrip(b"\r\n"))
            if not found or not _is_due(step, int(found[1])):
                message = "the answer is no SMTP reply"
                raise Garbled(message)
            lines.append((found[3] or b"").decode("utf-8", "replace"))
            if found[2] != b"-":
                break
        code = int(found[1])
        self.usable = code != CLOSING
        return SMTPReply(code, "\n".join(lines), step)

    def _line(self, limit: int) -> bytes:
        while (end := self._buffer.find(b"\n")) < 0:
            if len(self._buffer) >= limit:
                message = "the answer is too long"
                raise Garbled(message)
            self._sock.settimeout(self.progress.left())
            data = self._sock.recv(_CHUNK)
            if not data:
                message = "the server closed the connection"
                raise ConnectionError(message)
            self._buffer += data
        line = bytes(self._buffer[: end + 1])
        del self._buffer[: end + 1]
        return line

    def quit(self) -> None:
        """
        Say goodbye without waiting for the answer, and close.
        """
        with suppress(OSError):  # nothing depends on it
            self._sock.settimeout(1.0)
            self._sock.send(b"QUIT\r\n")
        self.close()

    def close(self) -> None:
        """
        Close the socket.
        """
        self._sock.close()


def is_success(reply: SMTPReply) -> bool:
    """
    Whether *reply* is one of success (RFC 5321 4.2.1).
    """
    return 200 <= reply.code < 300  # noqa: PLR2004 -- a digit of RFC 5321


def _is_due(step: str, code: int) -> bool:
    if 300 <= code < 400:  # noqa: PLR2004 -- the same
        return code == CONTINUE.get(step)
    # A yes to DATA would be taken for the acceptance of a mail that was not written.
    return step != "data" or code >= 400  # noqa: PLR2004 -- the same
