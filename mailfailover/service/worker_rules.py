"""
The rules of the service's own worker, from the variables of ``mailfailover worker``.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from mailfailover.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["worker_rules"]

_PREFIX = "MAILFAILOVER_WORKER_"


def worker_rules(environ: Mapping[str, str]) -> dict[str, Any]:
    """
    Return the arguments of :class:`~mailfailover.outbox.OutboxWorker` that *environ* sets.

    The number of threads is not among them: it is an option of the command.

    Raises:
        ConfigurationError: If a variable has a value that the rule cannot have.
    """
    found = {}
    for name, read in _RULES.items():
        variable = f"{_PREFIX}{name.upper()}"
        text = environ.get(variable, "").strip()
        if text:
            found[name] = read(variable, text)
    return found


def _seconds(variable: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        message = f"{variable} must be a number of seconds above 0, such as 60, not {text!r}"
        raise ConfigurationError(message)
    return value


def _count(variable: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text)):
        message = f"{variable} must be a whole number of 1 or more, not {text!r}"
        raise ConfigurationError(message)
    return int(text)


_RULES: Mapping[str, Callable[[str, str], object]] = {
    "lease": _seconds,
    "max_lost": _count,
    "max_tries": _count,
    "name": lambda _variable, text: text,
    "pause": _seconds,
    "poll": _seconds,
    "unknown_after": _seconds,
}
