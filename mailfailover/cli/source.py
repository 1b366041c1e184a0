"""
Where the configuration comes from: ``--dsn``, ``--config``, or the environment.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from mailfailover._mailer.mailer import Mailer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# As `Mailer.from_env` looks for them.
_VARIABLES = (
    "MAILFAILOVER_DSN",
    "MAILFAILOVER_DSN_FILE",
    "MAILGUN_API_KEY",
    "MANDRILL_API_KEY",
)


def open_mailer(dsn: str | None, config: Path | None, **options: Any) -> Mailer:
    """
    Make the mailer of the command line's options; *options* are arguments of :class:`Mailer`.

    Raises:
        ConfigurationError: If nothing is configured, or it cannot work.
    """
    if dsn is not None:
        return Mailer(dsn, **options)
    if config is not None:
        return Mailer.from_config(config, **options)
    return Mailer.from_env(**options)


def name_source(dsn: str | None, config: Path | None) -> str:
    """
    Return the source that :func:`open_mailer` uses, in words.
    """
    if dsn is not None:
        return "--dsn"
    if config is not None:
        return str(config)
    return next(_set_variables(), "the environment")


def is_configured(dsn: str | None, config: Path | None) -> bool:
    """
    Tell whether anything says which providers to use.
    """
    return dsn is not None or config is not None or any(_set_variables())


def _set_variables() -> Iterator[str]:
    yield from (name for name in _VARIABLES if os.environ.get(name, "").strip())
