"""
The courier: posts the events of accepted mails to the configured webhooks.
"""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from mailfailover.chaos._event_templates import event_payload, told_kinds
from mailfailover.chaos._signing import SIGNERS, Posting
from mailfailover.errors import SendError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailfailover._values.wire import HTTPRequest, Response
    from mailfailover.chaos._keys import Keys
    from mailfailover.chaos._mail import AcceptedMail

__all__ = ["Courier", "Told"]

_REPEATS = (1.0, 5.0)
_TIMEOUT = 10.0
_MOST = 10_000


@dataclass(frozen=True, slots=True)
class Told:
    """
    One attempt to post an event.
    """

    number: int
    kind: str
    recipient: str
    status: int
    """The status of the answer; 0 without an answer."""

    def to_dict(self) -> dict[str, Any]:
        """
        The attempt as JSON has it.
        """
        return {"kind": self.kind, "recipient": self.recipient, "status": self.status}


@dataclass(frozen=True, slots=True)
class _Event:
    mail: AcceptedMail
    kind: str
    recipient: str
    url: str
    event_id: str
    attempt: int = 0


class Courier:
    """
    Posts events when they are due, in a thread of its own.

    An event without a 2xx answer is posted twice more, with a new signature each time.

    Args:
        send: Makes a call, with a time limit in seconds.
    """

    def __init__(
        self,
        keys: Keys,
        send: Callable[[HTTPRequest, float], Response],
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.told: deque[Told] = deque(maxlen=_MOST)
        self._keys = keys
        self._send = send
        self._clock = clock
        self._wall = wall
        self._numbers = itertools.count()
        self._due: list[tuple[float, int, _Event]] = []
        self._changed = threading.Condition()
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="chaos-courier", daemon=True)

    def start(self) -> None:
        """
        Begin to post.
        """
        self._thread.start()

    def stop(self) -> None:
        """
        Stop posting, after the call under way.
        """
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(_TIMEOUT)

    def tell(
        self, mail: AcceptedMail, kind: str, recipient: str, url: str, delay: float = 0.0
    ) -> bool:
        """
        Post an event in *delay* seconds; False where the vendor tells no such events.
        """
        if kind not in told_kinds(mail.vendor):
            return False
        self._schedule(delay, _Event(mail, kind, recipient, url, uuid4().hex))
        return True

    def _schedule(self, delay: float, event: _Event) -> None:
        with self._changed:
            if len(self._due) < _MOST:
                heapq.heappush(self._due, (self._clock() + delay, next(self._numbers), event))
                self._changed.notify_all()

    def _run(self) -> None:
        while (event := self._next()) is not None:
            self._post(event)

    def _next(self) -> _Event | None:
        with self._changed:
            while not self._ended:
                wait = self._due[0][0] - self._clock() if self._due else None
                if wait is not None and wait <= 0:
                    return heapq.heappop(self._due)[2]
                self._changed.wait(wait)
        return None

    def _post(self, event: _Event) -> None:
        now = self._wall()
        payload = event_payload(event.mail, event.kind, event.recipient, event.event_id, now)
        posting = Posting(payload, event.url, event.event_id, now, self._keys)
        try:
            status = self._send(SIGNERS[event.mail.vendor](posting), _TIMEOUT).status_code
        except SendError:
            status = 0
        self.told.append(Told(event.mail.number, event.kind, event.recipient, status))
        if not 200 <= status < 300 and event.attempt < len(_REPEATS):  # noqa: PLR2004 -- HTTP's successes
            delay = _REPEATS[event.attempt]
            again = _Event(
                event.mail,
                event.kind,
                event.recipient,
                event.url,
                event.event_id,
                event.attempt + 1,
            )
            self._schedule(delay, again)
