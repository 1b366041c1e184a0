"""
:class:`SilentOutageWatch`: tells when a provider says yes and delivers nothing.
"""

from __future__ import annotations

import time
from threading import Lock
from typing import TYPE_CHECKING, Protocol

from mailfailover._chain.log import logger
from mailfailover._chain.observe import MailSent, SilentOutage, tell
from mailfailover._values.events import DeliveryEvent
from mailfailover._values.face import published_in
from mailfailover._values.fork import after_fork

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from mailfailover._chain.observe import Observer


class Columns(Protocol):
    """
    A source that knows how each provider as a whole stands, at all receivers together.

    :class:`Tracking` is one, ``DeliveryHealth`` another.
    """

    def silent_outages(self) -> Mapping[str, SilentOutage | None]:
        """
        Return the outage of each provider, None where it delivers as usual.

        A provider of which too little is known to say is left out.
        """


@published_in("mailfailover.tracking")
class SilentOutageWatch:
    """
    Looks now and then whether a provider accepts mail and hardly delivers it.

    As an observer of a :class:`~mailfailover.Mailer` or a handler of delivery events it looks
    once a minute, in the thread that calls it; a program may also call :meth:`check`. Each
    outage is told once: to the observers as a :class:`~mailfailover.SilentOutage`, and to the
    log as an ERROR. Of several processes with a watch, each tells it.

    Args:
        source:
            A :class:`~mailfailover.deliveries.DeliveryHealth` where you have one: the watch tells
            of the links that it finds ill as a whole. Without one, the :class:`Tracking`. Either
            must hear of the mails and the events.

        observers: The observers to notify.

        every: Seconds between two looks.

        clock: Seconds since 1970.

    .. versionadded:: 0.1.0
    """

    def __init__(
        self,
        source: Columns,
        observers: Iterable[Observer] = (),
        *,
        every: float = 60.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.source = source
        self.observers: tuple[Observer, ...] = tuple(observers)
        self.every = every
        self.clock = clock
        self._next = 0.0
        self._silent: dict[str, SilentOutage] = {}
        self._new_lock()
        after_fork(self._new_lock)

    def __call__(self, event: object) -> None:
        """
        Look if it is time to, on events that have to do with it.
        """
        if isinstance(event, (MailSent, DeliveryEvent)) and self.clock() >= self._next:
            self.check()

    def check(self) -> tuple[SilentOutage, ...]:
        """
        Look now; return all outages there are, and tell of those that are new.
        """
        if not self._lock.acquire(blocking=False):  # another thread is looking
            return tuple(self._silent.values())
        try:
            now = self.clock()
            self._next = now + self.every
            for key, outage in self.source.silent_outages().items():
                self._note(key, outage)
            return tuple(self._silent.values())
        finally:
            self._lock.release()

    def _note(self, key: str, outage: SilentOutage | None) -> None:
        if outage is not None:
            is_new = key not in self._silent
            self._silent[key] = outage
            if is_new:
                logger.error("%s", outage)
                tell(self.observers, outage)
        elif key in self._silent:
            del self._silent[key]
            logger.warning("%s delivers as usual again", key)

    def _new_lock(self) -> None:
        self._lock = Lock()
