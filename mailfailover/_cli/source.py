"""
Where the configuration comes from: ``--dsn``, ``--config``, or the environment.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from mailfailover._mailer import Mailer

if TYPE_CHECKING:
    from pathlib import Path

# As `Mailer.from_env` looks for them.
_VARIABLES = (
    "MAILFAILOVER_DSN",
    "MAILFAILOVER_DSN_FILE",
    "MAILGUN_API_KEY",
    "MANDRILL_API_KEY",
)


def open_mailer(dsn: str | None, config: Path | None) -> Mailer:
    """
    Make the mailer that the command line asks for.

    Raises:
        ConfigurationError: If nothing is configured, or it cannot work.
    """
    if dsn is not None:
        return Mailer(dsn)
    if config is not None:
        return Mailer.from_config(config)
    return Mailer.from_env()


def name_source(dsn: str | None, config: Path | None) -> str:
    """
    Return the source that :func:`open_mailer` uses, in words.
    """
    if dsn is not None:
        return "--dsn"
    if config is not None:
        return str(config)
    found = [name for name in _VARIABLES if os.environ.get(name, "").strip()]
    return found[0] if found else "the environment"
