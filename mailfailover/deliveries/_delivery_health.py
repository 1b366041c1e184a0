"""
:class:`DeliveryHealth`: what becomes of accepted mails decides where the next ones go.
"""

from __future__ import annotations

from threading import Event, Lock, Thread
from typing import TYPE_CHECKING

from mailfailover._chain.log import logger
from mailfailover._sql import schema
from mailfailover._sql.database import DATABASE_ERRORS, reading
from mailfailover._values.face import published_in
from mailfailover._values.fork import after_fork
from mailfailover.deliveries._apart import Apart
from mailfailover.deliveries._bulletin import publish
from mailfailover.deliveries._cell import ALL
from mailfailover.deliveries._cell_rows import read_cells
from mailfailover.deliveries._count_rows import (
    compact,
    read_apart,
    read_first,
    read_hopes,
    read_sent,
    write_apart,
    write_counts,
)
from mailfailover.deliveries._counts import HOUR, Buffer
from mailfailover.deliveries._listener import Listener
from mailfailover.deliveries._owing import is_owed, owing
from mailfailover.deliveries._report import DeliveryReport, read_outages, read_report
from mailfailover.deliveries._routing import Routing
from mailfailover.deliveries._sitting import Sitting
from mailfailover.deliveries._situation import Situation
from mailfailover.deliveries._tables import PART
from mailfailover.deliveries._turns import take_turn
from mailfailover.deliveries._warmups import DAY, Warmups
from mailfailover.receivers import receiver_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from sqlalchemy import Engine

    from mailfailover._chain.candidate import Candidate
    from mailfailover._chain.observe import Observer, SilentOutage
    from mailfailover._message.address import Address
    from mailfailover._message.message import Message
    from mailfailover._provider.link import Link
    from mailfailover.deliveries._cell import Cell, Place
    from mailfailover.tracking import Tracking


_HOPE = HOUR / 2
"""Seconds in which the latest mails of an ill cell were sent."""


