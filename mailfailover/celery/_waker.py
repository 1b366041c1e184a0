"""
The waker: tells the broker of new mails without delaying the caller that adds them.
"""

from __future__ import annotations

import atexit
import logging
import time
from collections import deque
from threading import Condition, Thread
from typing import TYPE_CHECKING
from weakref import WeakSet

from mailfailover._values.face import published_in
from mailfailover._values.fork import after_fork

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger("mailfailover.celery")

LIMIT = 10_000
"""So many wake-ups wait for the broker; what is beyond is left to the sweeper."""

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 30.0
EXIT_SECONDS = 2.0


@published_in("mailfailover.celery")
class Waker:
    """
    Publishes a wake-up for each mail, from a thread of its own.

    Give it to an outbox as *on_add*. It takes microseconds and never raises. Wake-ups that wait
    when the process ends are published then, if the broker is there; what is lost all the
    same the sweeper of the workers finds.

    Args:
        publish: Gives the id of a mail to the broker.

        errors: The exceptions of *publish* when the broker is away.

        sleep: Waits before the broker is tried again.

    .. versionadded:: 0.1.0
    """

    def __init__(
        self,
        publish: Callable[[str], object],
        errors: tuple[type[Exception], ...],
        *,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._publish = publish
        self._errors: tuple[type[Exception], ...] = errors
        self._sleep = sleep
        self._begin()
        after_fork(self._begin)
        _living.add(self)

    def _begin(self) -> None:
        self._changed = Condition()
        self._waiting: deque[str] = deque()
        self._working = False
        self._away = False

    def __call__(self, mail_id: str) -> None:
        with self._changed:
            if len(self._waiting) < LIMIT:
                self._waiting.append(mail_id)
            if not self._working:
                self._working = True
                Thread(target=self._work, name="mailfailover-waker", daemon=True).start()

    def flush(self, seconds: float = EXIT_SECONDS) -> bool:
        """
        Wait until all wake-ups are published, for at most so long and not while the broker is away.

        Returns:
            Whether they are.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._away or not self._waiting, seconds)
            return not self._waiting

    def _work(self) -> None:
        """
        Publish until nothing waits.
        """
        pause = FIRST_PAUSE
        while (mail_id := self._next()) is not None:
            try:
                self._publish(mail_id)
            except self._errors as exc:
                self._lose(exc)
                self._sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
                continue
            except BaseException:
                self._working = False  # the next mail begins anew
                raise
            pause = FIRST_PAUSE
            with self._changed:
                self._away = False
                self._waiting.popleft()
                self._changed.notify_all()

    def _next(self) -> str | None:
        with self._changed:
            if self._waiting:
                return self._waiting[0]
            self._working = False
            return None

    def _lose(self, exc: Exception) -> None:
        with self._changed:
            first, self._away = not self._away, True
            self._changed.notify_all()
        if first:
            logger.warning(
                "the broker is away (%s): mails wait in the outbox until it is back",
                type(exc).__name__,
            )


_living: WeakSet[Waker] = WeakSet()


@atexit.register
def _flush_all() -> None:
    for waker in tuple(_living):
        waker.flush()
