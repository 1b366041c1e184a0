"""
The files of a configuration: read, remembered, and read again when they change.

Code that reads a configuration inside :class:`Watched` need not list its files:
:func:`read_file` notes each one.
"""

from __future__ import annotations

import logging
import time
from contextvars import ContextVar
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Generic, TypeVar

from mailfailover.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

CHECK_SECONDS = 1.0
"""How often the files are looked at, at most."""

_log = logging.getLogger("mailfailover")
_noted: ContextVar[list[Path] | None] = ContextVar("files of the configuration", default=None)
_Stamp = tuple[tuple[int, ...] | None, ...]


def note_file(path: Path) -> None:
    """
    Let the configuration that is being read depend on *path*, whether that exists or not.
    """
    noted = _noted.get()
    if noted is not None:
        noted.append(path.absolute())


def read_file(path: str | Path, label: str) -> str:
    """
    Return what is in a file, without white space around it; *label* names the file in errors.

    Raises:
        ConfigurationError: If it cannot be read as UTF-8, or is empty.
    """
    try:
        note_file(Path(path))
        text = Path(path).read_text("utf-8-sig").strip()
        problem = "" if text else "is empty"
    except (OSError, ValueError) as exc:  # ValueError: not UTF-8, or a NUL in the path
        text, problem = "", f"cannot be read ({type(exc).__name__})"
    if problem:
        message = f"the file that {label} names {problem}"
        raise ConfigurationError(message)
    return text


class Watched(Generic[T]):
    """
    A value that is made of files, and made anew when one of them has changed.

    A new file that cannot be used is told once, as an ERROR of the log; until it is mended the
    value stays as it was.

    Args:
        load: Makes the value; a :class:`ConfigurationError` says that it cannot.

        clock: Seconds on a clock that never goes back.

    Raises:
        ConfigurationError: If the first value cannot be made.
    """

    def __init__(
        self, load: Callable[[], T], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._load = load
        self._clock = clock
        self._lock = Lock()
        self._files: tuple[Path, ...] = ()
        self.value = self._read()
        self._stamp = self._now()
        self._next = clock() + CHECK_SECONDS

    def refresh(self) -> bool:
        """
        Look at the files, unless that was done a moment ago; return whether the value is new.
        """
        if not self._files or self._clock() < self._next or not self._lock.acquire(blocking=False):
            return False
        try:
            self._next = self._clock() + CHECK_SECONDS
            stamp = self._now()
            return stamp != self._stamp and self._renew(stamp)
        finally:
            self._lock.release()

    def _renew(self, stamp: _Stamp) -> bool:
        self._stamp = stamp
        try:
            self.value = self._read()
        except ConfigurationError as exc:
            _log.error("the configuration changed, and the one before stays in use: %s", exc)
            return False
        self._stamp = self._now() if len(stamp) != len(self._files) else stamp
        _log.info("the configuration changed, and is in use now")
        return True

    def _read(self) -> T:
        noted: list[Path] = []
        token = _noted.set(noted)
        try:
            return self._load()
        finally:
            _noted.reset(token)
            if noted:
                self._files = tuple(dict.fromkeys(noted))

    def _now(self) -> _Stamp:
        return tuple(map(_stamp, self._files))


def _stamp(path: Path) -> tuple[int, ...] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
