"""
The file that ``mailfailover init`` writes: a configuration, or the lines of a framework.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from mailfailover.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path


def write_template(path: Path, text: str, *, force: bool = False) -> None:
    """
    Write *text* to *path*, for its owner's eyes only.

    Args:
        path: A file that does not exist.

        text: Its content.

        force: Whether a file that does exist is replaced.

    Raises:
        ConfigurationError: If it exists, or cannot be written.
    """
    try:
        if force:
            path.unlink(missing_ok=True)
        # Never through a link, and never with other permissions.
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        message = f"{path} exists already: name another file, or replace it with --force"
        raise ConfigurationError(message) from None
    except OSError as exc:
        message = f"{path} cannot be written: {exc.strerror}"
        raise ConfigurationError(message) from None
