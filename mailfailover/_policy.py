"""
How one send behaves: its time, and what to do in doubt.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from mailfailover.errors import ConfigurationError

_CHOICES = {"on_unknown": ("resend", "raise"), "on_suppressed": ("raise", "switch")}


class Policy(NamedTuple):
    """
    The mailer's settings, or those of one send.
    """

    timeout: float = 30.0
    attempt_timeout: float = 10.0
    on_unknown: str = "resend"
    on_suppressed: str = "raise"

    def but(self, **settings: Any) -> Policy:
        """
        Return it with other *settings*, checked.

        Raises:
            ConfigurationError: If one has no such value.
        """
        for name, value in settings.items():
            (_check_choice if name in _CHOICES else _check_seconds)(name, value)
        return self._replace(**settings)


def _check_seconds(name: str, value: object) -> None:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not 0 < value < float("inf"):  # type: ignore[operator]  # it is a number
        message = f"{name} must be a number of seconds above 0, not {value!r}"
        raise ConfigurationError(message)


def _check_choice(name: str, value: object) -> None:
    if value not in _CHOICES[name]:
        message = f"{name} must be {' or '.join(map(repr, _CHOICES[name]))}, not {value!r}"
        raise ConfigurationError(message)
