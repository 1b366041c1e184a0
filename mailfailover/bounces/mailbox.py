"""
The mailbox to which bounces come, read by IMAP (RFC 3501, RFC 6851).
"""

from __future__ import annotations

import imaplib
import ipaddress
import logging
import ssl
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote, urlsplit

from mailfailover._values.face import published_in
from mailfailover.errors import ConfigurationError, InvalidSignature, MailFailoverError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mailfailover.bounces.intake import BounceIntake

__all__ = ["BounceMailbox", "MailboxCount", "MailboxUnavailable"]

MAX_BYTES = 4 * 1024 * 1024
"""So much of a mail is fetched; a report stands at its beginning."""

TIMEOUT = 60.0
_OTHER = "$NotABounce"
"""The keyword of a mail that is none of ours: it stays unread, and is not fetched again."""

_PORTS = {"imaps": 993, "imap": 143}
_LOG = logging.getLogger(__name__)


@published_in("mailfailover.bounces")
class MailboxUnavailable(MailFailoverError):
    """
    The mailbox cannot be read now; nothing in it was changed, and the next time may succeed.

    .. versionadded:: 0.1.0
    """


@published_in("mailfailover.bounces")
class MailboxCount(NamedTuple):
    """
    What became of the unread mails of a mailbox.

    Attributes:
        taken: Reports whose events every handler has stored; they are read, or moved.

        others: Mails that came to no bounce address of ours; they stay unread.

        failed: Reports that a handler could not store; they stay for the next time.

    .. versionadded:: 0.1.0
    """

    taken: int
    others: int
    failed: int


@published_in("mailfailover.bounces")
@dataclass(frozen=True, slots=True, kw_only=True)
class BounceMailbox:
    """
    A mailbox on an IMAP server.

    Attributes:
        host: The server, whose certificate must show this name.

        port: 993 with TLS from the first byte, 143 with STARTTLS.

        username: Whom to log in as.

        password: His password.

        access_token: Instead of a password: an OAuth 2.0 token, for AUTH XOAUTH2.

        folder: Where bounces come in.

        move_to: Where reports go that were taken; where "", they are marked as read.

        starttls: Whether TLS begins with STARTTLS. It is left out on this machine only, where
            a server does not offer it.

        ca_file: A file of PEM certificates to trust instead of the system's.

    .. versionadded:: 0.1.0
    """

    host: str
    port: int = 993
    username: str = ""
    password: str = field(default="", repr=False)
    access_token: str = field(default="", repr=False)
    folder: str = "INBOX"
    move_to: str = ""
    starttls: bool = False
    ca_file: str = ""

    @classmethod
    def parse(
        cls,
        url: str,
        *,
        password: str = "",
        access_token: str = "",
        move_to: str = "",
        ca_file: str = "",
    ) -> BounceMailbox:
        """
        Read ``imaps://user:password@host:port/FOLDER``; ``imap://`` is STARTTLS.

        Raises:
            ConfigurationError: If it is none. The text does not quote it.
        """
        try:
            parts = urlsplit(url)
            port = parts.port or _PORTS[parts.scheme]
            host = parts.hostname or ""
        except (ValueError, KeyError):
            host, port = "", 0
        if not host:
            message = "the mailbox must be a URL such as imaps://user@mail.example.com/INBOX"
            raise ConfigurationError(message)
        password = password or unquote(parts.password or "")
        if not parts.username or not (password or access_token):
            message = (
                "the mailbox needs a user in its URL, and a password there or in "
                "MAILFAILOVER_IMAP_PASSWORD"
            )
            raise ConfigurationError(message)
        return cls(
            host=host,
            port=port,
            username=unquote(parts.username),
            password=password,
            access_token=access_token,
            folder=unquote(parts.path.strip("/")) or "INBOX",
            move_to=move_to,
            starttls=parts.scheme == "imap",
            ca_file=ca_file,
        )

    def read(self, intake: BounceIntake) -> MailboxCount:
        """
        Hand every unread mail to *intake*, and mark it only after its events are stored.

        A process that dies in between reads a mail twice; its events have the same ids then.

        Raises:
            MailboxUnavailable: If the server cannot be reached, or refuses something.
        """
        with self._opened() as client:
            return self._read(_Folder(client, self.move_to), intake)

    def _read(self, folder: _Folder, intake: BounceIntake) -> MailboxCount:
        taken = others = failed = 0
        for uid in folder.unread():
            raw = folder.fetch(uid)
            if raw is None:
                continue
            try:
                intake.receive(raw)
            except InvalidSignature:
                folder.leave(uid)
                others += 1
            except ConfigurationError:
                raise
            except Exception as exc:  # noqa: BLE001 -- a handler may raise anything
                _LOG.error("a bounce could not be handled: %s", type(exc).__name__)
                failed += 1
            else:
                folder.finish(uid)
                taken += 1
        return MailboxCount(taken, others, failed)

    @contextmanager
    def _opened(self) -> Iterator[imaplib.IMAP4]:
        try:
            client = self._connect()
            try:
                self._log_in(client)
                _demand(client.select(_quoted(self.folder)), f"the folder {self.folder!r}")
                yield client
            finally:
                with suppress(imaplib.IMAP4.error, OSError):
                    client.logout()
                with suppress(OSError):  # LOGOUT may have failed
                    client.shutdown()
        except (imaplib.IMAP4.error, OSError) as exc:
            # A server may quote what it was sent, so its words are not shown.
            reason = getattr(exc, "strerror", None) or type(exc).__name__
            message = f"the mailbox on {self.host} cannot be read now: {reason}"
            raise MailboxUnavailable(message) from None

    def _connect(self) -> imaplib.IMAP4:
        context = ssl.create_default_context(cafile=self.ca_file or None)
        if not self.starttls:
            return imaplib.IMAP4_SSL(self.host, self.port, ssl_context=context, timeout=TIMEOUT)
        client = imaplib.IMAP4(self.host, self.port, timeout=TIMEOUT)
        if "STARTTLS" in client.capabilities:
            client.starttls(context)
        elif not ipaddress.ip_address(client.sock.getpeername()[0]).is_loopback:
            client.shutdown()
            message = f"{self.host} offers no TLS, so no password is sent: use imaps://"
            raise MailboxUnavailable(message)
        return client

    def _log_in(self, client: imaplib.IMAP4) -> None:
        try:
            if self.access_token:
                text = f"user={self.username}\1auth=Bearer {self.access_token}\1\1"
                client.authenticate("XOAUTH2", _answer(text))
            elif "AUTH=PLAIN" in client.capabilities:
                client.authenticate("PLAIN", _answer(f"\0{self.username}\0{self.password}"))
            else:
                client.login(_quoted(self.username), self.password)
        except imaplib.IMAP4.abort:
            raise
        except (imaplib.IMAP4.error, UnicodeError):
            message = f"{self.host} refuses the log-in: check the user and the password"
            raise MailboxUnavailable(message) from None


