"""
The extras of the package: what to install where an optional library is missing.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def extra(name: str, of: str = "") -> Iterator[None]:
    """
    Import inside of this what the extra *name* brings: where it is missing, the error says so.

    Args:
        name: The extra.

        of: The module that needs it, for the error; ``mailfailover.<name>`` by default.

    Raises:
        ModuleNotFoundError: With the line that installs the extra.
    """
    try:
        yield
    except ModuleNotFoundError as exc:
        if exc.name is None or exc.name.startswith("mailfailover"):
            raise
        message = (
            f"{of or f'mailfailover.{name}'} needs the package {exc.name.partition('.')[0]}: "
            f'pip install "mailfailover[{name}]"'
        )
        raise ModuleNotFoundError(message, name=exc.name) from None
