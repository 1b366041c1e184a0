"""
Writes mails as ``.eml`` files into a directory, for development.
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

from mailfailover import errors, plugin

# Windows has no O_NOFOLLOW; there O_EXCL alone refuses whatever has the name already.
_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)


@dataclass(frozen=True, slots=True)
class File:
    """
    Writes every mail as one ``.eml`` file that only its owner may read.

    A file is there whole and on disk, or not at all; when the disk is full, nothing is kept
    and the error says so. Beside the mail's own headers it has, as ``X-`` headers, what those
    do not say: ``X-Envelope-From``, ``X-Envelope-To`` (all recipients), ``X-Bcc``, ``X-Tag``,
    ``X-Metadata``, ``X-Send-At`` and so on. So these files are for looking at: do not feed
    them to a mail server, they would show everybody the Bcc.

    Attributes:
        directory:
            Where they go; made (0700) if only its last part is missing. Names are made
            here and sort by time; nothing of the mail is in them.

    .. versionadded:: 0.1.0
    """

    name: ClassVar[str] = "file"
    maturity: ClassVar[str] = "stable"
    capabilities: ClassVar[plugin.Capabilities] = plugin.EVERYTHING
    dsn_path: ClassVar[str] = "directory"

    directory: str | Path

    def send(self, message: plugin.Message) -> str:
        """
        Keep *message*; return the name of its file.

        Raises:
            ProviderUnavailable: If it could not be kept, whole. Nothing was.
        """
        mail = _with_details(message)
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}-{secrets.token_hex(8)}.eml"
        try:
            self._make_directory()
            _write_whole(Path(self.directory, name), mail)
        except OSError as exc:
            raise _not_kept(exc) from exc
        return name

    def ping(self) -> None:
        """
        Check that files can be written into the directory, which is made if it is missing.
        """
        try:
            self._make_directory()
            _write_whole(probe := Path(self.directory, f"{secrets.token_hex(8)}.probe"), b"")
            probe.unlink()
        except OSError as exc:
            raise _not_kept(exc) from exc

    def _make_directory(self) -> None:
        Path(self.directory).mkdir(mode=0o700, exist_ok=True)


def _with_details(message: plugin.Message) -> bytes:
    """
    The mail with what its headers do not say as more headers, beside any of the same name.
    """
    more = [(f"X-{label}", text) for label, text in plugin.details(message)]
    if message.mime:  # Above its own header, as a trace of its way.
        return b"".join([*(plugin.header_line(*one) for one in more), message.as_bytes()])
    spelling: dict[str, str] = {}
    headers: dict[str, list[str]] = {}
    for name, value in (*message.header_items(), *more):
        name = spelling.setdefault(name.lower(), name)  # noqa: PLW2901 -- as it was first
        headers.setdefault(name, []).append(value)
    found = {name: tuple(values) if values[1:] else values[0] for name, values in headers.items()}
    return message.bound(headers=found, unsubscribe=()).as_email_message().as_bytes()


def _not_kept(exc: OSError) -> errors.ProviderUnavailable:
    return errors.ProviderUnavailable(
        f"the directory takes no file ({exc.strerror}): nothing was kept; "
        "make room, or correct the directory and its permissions"
    )


def _write_whole(path: Path, data: bytes) -> None:
    """
    Write *data* durably to a new file, or leave none behind.
    """
    unfinished = path.with_suffix(".unfinished")
    try:
        with os.fdopen(os.open(unfinished, _FLAGS, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(path)
        _sync_directory(path.parent)
    except BaseException:
        for left in (unfinished, path):
            left.unlink(missing_ok=True)
        raise


def _sync_directory(directory: Path) -> None:
    # Windows cannot open a directory, and a directory may be writable but not readable: the
    # file is whole then all the same, only a power cut in the next seconds could take it.
    with suppress(PermissionError):
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