class _Folder:
    """
    The selected folder of a client.
    """

    def __init__(self, client: imaplib.IMAP4, move_to: str) -> None:
        self._client = client
        # Those that imaplib keeps are from before the log-in.
        self._capabilities = (client.capability()[1][-1] or b"").decode().upper().split()
        self._move_to = _quoted(move_to) if move_to else ""
        if self._move_to:
            client.create(self._move_to)  # it says NO where the folder is there

    def unread(self) -> list[str]:
        found = self._client.uid("SEARCH", f"UNSEEN UNKEYWORD {_OTHER}")
        return [one.decode() for one in (_demand(found, "a search")[0] or b"").split()]

    def fetch(self, uid: str) -> bytes | None:
        """
        Return a mail without marking it, None where somebody has taken it away.
        """
        found = _demand(self._client.uid("FETCH", uid, f"(BODY.PEEK[]<0.{MAX_BYTES}>)"), "a fetch")
        return next((bytes(one[1]) for one in found if isinstance(one, tuple)), None)

    def leave(self, uid: str) -> None:
        """
        Note that a mail is none of ours, where the server keeps such notes.
        """
        with suppress(imaplib.IMAP4.error):
            self._client.uid("STORE", uid, "+FLAGS.SILENT", f"({_OTHER})")

    def finish(self, uid: str) -> None:
        """
        Move a mail away, or mark it as read.
        """
        if not self._move_to:
            self._flag(uid, r"(\Seen)")
        elif "MOVE" in self._capabilities:
            _demand(self._client.uid("MOVE", uid, self._move_to), "a move")
        else:
            _demand(self._client.uid("COPY", uid, self._move_to), "a copy")
            self._flag(uid, r"(\Seen \Deleted)")
            if "UIDPLUS" in self._capabilities:  # EXPUNGE alone would take other mails too
                self._client.uid("EXPUNGE", uid)

    def _flag(self, uid: str, flags: str) -> None:
        _demand(self._client.uid("STORE", uid, "+FLAGS.SILENT", flags), "a flag")


def _demand(answer: tuple[str, Any], what: str) -> Any:
    """
    Return what a server says, which must be OK.
    """
    status, data = answer
    if status != "OK":
        message = f"the mailbox cannot be read now: the server refuses {what}"
        raise MailboxUnavailable(message)
    return data


def _answer(text: str) -> Callable[[bytes], bytes]:
    return lambda _challenge: text.encode()


def _quoted(name: str) -> str:
    """
    Quote a name, which imaplib does not.

    Raises:
        ConfigurationError: If no quoting can hold it.
    """
    if not name.isascii() or not name.isprintable():
        message = f"{name!r} is not ASCII: write it as IMAP does, in modified UTF-7"
        raise ConfigurationError(message)
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
