"""
The mailbox of ``preview://`` in a browser.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailfailover.cli.listening import import_service, listen
from mailfailover.providers.preview import Preview

if TYPE_CHECKING:
    from pathlib import Path


def run_preview(path: Path | None, port: int) -> None:
    """
    Serve the mailbox at *path*, or the user's own, to this machine.

    Raises:
        ConfigurationError: If the extra is missing, or the port cannot be had.
    """
    app = import_service("preview").preview_app(Preview(path or ""))
    listen(app, "127.0.0.1", port, name="mailbox", threads=4)
