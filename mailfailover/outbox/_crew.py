"""
The crew of a running worker: one thread takes mails, others send them, one renews their leases.

Mails that somebody waits for begin before bulk, and bulk leaves some room free for them at all
times. A mail that may be what killed its worker is sent with nothing beside it; between two of
them the others get as much time as the first one took.
"""

from __future__ import annotations

import logging
from collections import Counter, deque
from concurrent.futures import ThreadPoolExecutor, wait
from threading import Event, RLock, Thread
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy.exc import SQLAlchemyError

from mailfailover.outbox._tables import Lane

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from concurrent.futures import Future

    from mailfailover.outbox._lease import Lease
    from mailfailover.outbox._throttle import Throttle

logger = logging.getLogger("mailfailover.outbox")

MAX_PAUSE = 30.0
"""The longest pause, in seconds, before a database that is away is asked again."""

ADJUST_SECONDS = 0.25


class Duties(NamedTuple):
    """
    The functions that a crew calls.
    """

    sweep: Callable[[], bool]
    """Moves on some mails whose time has come; says whether there are more."""

    claim: Callable[[Mapping[Lane, int]], list[Lease]]
    """Takes mails whose turn it is, up to a number for each lane."""

    deliver: Callable[[Lease], object]
    """Sends a mail."""

    give_back: Callable[[list[Lease]], object]
    """Lets others have those that were not begun."""

    renew: Callable[[], object]
    """Tells that the worker is alive."""

    has_suspects: Callable[[], bool]
    """Says whether mails wait that are to be sent alone."""

    waited: Callable[[], float]
    """Says how many seconds its mails waited for the database, taken together."""


