"""
One SMTP conversation, from the banner to QUIT.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, ClassVar

from mailfailover.testing._smtp_auth import authenticate
from mailfailover.testing._smtp_wire import RecordedMail, render_reply

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mailfailover.testing._channel import Channel
    from mailfailover.testing._smtp_wire import Settings

__all__ = ["Session"]

_PATH = re.compile(r"^(?:FROM|TO):\s*<([^<>]*)>\s*(.*)$", re.IGNORECASE)
_FAILURES = 300
_OK = (250, "2.0.0 OK")


class Session:
    """
    The server's side of one connection.

    Args:
        interrupt: Called with each step's name before it is done; True if a fault took its place.
    """

    def __init__(
        self,
        channel: Channel,
        settings: Settings,
        *,
        log: Callable[[str], None],
        interrupt: Callable[[Session, str], bool],
        accept: Callable[[RecordedMail], None],
    ) -> None:
        self.channel = channel
        self._settings = settings
        self._log = log
        self._interrupt = interrupt
        self._accept = accept
        self._user = ""
        self._greeted = False
        self._data: bytes | None = None
        self._accepted = False
        self._reset()

    def run(self) -> None:
        """
        Greet, and do one command after the other.
        """
        if not self._interrupt(self, "banner"):
            self.reply(220, f"{self._settings.hostname} ESMTP")
        while self.channel.open:
            line = self.channel.read_until(b"\r\n")[:-2].decode("utf-8", "replace")
            self._log(line)
            verb, _, rest = line.partition(" ")
            command = self._commands.get(verb.upper())
            if command is None:
                self.reply(500, "5.5.2 Command not recognized")
            elif not self._interrupt(self, verb.lower()):
                command(self, rest.strip())

    def reply(self, code: int, text: str) -> None:
        """
        Write a reply, of several lines if *text* has several.
        """
        self.channel.send(render_reply(code, text))

    def take(self) -> None:
        """
        Accept the mail whose data has just come, once.
        """
        if self._data is None or self._accepted:
            return
        self._accepted = True
        self._accept(
            RecordedMail(
                self._from or "",
                tuple(self._to),
                self._data,
                self._options,
                self.channel.number,
                self.channel.secure,
                self._user,
                time.monotonic(),
            )
        )

    def _reset(self) -> None:
        self._from: str | None = None
        self._options: tuple[str, ...] = ()
        self._to: list[str] = []
        self._data = None
        self._accepted = False

    def _ehlo(self, _: str) -> None:
        self._reset()
        self._greeted = True
        settings = self._settings
        offers = [settings.hostname, *settings.extensions]
        if settings.size is not None:
            offers.append(f"SIZE {settings.size}")
        if settings.tls and not self.channel.secure:
            offers.append("STARTTLS")
        if self._mechanisms() and not self._must_encrypt():
            offers.append(" ".join(("AUTH", *self._mechanisms())))
        self.reply(250, "\n".join(offers))

    def _helo(self, _: str) -> None:
        self._reset()
        self._greeted = True
        self.reply(250, self._settings.hostname)

    def _starttls(self, _: str) -> None:
        if not self._settings.tls or self.channel.secure:
            self.reply(502, "5.5.1 STARTTLS is not offered")
            return
        self.reply(220, "2.0.0 Ready to start TLS")
        if self._interrupt(self, "handshake"):
            return
        self.channel.start_tls(self._settings.tls)
        self._reset()
        self._greeted = False

    def _mechanisms(self) -> tuple[str, ...]:
        offered = self._settings.credentials or self._settings.any_login
        plain = ("PLAIN", "LOGIN") if offered else ()
        return (*plain, "XOAUTH2") if self._settings.tokens else plain

    def _must_encrypt(self) -> bool:
        offered = self._settings.tls is not None and not self.channel.secure
        return offered and bool(self._mechanisms()) and not self._settings.any_login

    def _auth(self, rest: str) -> None:
        mechanism, _, initial = rest.partition(" ")
        if self._must_encrypt():
            self.reply(530, "5.7.0 Must issue a STARTTLS command first")
            return
        if mechanism.upper() not in self._mechanisms():
            self.reply(504, "5.5.4 Mechanism not offered")
            return
        settings = self._settings
        name = mechanism.upper()
        check = settings.has_token if name == "XOAUTH2" else settings.has_password
        user = authenticate(self, name, initial, check)
        if user is None:
            self.reply(535, "5.7.8 Authentication credentials invalid")
            return
        self._user = user
        self.reply(235, "2.7.0 Authentication successful")

    def ask(self, challenge: str) -> str:
        """
        Send a challenge of AUTH, and read the client's line.
        """
        self.reply(334, challenge)
        line = self.channel.read_until(b"\r\n")[:-2].decode("ascii", "replace")
        self._log(line)
        return line

    def _mail(self, rest: str) -> None:
        path = _PATH.match(rest)
        settings = self._settings
        if path is None:
            self.reply(501, "5.5.4 Syntax: MAIL FROM:<address>")
        elif not self._greeted or self._from is not None:
            self.reply(503, "5.5.1 Bad sequence of commands")
        elif self._must_encrypt():
            self.reply(530, "5.7.0 Must issue a STARTTLS command first")
        elif self._mechanisms() and not self._user and not settings.any_login:
            self.reply(530, "5.7.0 Authentication required")
        elif settings.size is not None and _declared_size(path[2]) > settings.size:
            self.reply(552, "5.3.4 Message size exceeds the fixed maximum")
        else:
            self._from = path[1]
            self._options = tuple(path[2].split())
            self.reply(250, "2.1.0 OK")

    def _rcpt(self, rest: str) -> None:
        path = _PATH.match(rest)
        if path is None:
            self.reply(501, "5.5.4 Syntax: RCPT TO:<address>")
        elif self._from is None:
            self.reply(503, "5.5.1 Bad sequence of commands")
        else:
            code, text = self._settings.recipients.get(path[1], (250, "2.1.5 OK"))
            if code < _FAILURES:
                self._to.append(path[1])
            self.reply(code, text)

    def _data_command(self, _: str) -> None:
        if not self._to:
            self.reply(503, "5.5.1 No valid recipients")
            return
        self.reply(354, "End data with <CR><LF>.<CR><LF>")
        self._data, is_whole = self._read_data()
        if self._interrupt(self, "dot"):
            self._reset()
            return
        if not is_whole:
            self.reply(552, "5.3.4 Message size exceeds the fixed maximum")
        else:
            self.take()
            self.reply(250, f"2.0.0 OK queued as {self.channel.number}-{time.monotonic_ns():X}")
        self._reset()

    def _read_data(self) -> tuple[bytes, bool]:
        """
        The mail, and whether all of it: what exceeds the size is read and forgotten.
        """
        data, limit, whole = bytearray(), self._settings.size, 0
        while (line := self.channel.read_until(b"\r\n")) != b".\r\n":
            line = line.removeprefix(b".")
            whole += len(line)
            if limit is None or whole <= limit:
                data += line
        return bytes(data), len(data) == whole

    def _rset(self, _: str) -> None:
        self._reset()
        self.reply(*_OK)

    def _noop(self, _: str) -> None:
        self.reply(*_OK)

    def _quit(self, _: str) -> None:
        self.reply(221, "2.0.0 Bye")
        self.channel.close()

    _commands: ClassVar[Mapping[str, Callable[[Session, str], None]]] = {
        "EHLO": _ehlo,
        "HELO": _helo,
        "STARTTLS": _starttls,
        "AUTH": _auth,
        "MAIL": _mail,
        "RCPT": _rcpt,
        "DATA": _data_command,
        "RSET": _rset,
        "NOOP": _noop,
        "QUIT": _quit,
    }


def _declared_size(options: str) -> int:
    declared = re.search(r"\bSIZE=(\d+)", options, re.IGNORECASE)
    return int(declared[1]) if declared else 0
