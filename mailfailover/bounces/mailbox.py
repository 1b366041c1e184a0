"""
The mailbox to which bounces come, read by IMAP.
"""

from __future__ import annotations

import imaplib
import ipaddress
import logging
import ssl
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote, urlsplit

from mailfailover._values.face import published_in
from mailfailover.bounces.imap_folder import Folder, MailboxUnavailable, quoted
from mailfailover.bounces.intake import NotAddressed
from mailfailover.errors import ConfigurationError, InvalidSignature

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mailfailover.bounces.intake import BounceIntake

__all__ = ["BounceMailbox", "MailboxCount"]

TIMEOUT = 60.0
_PORTS = {"imaps": 993, "imap": 143}
_LOG = logging.getLogger(__name__)


@published_in("mailfailover.bounces")
class MailboxCount(NamedTuple):
    """
    The counts of one pass over the unread mails.

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
            return self._read(Folder(client, self.folder, self.move_to), intake)

    def _read(self, folder: Folder, intake: BounceIntake) -> MailboxCount:
        taken = others = failed = 0
        for uid in folder.unread():
            raw = folder.fetch(uid)
            if raw is None:
                continue
            try:
                intake.receive(raw)
            except NotAddressed:
                folder.leave(uid)
                others += 1
            except InvalidSignature:  # with another key, the next look may know it
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
                client.login(quoted(self.username), self.password)
        except imaplib.IMAP4.abort:
            raise
        except (imaplib.IMAP4.error, UnicodeError):
            message = f"{self.host} refuses the log-in: check the user and the password"
            raise MailboxUnavailable(message) from None


def _answer(text: str) -> Callable[[bytes], bytes]:
    return lambda _challenge: text.encode()
