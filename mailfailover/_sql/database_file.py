"""
The database file of SQLite: whether it is still there, and still the same.

A connection goes on reading and writing a file that was taken away, and everything is lost that
is written there.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from sqlalchemy import Engine

__all__ = ["DatabaseFile"]


class DatabaseFile(NamedTuple):
    """
    A file as it was when it was looked at first.

    Attributes:
        path: Where it is, None for a database on a server.

        identity: The device and inode that tell the file from another one of this name.
    """

    path: Path | None
    identity: tuple[int, int] | None

    @classmethod
    def of(cls, engine: Engine) -> DatabaseFile:
        """
        Look at the file of *engine*.
        """
        if engine.dialect.name != "sqlite" or not engine.url.database:
            return cls(None, None)
        path = Path(engine.url.database.removeprefix("file:").partition("?")[0]).absolute()
        return cls(path, _identity(path))

    def find_fault(self) -> str:
        """
        Say what happened to it, "" if nothing did.
        """
        if self.path is None:
            return ""
        now = _identity(self.path)
        if now is None:
            return "its file was taken away: put it back and restart"
        return "" if now == self.identity else "its file was replaced by another: restart"


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
