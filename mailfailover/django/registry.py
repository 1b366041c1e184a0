"""
The mailers and outboxes of a Django project, each made once and kept.
"""

from __future__ import annotations

from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any

from django.db import DEFAULT_DB_ALIAS, transaction

from mailfailover._chain.observe import tell
from mailfailover._mailer.mailer import Mailer
from mailfailover.django.joined_engine import joined_engine
from mailfailover.django.settings import load, named_options, options_of
from mailfailover.django.signals import tracking
from mailfailover.errors import ConfigurationError
from mailfailover.outbox import Outbox

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mailfailover._values.events import DeliveryEvent

__all__ = ["all_mailers", "get_mailer", "get_outbox", "mailer_of", "outbox_of"]

_MOST = 32
"""So many mailers are kept; a project that makes chains on the fly must not fill the memory."""

_PLAIN = [
    "timeout",
    "attempt_timeout",
    "on_unknown",
    "on_suppressed",
    "redirect_to",
    "allow_recipients",
]
_LOADED = ("health", "suppressions", "replays", "transport")


def get_mailer(alias: str | None = None) -> Mailer:
    """
    Return the mailer that sends the project's mail, for what Django's messages cannot say.

    Args:
        alias: Of ``MAILERS``; without one, that of ``EMAIL_BACKEND``, else the default one.

    Raises:
        ConfigurationError: If the project has no such mailer, or its settings cannot work.

    .. versionadded:: 0.1.0
    """
    return mailer_of(_options(alias))


def get_outbox(alias: str | None = None) -> Outbox:
    """
    Return the outbox in Django's database; what is added joins the transaction that is open.

    Args:
        alias: Of ``MAILERS``, as for :func:`get_mailer`.

    Raises:
        ConfigurationError: If there is no such mailer, or it has no outbox.

    .. versionadded:: 0.1.0
    """
    outbox = outbox_of(_options(alias))
    if outbox is None:
        message = 'the mailer has no outbox: set MAILFAILOVER = {"OUTBOX": True}'
        raise ConfigurationError(message)
    return outbox


def _options(alias: str | None) -> dict[str, Any]:
    found = named_options()
    if alias is None:
        alias = None if None in found or not found else "default"
    if alias in found:
        return found[alias]
    if alias is None:
        return options_of({})  # the app is used, but no mail of Django goes through it
    message = f"MAILERS has no mailer {alias!r} that sends with mailfailover"
    raise ConfigurationError(message)


def all_mailers() -> Iterator[Mailer]:
    """
    Yield every mailer of the project, the one of the default settings first.
    """
    found = named_options() or {None: options_of({})}
    for _, options in sorted(found.items(), key=lambda item: item[0] not in (None, "default")):
        yield mailer_of(options)


def mailer_of(options: Mapping[str, Any]) -> Mailer:
    """
    Return the mailer with these options, the same one each time.

    Raises:
        ConfigurationError: If it cannot work.
    """
    return _mailers.get(options)


def outbox_of(options: Mapping[str, Any]) -> Outbox | None:
    """
    Return the outbox of a mailer with these options, None where it has none.

    Raises:
        ConfigurationError: If Django has no such database, or it cannot be joined.
    """
    where = options.get("outbox", False)
    if not where:
        return None
    alias = DEFAULT_DB_ALIAS if where is True else str(where)
    wake = tuple(map(load, options.get("on_add", ())))
    on_add = [partial(_after_commit, alias, wake)] if wake else ()
    return Outbox(joined_engine(alias), on_add=on_add)


def _after_commit(alias: str, wake: tuple[Any, ...], mail_id: str) -> None:
    transaction.on_commit(partial(tell, wake, mail_id), using=alias)


def _make(options: Mapping[str, Any]) -> Mailer:
    given: dict[str, Any] = {name: options[name] for name in _PLAIN if name in options}
    given |= {name: _object(options[name]) for name in _LOADED if name in options}
    given["observers"] = tuple(map(load, options.get("observers", ())))
    outbox = outbox_of(options)
    given["on_event"] = [_tell] if outbox is None else [outbox.settle, _tell]
    return Mailer(options.get("chain"), **given)


def _object(value: Any) -> Any:
    found = load(value)
    return found() if isinstance(value, str) and callable(found) else found


def _tell(event: DeliveryEvent) -> None:
    tracking.send(sender=Mailer, event=event, esp_name=event.provider)


class _Mailers:
    """
    Mailers by their options, which need not be hashable, the oldest forgotten first.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: list[tuple[dict[str, Any], Mailer]] = []

    def get(self, options: Mapping[str, Any]) -> Mailer:
        wanted = dict(options)
        with self._lock:
            for known, mailer in self._kept:
                if known == wanted:
                    return mailer
            mailer = _make(wanted)
            self._kept = [*self._kept, (wanted, mailer)][-_MOST:]
        return mailer


_mailers = _Mailers()
