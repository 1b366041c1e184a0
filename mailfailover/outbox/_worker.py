"""
:class:`OutboxWorker`: takes mails out of the outbox and sends them.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from datetime import timedelta
from threading import Lock
from typing import TYPE_CHECKING, Any

from mailfailover._chain.observe import tell
from mailfailover._values.face import published_in
from mailfailover._values.fork import fresh_rng
from mailfailover._values.ulid import new_id
from mailfailover.errors import ConfigurationError
from mailfailover.outbox._crew import Crew, Duties
from mailfailover.outbox._delivery import Delivery
from mailfailover.outbox._group_commit import Writes
from mailfailover.outbox._lease import claim, give_back, renew
from mailfailover.outbox._rules import Rules
from mailfailover.outbox._sweep import BATCH, sweep
from mailfailover.outbox._tables import State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
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

        threads: How many mails :meth:`run` sends at the same time.

        lease: Seconds after which a mail whose worker gave no sign of life is free again.

        poll: Seconds after which an idle worker looks again.

        max_tries:
            After so many tries a mail that no provider took is dead. A try takes as long as
            the mailer's *timeout*.

        pause:
            Seconds between the first try and the second; then doubled each time, up to four
            hours.

        max_lost: After so many workers died in the middle of sending it, a mail is dead.

        unknown_after: Seconds after which a mail that may have been sent is sent again.

        observers: Callables that are told of each :class:`Ending`.

        rng: Chance, for the jitter of pauses.

    Attributes:
        counts: How many tries ended in each state.

        seen: When it last looked for work, on the clock of ``time.monotonic``.

    .. versionadded:: 0.1.0
    """

    def __init__(
        self,
        outbox: Outbox,
        mailer: Mailer,
        *,
        threads: int = 4,
        lease: float = 60.0,
        poll: float = 1.0,
        max_tries: int = 12,
        pause: float = 60.0,
        max_lost: int = 3,
        unknown_after: float = 600.0,
        observers: Iterable[Callable[[Any], object]] = (),
        rng: Random | None = None,
    ) -> None:
        if threads < 1:
            message = f"threads must be 1 or more, not {threads}"
            raise ConfigurationError(message)
        self.outbox = outbox
        self.mailer = mailer
        self.threads = threads
        self.poll = poll
        self.rules = Rules(
            lease=lease,
            max_tries=max_tries,
            max_lost=max_lost,
            pause=pause,
            unknown_after=unknown_after if mailer.policy.on_unknown == "resend" else None,
            keep=outbox.keep,
        )
        self.observers = tuple(observers)
        self.counts: Counter[State] = Counter()
        self.stopping = False
        self.seen = time.monotonic()
        self._owner = new_id()
        self._writes = Writes(outbox.engine)
        self._rng = rng or fresh_rng()
        self._lock = Lock()
        self._held: set[int] = set()

    def run_once(self, limit: int | None = None) -> int:
        """
        Send what is due now, one mail after the other, in this thread.

        Args:
            limit: At most so many.

        Returns:
            How many were taken, however they ended.
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
            How it ended; None where there was nothing to do.
        """
        leases = self.claim(1, mail_id)
        return self.deliver(leases[0]) if leases else None

    def run(self) -> None:
        """
        Send mails until :meth:`stop`, then finish those that are being sent.

        A database that is away is waited for.
        """
        duties = Duties(self.sweep, self.claim, self.deliver, self.give_back, self.renew)
        beat = self.rules.lease / BEATS
        crew = Crew(duties, threads=self.threads, poll=self.poll, beat=beat)

        def on_add(_mail_id: str) -> None:
            crew.look()

        self.outbox.on_add.append(on_add)
        try:
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
        self.seen = time.monotonic()
        total = 0
        while True:
            with self._writes.alone() as connection:
                count = sweep(connection, self.outbox.now(), self.rules)
            total += count
            if count < BATCH:
                return total

    def claim(self, limit: int, mail_id: str = "") -> list[Lease]:
        """
        Take mails whose turn it is; they are to be delivered or given back.
        """
        until = self.outbox.now() + timedelta(seconds=self.rules.lease)
        with self._writes.alone() as connection:
            leases = claim(connection, self._owner, until, limit=limit, mail_id=mail_id)
        with self._lock:
            self._held.update(lease.number for lease in leases)
        return leases

    def deliver(self, lease: Lease) -> Ending | None:
        """
        Send one mail that was taken.
        """
        try:
            ending = Delivery(
                self.outbox, self._writes, self.mailer, lease, self.rules, rng=self._rng
            ).run()
        finally:
            self._let_go([lease])
        if ending is not None:
            with self._lock:
                self.counts[ending.state] += 1
            _log(ending)
            tell(self.observers, ending)
        return ending

    def give_back(self, leases: list[Lease]) -> None:
        """
        Let others send mails that were taken, and not begun.
        """
        with self._writes.alone() as connection:
            give_back(connection, leases)
        self._let_go(leases)

    def renew(self) -> None:
        """
        Tell that it is alive: prolong the leases of all mails it has.
        """
        with self._lock:
            numbers = list(self._held)
        if numbers:
            until = self.outbox.now() + timedelta(seconds=self.rules.lease)
            with self._writes.alone() as connection:
                renew(connection, self._owner, numbers, until)

    def _let_go(self, leases: Iterable[Lease]) -> None:
        with self._lock:
            self._held.difference_update(lease.number for lease in leases)


def _log(ending: Ending) -> None:
    level = logging.INFO if ending.state is State.SENT else logging.WARNING
    told = ending.reason or f"by {ending.provider}"
    logger.log(
        level,
        "mail %s: %s: %s",
        ending.mail_id,
        ending.state,
        told.partition("\n")[0],
        extra={"mail_id": ending.mail_id, "state": str(ending.state)},
    )
