"""
A folder on an IMAP server: its unread mails, and what is noted of them (RFC 3501, RFC 6851).
"""

from __future__ import annotations

import imaplib
from contextlib import suppress
from typing import Any

from mailfailover._values.face import published_in
from mailfailover.errors import ConfigurationError, MailFailoverError

__all__ = ["Folder", "MailboxUnavailable", "quoted"]

MAX_BYTES = 4 * 1024 * 1024
"""The bytes of a mail that are fetched; a report stands at its beginning."""

_OTHER = "$NotABounce"
"""The keyword of a foreign mail, which stays unread and is not fetched again."""


@published_in("mailfailover.bounces")
class MailboxUnavailable(MailFailoverError):
    """
    The mailbox cannot be read now. Unmarked mails are read the next time.

    .. versionadded:: 0.1.0
    """


class Folder:
    """
    A folder that a client has selected.

    Args:
        client: It has logged in.

        name: The folder.

        move_to: Where mails go that are finished, "" for nowhere.

    Raises:
        MailboxUnavailable: If the server refuses something, as each method does.
    """

    def __init__(self, client: imaplib.IMAP4, name: str, move_to: str) -> None:
        self._client = client
        _demand(client.select(quoted(name)), f"the folder {name!r}")
        # The capabilities that imaplib keeps are from before the log-in.
        self._capabilities = (client.capability()[1][-1] or b"").decode().upper().split()
        self._move_to = quoted(move_to) if move_to else ""
        if self._move_to:
            client.create(self._move_to)  # it says NO where the folder is there

    def unread(self) -> list[str]:
        """
        Return the numbers of the unread mails that are not known to be foreign.
        """
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
        Mark a mail as foreign, if the server keeps keywords.
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


def quoted(name: str) -> str:
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
