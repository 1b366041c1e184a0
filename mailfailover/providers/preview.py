"""
Keeps mails in a local mailbox that a browser shows, for development.
"""

from __future__ import annotations

import json
import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

from mailfailover import errors, plugin

# Tells our files from other databases: nothing is ever written into one of those.
_APPLICATION, _VERSION = 0x4D464F50, 1
_SCHEMA = f"""
    PRAGMA application_id = {_APPLICATION};
    PRAGMA user_version = {_VERSION};
    CREATE TABLE mails (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        received REAL NOT NULL,
        part TEXT NOT NULL,
        data TEXT NOT NULL
    );
    CREATE TABLE files (
        mail INTEGER NOT NULL REFERENCES mails ON DELETE CASCADE,
        position INTEGER NOT NULL,
        filename TEXT NOT NULL,
        content_type TEXT NOT NULL,
        content_id TEXT NOT NULL,
        content BLOB NOT NULL,
        PRIMARY KEY (mail, position)
    );
"""
_PATIENCE = 10.0
"""How many seconds one process waits for another that is writing."""


@dataclass(frozen=True, slots=True)
class PreviewFile:
    """
    What a list tells of an attachment.
    """

    filename: str
    content_type: str
    content_id: str
    size: int


@dataclass(frozen=True, slots=True)
class PreviewMail:
    """
    A mail in the mailbox.

    Attributes:
        number: Its place; the newest has the highest, and no number comes twice.

        received: When it came (aware, UTC).

        message: The mail, its attachments left out.

        files: What its attachments are.
    """

    number: int
    received: datetime
    message: plugin.Message
    files: tuple[PreviewFile, ...]


@dataclass(frozen=True, slots=True)
class Preview:
    """
    Keeps every mail in a mailbox on this machine; nobody gets it.

    All processes that name the same file share the mailbox, and ``mailfailover preview`` shows
    it in a browser. Only its owner may read the file. A mail is in it whole or not at all; a
    power cut may take the newest.

    Attributes:
        path:
            The file; where not given, that of the variable ``MAILFAILOVER_PREVIEW``, else
            ``mailfailover/preview.db`` in the user's directory for state (``~/.local/state``).

        max_messages: How many mails are kept, the newest; 0 keeps all.

    .. versionadded:: 0.1.0
    """

    name: ClassVar[str] = "preview"
    maturity: ClassVar[str] = "stable"
    capabilities: ClassVar[plugin.Capabilities] = plugin.EVERYTHING
    dsn_path: ClassVar[str] = "path"

    path: str | Path = ""
    max_messages: int = 1000

    def __post_init__(self) -> None:
        if self.max_messages < 0:
            raise errors.ConfigurationError(
                "max_messages of preview must not be negative: 0 keeps all"
            )
        object.__setattr__(self, "path", Path(self.path or _default_path()))

    def send(self, message: plugin.Message) -> str:
        """
        Keep *message*; return its Message-ID.

        Raises:
            ProviderUnavailable: If it could not be kept. Nothing was.
        """
        files = [
            (one.filename, one.content_type, one.content_id, one.read())
            for one in message.attachments
        ]
        data = json.dumps(message.bound(attachments=()).to_dict())
        with self._open(create=True) as mailbox, mailbox:
            mailbox.execute("BEGIN IMMEDIATE")
            number = mailbox.execute(
                "INSERT INTO mails (received, part, data) VALUES (?, ?, ?)",
                (datetime.now(UTC).timestamp(), message.part, data),
            ).lastrowid
            mailbox.executemany(
                "INSERT INTO files VALUES (?, ?, ?, ?, ?, ?)",
                [(number, position, *file) for position, file in enumerate(files)],
            )
            if self.max_messages:
                mailbox.execute(
                    "DELETE FROM mails WHERE number IN "
                    "(SELECT number FROM mails ORDER BY number DESC LIMIT -1 OFFSET ?)",
                    (self.max_messages,),
                )
        return message.message_id

    def ping(self) -> None:
        """
        Check that the mailbox can be opened, and make it if it is missing.
        """
        with self._open(create=True):
            pass

    def mails(self, *, limit: int = 50, before: int | None = None) -> tuple[PreviewMail, ...]:
        """
        Return the newest mails, newest first; those *before* a number where one is given.
        """
        where = "" if before is None else "WHERE number < :before"
        return self._read(f"{where} ORDER BY number DESC LIMIT :limit", before=before, limit=limit)

    def find(self, mail_id: str) -> PreviewMail | None:
        """
        Return the oldest mail whose message has the id *mail_id*, or None.
        """
        where = "WHERE json_extract(data, '$.id') = :id ORDER BY number LIMIT 1"
        return next(iter(self._read(where, id=mail_id)), None)

    def mail(self, number: int) -> PreviewMail | None:
        """
        Return the mail of that *number*, or None.
        """
        return next(iter(self._read("WHERE number = :number", number=number)), None)

    def message(self, number: int) -> plugin.Message | None:
        """
        Return a mail as it was sent, with its attachments, or None.
        """
        found = self.mail(number)
        if found is None:
            return None
        files = (self.attachment(number, position) for position in range(len(found.files)))
        return found.message.bound(attachments=tuple(one for one in files if one is not None))

    def attachment(self, number: int, position: int) -> plugin.Attachment | None:
        """
        Return one attachment of a mail, the first at *position* 0, or None.
        """
        with self._open() as mailbox:
            row = (
                mailbox
                and mailbox.execute(
                    "SELECT filename, content, content_type, content_id FROM files "
                    "WHERE mail = ? AND position = ?",
                    (number, position),
                ).fetchone()
            )
        return plugin.Attachment(*row) if row else None

    def clear(self) -> None:
        """
        Forget all mails.
        """
        with self._open() as mailbox:
            if mailbox:
                mailbox.execute("DELETE FROM mails")

    def _read(self, rest: str, **values: Any) -> tuple[PreviewMail, ...]:
        with self._open() as mailbox:
            if mailbox is None:
                return ()
            rows = mailbox.execute(f"SELECT number, received, part, data FROM mails {rest}", values)  # noqa: S608 -- *rest* is written in this module
            return tuple([_mail(mailbox, *row) for row in rows.fetchall()])

    @contextmanager
    def _open(self, *, create: bool = False) -> Iterator[Any]:
        """
        Open the mailbox; yield None where there is none and it shall not be made.
        """
        try:
            path = Path(self.path)
            if create and not path.exists():
                _make(path)
            if not path.exists():
                yield None
                return
            with closing(_connect(path)) as mailbox:
                _check(mailbox)
                yield mailbox
        except (OSError, sqlite3.Error) as exc:
            reason = exc.strerror if isinstance(exc, OSError) else exc
            message = f"the mailbox cannot be used ({reason}): nothing was kept; check its path"
            raise errors.ProviderUnavailable(message) from exc


