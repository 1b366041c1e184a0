"""
The settings of a mailer, the same for every form of configuration.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mailfailover._setup.field_types import NUMBER, TEXT, Kind, choice_of, list_of
from mailfailover._setup.options import ADDRESS
from mailfailover.errors import ConfigurationError


def _seconds(value: Any) -> float | None:
    number = NUMBER.read(value)
    return number if number is not None and number > 0 else None


def _redis_url(value: Any) -> str | None:
    known = isinstance(value, str) and value.startswith(("redis://", "rediss://", "unix://"))
    return value if known else None


def _seconds_by_stream(value: Any) -> Mapping[str, float] | None:
    if isinstance(value, str):
        pairs = [one.partition("=") for one in value.split(",")]
        value = {name.strip(): text.strip() for name, _, text in pairs}
    if not isinstance(value, Mapping):
        return None
    found = {str(name): _seconds(given) for name, given in value.items()}
    if "" in found or None in found.values():
        return None
    return {name: seconds for name, seconds in found.items() if seconds}


_SECONDS = Kind(_seconds, "a number of seconds above 0")
SETTINGS: Mapping[str, Kind] = {
    "from_email": ADDRESS,
    "timeout": _SECONDS,
    "attempt_timeout": _SECONDS,
    "on_unknown": choice_of("resend", "raise"),
    "on_suppressed": choice_of("raise", "switch"),
    "deliver_within": Kind(
        _seconds_by_stream, "seconds above 0 by stream, such as transactional=120"
    ),
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
