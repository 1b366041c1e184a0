"""
:class:`OutboxWorker`: takes mails out of the outbox and sends them.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, Any

from mailfailover._chain.observe import tell
from mailfailover._sql.database import reading
from mailfailover._values.face import published_in
from mailfailover._values.fork import fresh_rng
from mailfailover.errors import ConfigurationError
from mailfailover.outbox._berths import Berths
from mailfailover.outbox._comebacks import Comebacks
from mailfailover.outbox._crew import Crew, Duties
from mailfailover.outbox._delivery import Delivery, Parts
from mailfailover.outbox._group_commit import Writes
from mailfailover.outbox._holds import Holds
from mailfailover.outbox._identity import identity, is_gone
from mailfailover.outbox._lease import claim, claim_one, give_back, has_ready, renew
from mailfailover.outbox._rules import Rules
from mailfailover.outbox._sweep import BATCH, end_leases, owners, release, sweep
from mailfailover.outbox._tables import Lane, State
from mailfailover.outbox._throttle import Throttle
from mailfailover.outbox._watchman import Watchman

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from random import Random

    from mailfailover._mailer.mailer import Mailer
    from mailfailover.outbox._lease import Lease
    from mailfailover.outbox._outbox import Outbox
    from mailfailover.outbox._verdict import Ending

logger = logging.getLogger("mailfailover.outbox")

BEATS = 3
"""How often a lease is renewed before it would end."""


@published_in("mailfailover.outbox")
class OutboxWorker:
    """
    Sends the mails of an outbox through a mailer.

    Any number of workers may share an outbox, in this process, in others, and, with a database
    server, on other machines.

    Args:
        outbox: Where the mails are.

        mailer: What sends them. Its *on_unknown* also says what becomes of a mail that may have
            been sent when a worker died: sent again after *unknown_after*, or left alone.

        threads:
            How many mails :meth:`run` sends at the same time. None is as many as pay, up to 256:
            few while mails wait for the database, many while they wait for vendors.

        lease: Seconds after which a mail whose worker gave no sign of life is free again.

        poll: Seconds after which an idle worker looks again.

        max_tries:
            After so many tries a mail that no provider took is dead. None leaves that to its
            *expires*. A try takes as long as the mailer's *timeout*.

        pause:
            Seconds between the first try and the second; then doubled each time, up to four
            hours. A provider that comes back ends the pauses of the mails that wait for it.

        max_lost:
            After so many workers died while they sent it, with nothing beside it, a mail is dead.

        unknown_after: Seconds after which a mail that may have been sent is sent again.

        name:
            A name that no other worker has. A restarted worker takes at once what the
            last one with this name held. Without a name, that works on the same machine only.

        observers: Callables that are told of each :class:`Ending`.

        clock: Seconds since 1970; that of the outbox where not given.

        rng: Chance, for the jitter of pauses.

    Attributes:
        counts: How many tries ended in each state.

        seen: When it last looked for work, on the clock of ``time.monotonic``.

    Raises:
        ConfigurationError: If a number makes no sense.

    .. versionadded:: 0.1.0
    """

    def __init__(
        self,
        outbox: Outbox,
        mailer: Mailer,
        *,
        threads: int | None = None,
        lease: float = 60.0,
        poll: float = 0.5,
        max_tries: int | None = None,
        pause: float = 60.0,
        max_lost: int = 3,
        unknown_after: float = 600.0,
        name: str = "",
        observers: Iterable[Callable[[Any], object]] = (),
        clock: Callable[[], float] | None = None,
        rng: Random | None = None,
    ) -> None:
        if threads is not None and threads < 1:
            message = f"threads must be 1 or more, not {threads}"
            raise ConfigurationError(message)
        self.outbox = outbox
        self.mailer = mailer
        self.clock = clock
        self.poll = poll
        self.rules: Rules = Rules(
            lease=lease,
            max_tries=max_tries,
            max_lost=max_lost,
            pause=pause,
            unknown_after=unknown_after if mailer.policy.on_unknown == "resend" else None,
            keep=outbox.keep,
            keep_content=outbox.keep_content,
        )
        self.observers: tuple[Callable[[Any], object], ...] = tuple(observers)
        self.counts: Counter[State] = Counter()
        self.stopping: bool = False
        self.seen: float = time.monotonic()
        self._owner = identity(name)
        self._throttle = Throttle() if threads is None else Throttle(threads, threads)
        self._parts = Parts(
            engine=outbox.engine,
            seal=outbox.seal,
            now=self.now,
            mailer=mailer,
            writes=Writes(outbox.engine),
            rules=self.rules,
            berths=Berths(self._berth_count, is_shared=len(mailer.chain.keys) > 1),
            comebacks=Comebacks(self.now),
            rng=rng or fresh_rng(),
        )
        self._holds = (
            None
            if mailer.deliveries is None
            else Holds(mailer.deliveries, outbox.engine, self._parts.writes, self.now)
        )
        self._watchman = (
            None
            if mailer.deliveries is None
            else Watchman(self._parts, mailer.deliveries, self._tell)
        )
        self._lock = Lock()
        self._held: dict[int, Lane] = {}
        self._looks_for_the_dead = True

    @property
    def threads(self) -> int:
        """
        How many mails :meth:`run` sends at the same time now.
        """
        return self._throttle.limit

    def now(self) -> datetime:
        """
        The time by its clock.
        """
        clock = self.outbox.clock if self.clock is None else self.clock
        return datetime.fromtimestamp(clock(), UTC)

    def run_once(self, limit: int | None = None) -> int:
        """
        Send what is due now, one mail after the other, in this thread.

        Args:
            limit: The most mails to send.

        Returns:
            The number of mails taken, however they ended.
        """
        self.sweep()
        count = 0
        while limit is None or count < limit:
            leases = self.claim(1)
            if not leases:
                break
            self.deliver(leases[0])
            count += 1
        return count

    def send(self, mail_id: str) -> Ending | None:
        """
        Send this mail now, in this thread, if it is due and no other worker has it.

        Returns:
            How the send ended; None if there was nothing to do.
        """
        leases = self.claim(1, mail_id)
        return self.deliver(leases[0]) if leases else None

    def run(self) -> None:
        """
        Send mails until :meth:`stop`, then finish those that are being sent.

        A database that is away is waited for.
        """
        duties = Duties(
            self._sweep_some,
            self._claim_lanes,
            self.deliver,
            self.give_back,
            self.renew,
            self._has_suspects,
            lambda: self._parts.writes.waited,
        )
        beat = self.rules.lease / BEATS
        crew = Crew(duties, throttle=self._throttle, poll=self.poll, beat=beat)

        def on_add(_mail_id: str) -> None:
            crew.look()

        self.outbox.on_add.append(on_add)
        try:
            with self._watchman.looking(self.poll) if self._watchman else nullcontext():
                crew.run(lambda: self.stopping)
        finally:
            self.outbox.on_add.remove(on_add)

    def stop(self) -> None:
        """
        Let :meth:`run` end; safe in a signal handler.
        """
        self.stopping = True

    def sweep(self) -> int:
        """
        Move on all mails whose time has come; return how many there were.

        Scheduled mails take their turn, mails of dead workers are given to others, finished ones
        are forgotten when they were kept long enough. :meth:`run` and :meth:`run_once` see to
        that by themselves.
        """
        self._prepare_sweep()
        if self._watchman is not None:
            self._watchman.look()
        total = 0
        while count := self._sweep_batch():
            total += count
        return total

    def claim(self, limit: int, mail_id: str = "") -> list[Lease]:
        """
        Take mails whose turn it is; they are to be delivered or given back.

        A mail that is to be sent alone is taken if nothing else is being sent.
        """
        parts, until = self._parts, self._until()
        with parts.writes.alone() as connection:
            with self._lock:
                held = tuple(self._held.values())
            if Lane.ALONE in held:
                return []
            if mail_id:
                leases = claim_one(connection, self._owner, until, mail_id, is_free=not held)
            else:
                leases = []
                for lane in (Lane.SOON, Lane.BULK):
                    room = {lane: limit - len(leases)}
                    leases += claim(connection, self._owner, until, room)
                if not leases and not held:
                    leases = claim(connection, self._owner, until, {Lane.ALONE: 1})
            self._hold(leases)
        return leases

    def deliver(self, lease: Lease) -> Ending | None:
        """
        Send one mail that was taken.
        """
        try:
            ending = Delivery(self._parts, lease).run()
        finally:
            self._let_go([lease])
        if ending is not None:
            with self._lock:
                self.counts[ending.state] += 1
            self._tell(ending)
        return ending

    def _tell(self, ending: Ending) -> None:
        _log(ending)
        tell(self.observers, ending)

    def give_back(self, leases: list[Lease]) -> None:
        """
        Let others send mails that were taken, and not begun.
        """
        with self._parts.writes.alone() as connection:
            give_back(connection, leases)
        self._let_go(leases)

    def renew(self) -> None:
        """
        Tell that it is alive: prolong the leases of all mails it has.
        """
        self._looks_for_the_dead = True
        with self._lock:
            numbers = list(self._held)
        if numbers:
            with self._parts.writes.alone() as connection:
                renew(connection, self._owner, numbers, self._until())

    def _claim_lanes(self, limits: Mapping[Lane, int]) -> list[Lease]:
        with self._parts.writes.alone() as connection:
            leases = claim(connection, self._owner, self._until(), limits)
            self._hold(leases)
        return leases

    def _has_suspects(self) -> bool:
        with reading(self.outbox.engine) as connection:
            return has_ready(connection, Lane.ALONE)

    def _sweep_some(self) -> bool:
        self._prepare_sweep()
        return self._sweep_batch() >= BATCH

    def _prepare_sweep(self) -> None:
        """
        Let mails be due whose worker is gone, or whose provider is back.
        """
        self.seen = time.monotonic()
        if self._looks_for_the_dead:
            self._end_leases_of_the_dead()
        if self._holds is not None:
            self._holds.look()
        for comeback in self._parts.comebacks.pending():
            with self._parts.writes.alone() as connection:
                count = release(connection, comeback, self.now())
            self._parts.comebacks.released(comeback, count)

    def _end_leases_of_the_dead(self) -> None:
        with reading(self.outbox.engine) as connection:
            found = owners(connection)
        gone = [owner for owner in found if is_gone(owner, self._owner)]
        if gone:
            with self._parts.writes.alone() as connection:
                count = end_leases(connection, gone, self.now())
            logger.warning("%d mails were left by workers that are gone", count)
        self._looks_for_the_dead = False

    def _sweep_batch(self) -> int:
        with self._parts.writes.alone() as connection:
            return sweep(connection, self.now(), self.rules)

    def _until(self) -> datetime:
        return self.now() + timedelta(seconds=self.rules.lease)

    def _berth_count(self) -> int:
        return self._throttle.limit

    def _hold(self, leases: Iterable[Lease]) -> None:
        with self._lock:
            self._held.update((lease.number, lease.lane) for lease in leases)

    def _let_go(self, leases: Iterable[Lease]) -> None:
        with self._lock:
            for lease in leases:
                self._held.pop(lease.number, None)


def _log(ending: Ending) -> None:
    is_plain = ending.state is State.SENT or ending.held_back
    level = logging.INFO if is_plain else logging.WARNING
    told = ending.reason or f"by {ending.provider}"
    logger.log(
        level,
        "mail %s: %s: %s",
        ending.mail_id,
        ending.state,
        told.partition("\n")[0],
        extra={"mail_id": ending.mail_id, "state": str(ending.state)},
    )