def _mail(
    mailbox: sqlite3.Connection, number: int, received: float, part: str, data: str
) -> PreviewMail:
    files = mailbox.execute(
        "SELECT filename, content_type, content_id, length(content) FROM files "
        "WHERE mail = ? ORDER BY position",
        (number,),
    )
    message = plugin.Message.from_dict(json.loads(data)).bound(part=part)
    message = plugin.readable(message)
    when = datetime.fromtimestamp(received, UTC)
    return PreviewMail(number, when, message, tuple([PreviewFile(*row) for row in files]))


def _default_path() -> Path:
    if given := os.environ.get("MAILFAILOVER_PREVIEW", "").strip():
        return Path(given)
    state = os.environ.get("XDG_STATE_HOME", "").strip()
    try:
        directory = Path(state) if state else Path.home() / ".local" / "state"
    except RuntimeError:
        raise errors.ConfigurationError(
            "this user has no home directory for the mailbox: give preview a path, "
            "preview:///path/to/file, or set MAILFAILOVER_PREVIEW"
        ) from None
    return directory / "mailfailover" / "preview.db"


def _connect(path: Path) -> sqlite3.Connection:
    # Transactions are begun and ended by hand, by the same words in every version of Python.
    mailbox = sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None)
    mailbox.executescript("PRAGMA foreign_keys = ON; PRAGMA synchronous = NORMAL;")
    return mailbox


def _check(mailbox: sqlite3.Connection) -> None:
    found = tuple(
        mailbox.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("application_id", "user_version")
    )
    if found != (_APPLICATION, _VERSION):
        message = "the file is no mailbox of this version"
        raise sqlite3.DatabaseError(message)


def _make(path: Path) -> None:
    """
    Make an empty mailbox that is there as a whole or not at all, whoever else makes one now.
    """
    if path == _default_path():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    try:
        os.close(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        with closing(_connect(unfinished)) as mailbox:
            mailbox.executescript(_SCHEMA)
        with suppress(FileExistsError):  # another process was faster
            os.link(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
