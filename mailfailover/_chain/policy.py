"""
How one send behaves: its time, and what to do in doubt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, get_args

from mailfailover._message.keywords import OnSuppressed, OnUnknown
from mailfailover.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mailfailover._message.message import Message
    from mailfailover._values.receipt import RecipientStatus
    from mailfailover.errors import Attempt

_CHOICES = {"on_unknown": get_args(OnUnknown), "on_suppressed": get_args(OnSuppressed)}


class Upcoming(NamedTuple):
    """
    A call that is about to be made: its provider and mail, and what the send knows until now.

    For a merge *message* is the part that this call is for, and *recipients* and *message_ids*
    are of those whose outcome is known.
    """

    provider: str
    message: Message
    attempts: Sequence[Attempt]
    recipients: Mapping[str, RecipientStatus]
    message_ids: Mapping[str, str]


class Policy(NamedTuple):
    """
    The settings of a mailer or of one send.
    """

    timeout: float = 30.0
    attempt_timeout: float = 10.0
    on_unknown: OnUnknown = "resend"
    on_suppressed: OnSuppressed = "raise"
    before_call: Callable[[Upcoming], object] | None = None
    """Called before each call, to write it down; where it raises, the call is not made."""

    avoid: tuple[str, ...] = ()
    """The links to try last, whatever their order."""

    def but(self, **settings: Any) -> Policy:
        """
        Return it with other *settings*, checked.

        Raises:
            ConfigurationError: If a setting cannot have that value.
        """
        for name, value in settings.items():
            (_check_choice if name in _CHOICES else _check_seconds)(name, value)
        return self._replace(**settings)

    def of_one(self, timeout: float | None, on_unknown: OnUnknown | None) -> Policy:
        """
        Return it for one send that may have settings of its own.
        """
        if timeout is None and on_unknown is None:
            return self
        given = {"timeout": timeout, "on_unknown": on_unknown}
        return self.but(**{name: value for name, value in given.items() if value is not None})


def _check_seconds(name: str, value: object) -> None:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not 0 < value < float("inf"):  # type: ignore[operator]  # it is a number
        message = f"{name} must be a number of seconds above 0, not {value!r}"
        raise ConfigurationError(message)


def _check_choice(name: str, value: object) -> None:
    if value not in _CHOICES[name]:
        message = f"{name} must be {' or '.join(map(repr, _CHOICES[name]))}, not {value!r}"
        raise ConfigurationError(message)