@published_in("mailfailover.deliveries")
class DeliveryHealth:
    """
    Learns from delivery events whether the mails of each link reach each receiver.

    Give it to a mailer, ``Mailer(deliveries=...)``: it then hears of each send and each event, and
    mails prefer the links that reach their receiver. It lies in the tracking's database, so all
    processes that share that know the same.

    Args:
        tracking: Which mail went where.

        receivers:
            Names the receiver of a domain: :func:`mailfailover.receivers.receiver_of`, or a
            :class:`mailfailover.receivers.Receivers` that asks the DNS.

        observers: Who is told of :class:`DeliveriesDown` and its siblings.

        every:
            Seconds between two looks at the database, in a thread of its own; None where the
            program calls :meth:`check`.

        clock: Seconds since 1970; the tracking's where None.

    .. versionadded:: 0.1.0
    """

    def __init__(
        self,
        tracking: Tracking,
        *,
        receivers: Callable[[str], str] | None = None,
        observers: Iterable[Observer] = (),
        every: float | None = 15.0,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.tracking = tracking
        self.engine: Engine = tracking.engine
        self.clock: Callable[[], float] = clock or tracking.clock
        self.observers: tuple[Observer, ...] = tuple(observers)
        self.every = every
        self._receiver_of = receivers or receiver_of
        self._warmups = Warmups()
        self._cells: Mapping[Place, Cell] = {}
        self._usual: Mapping[Place, float] = {}
        self._begin()
        after_fork(self._begin)

    def _begin(self) -> None:
        self._buffer = self._make_buffer()
        self._apart = Apart()
        self._listener = Listener(
            self.tracking, self._buffer, self._receiver_of, self._apart, self.clock
        )
        self._routing = Routing(self._receiver, self._buffer.sent, self.clock)
        self._sitting = Sitting(self.engine)
        self._lock = Lock()
        self._looking = Lock()
        self._stop = Event()
        self._thread: Thread | None = None

    def _make_buffer(self) -> Buffer:
        """
        Return what counts; in a drill each mail stands for many.
        """
        return Buffer()

    def _receiver(self, domain: str) -> str:
        return self._apart.name(self._receiver_of(domain), self.clock())

    def init(self) -> None:
        """
        Make the tables; where they are there already, do nothing.
        """
        schema.init(self.engine, PART)

    def upgrade(self) -> int:
        """
        Bring the tables to this version of the library; return the version they had.
        """
        return schema.upgrade(self.engine, PART)

    def check_tables(self) -> None:
        """
        Make sure that the tables are those of this version.

        Raises:
            ConfigurationError: If not; it says what to run.
        """
        schema.check(self.engine, PART)

    # Questions of a chain

    def for_links(self, links: Iterable[Link]) -> None:
        """
        Know the warm-ups of a chain's *links*.
        """
        self._warmups = Warmups.of(links)

    def order(self, message: Message, candidates: Iterable[Candidate]) -> Iterable[Candidate]:
        """
        Return *candidates* with those at the end that would hardly reach the recipients.
        """
        return self._routing.order(message, candidates)

    def split(self, message: Message) -> Sequence[tuple[Address, ...]]:
        """
        Return the recipients of a merge in groups: those whom the same links do not reach.
        """
        return self._routing.split(message)

    def owing(self, message: Message) -> tuple[str, ...]:
        """
        Return the links that still owe the mail that *message* comes *after*.

        These accepted it, and no event told that it was delivered. Of a mail that is not known, or
        that cannot be looked up now, nobody owes anything.
        """
        return owing(self.tracking, message)

    def holds_back(self, message: Message) -> str:
        """
        Return the receiver that is down for *all* recipients of a mail, "" to let it through.

        Now and then a mail is let through, to find out whether the receiver is up again.
        """
        return self._routing.holds_back(message)

    def is_owed(self, mail_id: str) -> bool | None:
        """
        Whether nobody has a mail that was accepted, and no event tells how that ended.

        Returns:
            None where the mail is not tracked, or cannot be looked up now.
        """
        return is_owed(self.tracking, mail_id)

    def ill_links(self) -> frozenset[str]:
        """
        Return the links that do not reach some receiver, or all.
        """
        return frozenset(
            link for (link, _), cell in self._cells.items() if cell.is_ill and link != ALL
        )

    def second_ways(self, message: Message, first: str, others: Iterable[str]) -> tuple[str, ...]:
        """
        Return the links of *others* by which a mail may go once more that *first* does not deliver.
        """
        return self._routing.second_ways(message, first, others)

    def held(self, message: Message, *, is_new: bool = True) -> Mapping[str, str]:
        """
        Return the recipients who cannot get a mail now, each with the receiver that is down.

        A mail to several is held only where none of them can be reached; of a merge, each
        recipient's own mail. Of those that are new, now and then one is let through.
        """
        return self._routing.held(message, is_new=is_new)

    def is_down(self, receiver: str) -> bool:
        """
        Whether no link reaches *receiver*.
        """
        return self._routing.is_down(receiver)

    def is_probe_due(self, receiver: str) -> bool:
        """
        Whether it is time to try whether *receiver* is up again.
        """
        return self._routing.is_probe_due(receiver)

    def usual(self, receiver: str) -> float:
        """
        How many recipients an hour *receiver* usually gets through all links.
        """
        return sum(number for place, number in self._usual.items() if place[1] == receiver)

    def snapshot(self) -> dict[Place, Cell]:
        """
        Return how each cell stood at the last look: ``{(key, receiver): Cell}``.

        A link that is ill as a whole is ``(key, "*")``, a receiver that no link reaches
        ``("*", receiver)``.
        """
        return {
            place: cell for place, cell in self._cells.items() if cell.is_ill or ALL not in place
        }

    def report(self) -> DeliveryReport:
        """
        Return how deliveries stand by the database, and which webhooks are silent.

        Raises:
            Exception: SQLAlchemy's, if the database is away.
        """
        return read_report(self.engine, self.clock())

    def silent_outages(self) -> dict[str, SilentOutage | None]:
        """
        Return each link with its outage as a whole, None where it delivers as usual.

        That is what a :class:`~mailfailover.tracking.SilentOutageWatch` tells of.

        Raises:
            Exception: SQLAlchemy's, if the database is away.
        """
        return read_outages(self.engine, self.clock())

    # Events

    def __call__(self, event: object) -> None:
        """
        Count a send, an event or a refused webhook; anything else is no matter of deliveries.
        """
        if self._listener.hear(event) and self._thread is None and self.every is not None:
            self._start()

    # The look at the database

    def begin(self) -> None:
        """
        Read how all cells stand, and go on doing so in a thread of its own.

        A database that is away is looked at again by that thread.
        """
        try:
            self._read(self.clock())
        except DATABASE_ERRORS as exc:
            logger.warning("deliveries cannot be read now: %s", type(exc).__name__)
        if self._thread is None and self.every is not None:
            self._start()

    def check(self) -> dict[Place, Cell]:
        """
        Write what was counted, judge if it is this process's turn, and read how all cells stand.

        Raises:
            Exception: SQLAlchemy's, if the database is away; what was counted is kept.
        """
        with self._looking:
            now = self.clock()
            self._write(now)
            news = self._sitting.hold(now)
            self._read(now)
        publish(self.observers, news)
        return self.snapshot()

    def _write(self, now: float) -> None:
        counts = self._buffer.take()
        try:
            with self.engine.begin() as connection:
                write_counts(connection, counts)
        except BaseException:
            self._buffer.give_back(counts)
            raise
        with self.engine.begin() as connection:
            write_apart(connection, self._apart.new(now))
            if take_turn(connection, "compact", now, HOUR):
                compact(connection, now)

    def _read(self, now: float) -> None:
        with reading(self.engine) as connection:
            cells, usual = read_cells(connection)
            ill = {place: cell for place, cell in cells.items() if cell.is_ill}
            sent = read_sent(connection, now - HOUR) if ill else {}
            hopes = read_hopes(connection, now - _HOPE) if ill else frozenset()
            left = {}
            if self._warmups:
                today = read_sent(connection, now // DAY * DAY)
                left = self._warmups.left(today, read_first(connection), now)
            self._apart.since = read_apart(connection)
        self._cells, self._usual = cells, usual
        self._routing.situation = (
            Situation(ill, usual, sent, left, _well_since(cells), hopes) if ill or left else None
        )

    # Its thread

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = Thread(target=self._run, name="mailfailover-deliveries", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        stop, every = self._stop, self.every
        while not stop.wait(every):
            try:
                self.check()
            except DATABASE_ERRORS as exc:
                logger.warning("deliveries cannot be judged now: %s", type(exc).__name__)

    def close(self) -> None:
        """
        End its thread and write what was counted. The engine is the tracking's, and stays open.
        """
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        self.check()


def _well_since(cells: Mapping[Place, Cell]) -> dict[Place, float]:
    return {place: cell.since for place, cell in cells.items() if cell.since and not cell.is_ill}