class Crew:
    """
    Takes and sends mails until it is stopped.

    Args:
        duties: The functions that it calls.

        throttle: How many mails it sends at the same time.

        poll: Seconds after which it looks for mails again when it found none.

        beat: Seconds between two signs of life.
    """

    def __init__(self, duties: Duties, *, throttle: Throttle, poll: float, beat: float) -> None:
        self.duties = duties
        self.throttle = throttle
        self.poll = poll
        self.beat = beat
        self.pool = ThreadPoolExecutor(throttle.most, thread_name_prefix="mailfailover")
        self.wake = Event()
        self.done = Event()
        self.lock = RLock()  # a mail may be done before its callback is added
        self.ready: dict[Lane, deque[Lease]] = {Lane.SOON: deque(), Lane.BULK: deque()}
        self.running: dict[Future[object], Lease] = {}
        self.under_way: Counter[Lane] = Counter()
        self.is_dry = False
        """Whether there were fewer mails than it could have taken."""

        self.is_alone = False
        self.next_alone = 0.0
        self.has_suspects = False
        self.next_sweep = 0.0
        self.failures = 0
        self.seconds = 0.0
        self.measured = (monotonic(), 0.0, 0.0)

    def run(self, is_stopping: Callable[[], bool]) -> None:
        """
        Work until *is_stopping*; then give back what was not begun, and finish the rest.
        """
        heart = Thread(target=self._beat, name="mailfailover-heart", daemon=True)
        heart.start()
        try:
            while not is_stopping():
                self.wake.clear()
                self.wake.wait(self._work())
        finally:
            self._finish()
            self.done.set()
            heart.join()

    def look(self) -> None:
        """
        Look for mails at once.
        """
        self.is_dry = False
        self.wake.set()

    def _work(self) -> float:
        """
        Take what there is room for; return how long to wait for more, at most.
        """
        try:
            pause = self._take()
        except SQLAlchemyError as exc:
            self.failures += 1
            pause = min(self.poll * 2.0**self.failures, MAX_PAUSE)
            logger.error(
                "the outbox's database failed (%s); next look in %.0f s", type(exc).__name__, pause
            )
            return pause
        self.failures = 0
        return pause

    def _take(self) -> float:
        now = monotonic()
        self._adjust(now)
        if now >= self.next_sweep:
            has_more = self.duties.sweep()
            self.has_suspects = self.duties.has_suspects()
            self.next_sweep = now if has_more else now + self.poll
        if self.has_suspects and now >= self.next_alone:
            return self._take_one_alone()
        room = self._room()
        leases = self.duties.claim(room) if any(room.values()) else []
        found = Counter(lease.lane for lease in leases)
        with self.lock:
            for lease in leases:
                self.ready[lease.lane].append(lease)
            self._begin()
        asked = [lane for lane, most in room.items() if most]
        self.is_dry = bool(asked) and all(found[lane] < room[lane] for lane in asked)
        return 0.0 if asked and not self.is_dry and self._is_low() else self.poll

    def _room(self) -> dict[Lane, int]:
        """
        How many mails to take: enough that no thread waits while the next ones are claimed.
        """
        with self.lock:
            limit = self.throttle.limit
            held = {lane: self.under_way[lane] + len(self.ready[lane]) for lane in self.ready}
        bulk = limit - self.throttle.reserve
        return {
            Lane.SOON: max(0, 2 * limit - held[Lane.SOON]),
            Lane.BULK: max(0, bulk + limit - held[Lane.BULK] - self.under_way[Lane.SOON]),
        }

    def _begin(self) -> None:
        """
        Begin what there is room for.
        """
        while not self.is_alone and (lane := self._next_lane()) is not None:
            self._submit(self.ready[lane].popleft())

    def _next_lane(self) -> Lane | None:
        limit = self.throttle.limit
        if len(self.running) >= limit:
            return None
        if self.ready[Lane.SOON]:
            return Lane.SOON
        has_room = limit == 1 or self.under_way[Lane.BULK] < limit - self.throttle.reserve
        return Lane.BULK if self.ready[Lane.BULK] and has_room else None

    def _submit(self, lease: Lease) -> None:
        future = self.pool.submit(self._deliver, lease)
        self.running[future] = lease
        self.under_way[lease.lane] += 1
        future.add_done_callback(self._on_done)

    def _deliver(self, lease: Lease) -> object:
        start = monotonic()
        try:
            return self.duties.deliver(lease)
        finally:
            took = monotonic() - start
            with self.lock:
                self.seconds += took
                if lease.lane is Lane.ALONE:
                    self.next_alone = monotonic() + max(took, self.poll)

    def _take_one_alone(self) -> float:
        """
        Wait until nothing is under way, and then send the next mail that is to be sent alone.
        """
        with self.lock:
            self.is_alone = True
            if self.running:
                return self.poll
        leases = self.duties.claim({Lane.ALONE: 1})
        with self.lock:
            for lease in leases:
                self._submit(lease)
            if not leases:
                self.is_alone = self.has_suspects = False
                self._begin()
        return self.poll if leases else 0.0

    def _on_done(self, future: Future[object]) -> None:
        if not future.cancelled() and (error := future.exception()) is not None:
            logger.error("a mail could not be dealt with: %s", type(error).__name__)
        with self.lock:
            lease = self.running.pop(future)
            self.under_way[lease.lane] -= 1
            if lease.lane is Lane.ALONE:
                self.is_alone = False
            self._begin()
            is_over = self.is_alone and not self.running
        if is_over or lease.lane is Lane.ALONE or (self._is_low() and not self.is_dry):
            self.wake.set()

    def _is_low(self) -> bool:
        """
        Whether so few mails are ready that more are to be claimed.
        """
        return sum(map(len, self.ready.values())) <= self.throttle.limit // 2

    def _adjust(self, now: float) -> None:
        """
        Let the throttle know what the last moments were like.
        """
        since, seconds, waited = self.measured
        if now - since < ADJUST_SECONDS:
            return
        with self.lock:
            total, is_full = self.seconds, any(self.ready.values())
        now_waited = self.duties.waited()
        self.measured = (now, total, now_waited)
        self.throttle.adjust(is_full=is_full, seconds=total - seconds, waited=now_waited - waited)

    def _finish(self) -> None:
        with self.lock:
            unbegun = [lease for mails in self.ready.values() for lease in mails]
            for mails in self.ready.values():
                mails.clear()
            running = dict(self.running)
        if unbegun:
            try:
                self.duties.give_back(unbegun)
            except SQLAlchemyError as exc:  # the leases end by themselves
                logger.error("mails could not be given back: %s", type(exc).__name__)
        wait(running)
        self.pool.shutdown()

    def _beat(self) -> None:
        while not self.done.wait(self.beat):
            try:
                self.duties.renew()
            except SQLAlchemyError as exc:
                logger.error("leases could not be renewed: %s", type(exc).__name__)
