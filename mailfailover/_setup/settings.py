"""
The settings of a mailer, the same for every form of configuration.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mailfailover._setup.field_types import NUMBER, TEXT, Kind, choice_of, list_of
from mailfailover._setup.options import ADDRESS
from mailfailover.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping


def _seconds(value: Any) -> float | None:
    number = NUMBER.read(value)
    return number if number is not None and number > 0 else None


def _redis_url(value: Any) -> str | None:
    known = isinstance(value, str) and value.startswith(("redis://", "rediss://", "unix://"))
    return value if known else None


_SECONDS = Kind(_seconds, "a number of seconds above 0")
SETTINGS: Mapping[str, Kind] = {
    "from_email": ADDRESS,
    "timeout": _SECONDS,
    "attempt_timeout": _SECONDS,
    "on_unknown": choice_of("resend", "raise"),
    "on_suppressed": choice_of("raise", "switch"),
    "redirect_to": ADDRESS,
    "allow_recipients": list_of(TEXT),
    "health": Kind(_redis_url, "a URL of Redis, redis://, rediss:// or unix://"),
}
"""The arguments of :class:`~mailfailover.Mailer` that are plain data."""


def read_setting(name: str, value: Any, label: str) -> Any:
    """
    Return the value of the setting *name*; *label* is what its writer called it.

    Raises:
        ConfigurationError: If it does not fit.
    """
    found = SETTINGS[name].read(value)
    if found is None:
        message = f"{label} must be {SETTINGS[name].expected}"
        raise ConfigurationError(message)
    return found
