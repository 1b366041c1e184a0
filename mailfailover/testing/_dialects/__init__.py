"""
How each vendor says yes and no, as data: a file for each provider, called as the provider is.

Forms and texts follow the vendors' public documentation and clients, which the providers'
own files name, as of 2026-11; no live vendor was asked. A name that a vendor has no answer
for is left out of its errors.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mailfailover.testing._dialect import Dialect

__all__ = ["dialect_names", "find_dialect"]


@cache
def dialect_names() -> tuple[str, ...]:
    """
    The vendors whose answers are known, and ``generic``.
    """
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


def find_dialect(name: str) -> Dialect:
    """
    The dialect called *name*.

    Raises:
        ValueError:
            If there is none.
    """
    known = dialect_names()
    if name not in known:
        raise ValueError(f"dialect {name!r} is unknown; known: {', '.join(known)}")
    found: Dialect = importlib.import_module(f"{__name__}.{name}").DIALECT
    return found
