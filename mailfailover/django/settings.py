"""
The settings of a Django project: ``MAILFAILOVER``, and the ``OPTIONS`` of ``MAILERS``.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from django.conf import settings
from django.utils.module_loading import import_string

from mailfailover.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["BACKENDS", "OPTIONS", "MailFailoverSettings", "load", "named_options", "options_of"]

BACKENDS = ("mailfailover.django.EmailBackend", "mailfailover.django.backend.EmailBackend")
"""The dotted paths of our backend, in ``EMAIL_BACKEND`` or as ``BACKEND`` in ``MAILERS``."""


class MailFailoverSettings(TypedDict, total=False):
    """
    The keys of the setting ``MAILFAILOVER``; ``OPTIONS`` has the same names in lower case.

    Attributes:
        CHAIN: The providers, as :class:`mailfailover.Mailer` takes them; from the
            environment where it is missing.

        OUTBOX: True stores mails in the default database, in the transaction that is open;
            the alias of another database stores them there.

        ON_ADD: Callables, or their dotted paths, that get the id of each mail whose addition
            to the outbox was committed.

        SEND_DEFAULTS: Values for attributes that a message does not set, such as
            ``{"tags": ["shop"]}``.

        OBSERVERS: Callables, or their dotted paths, as :class:`mailfailover.Mailer` has them.

        TIMEOUT, ATTEMPT_TIMEOUT, ON_UNKNOWN, ON_SUPPRESSED, REDIRECT_TO, ALLOW_RECIPIENTS:
            As for :class:`mailfailover.Mailer`.

        HEALTH, SUPPRESSIONS, REPLAYS, TRANSPORT: The same; a dotted path to the object, or to
            a function that makes it, is imported on first use. ``HEALTH`` may be a URL of Redis.

    .. versionadded:: 0.1.0
    """

    CHAIN: Any
    OUTBOX: bool | str
    ON_ADD: Sequence[str | Callable[[str], object]]
    SEND_DEFAULTS: Mapping[str, Any]
    OBSERVERS: Sequence[str | Callable[[Any], object]]
    TIMEOUT: float
    ATTEMPT_TIMEOUT: float
    ON_UNKNOWN: Literal["resend", "raise"]
    ON_SUPPRESSED: Literal["raise", "switch"]
    REDIRECT_TO: str
    ALLOW_RECIPIENTS: str | Sequence[str]
    HEALTH: Any
    SUPPRESSIONS: Any
    REPLAYS: Any
    TRANSPORT: Any


MailFailoverSettings.__module__ = "mailfailover.django"

OPTIONS = frozenset(name.lower() for name in MailFailoverSettings.__annotations__)
"""The same names as Django 6's ``OPTIONS`` have them."""


def options_of(own: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return the options in force: ``MAILFAILOVER``, overridden by *own*.

    Raises:
        ConfigurationError: If ``MAILFAILOVER`` is no mapping, or has a key that is unknown.
    """
    found = getattr(settings, "MAILFAILOVER", {})
    if not hasattr(found, "items"):
        message = (
            f"MAILFAILOVER must be a dict, not {type(found).__name__}: write "
            'MAILFAILOVER = {"CHAIN": "..."}'
        )
        raise ConfigurationError(message)
    for name in found:
        if name not in MailFailoverSettings.__annotations__:
            raise ConfigurationError(_unknown(str(name)))
    return {name.lower(): value for name, value in found.items()} | dict(own)


def named_options() -> dict[str | None, dict[str, Any]]:
    """
    Return the options of each mailer of the project that sends with this app.

    The key is its alias in ``MAILERS``, None where ``EMAIL_BACKEND`` names the app.

    Raises:
        ConfigurationError: As :func:`options_of`.
    """
    mailers = getattr(settings, "MAILERS", None)
    if mailers is None:
        return {None: options_of({})} if settings.EMAIL_BACKEND in BACKENDS else {}
    return {
        alias: options_of(mailer.get("OPTIONS", {}))
        for alias, mailer in mailers.items()
        if mailer.get("BACKEND") in BACKENDS
    }


def load(value: Any) -> Any:
    """
    Return what a dotted path names; anything else is returned as it is.

    Raises:
        ConfigurationError: If nothing has this path.
    """
    if not isinstance(value, str) or "://" in value:
        return value
    try:
        return import_string(value)
    except ImportError as exc:
        message = f"MAILFAILOVER names {value!r}, which cannot be imported: {exc}"
        raise ConfigurationError(message) from exc


def _unknown(name: str) -> str:
    known = sorted(MailFailoverSettings.__annotations__)
    close = get_close_matches(name.upper(), known, 1)
    remedy = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known)}"
    return f"MAILFAILOVER has no setting {name!r}; {remedy}"
