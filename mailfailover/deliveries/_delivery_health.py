"""
:class:`DeliveryHealth`: what becomes of accepted mails decides where the next ones go.
"""

from __future__ import annotations

from collections import OrderedDict
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING

from mailfailover._chain.alarms import (
    DeliveriesDown,
    DeliveriesUp,
    ReceiverDown,
    ReceiverUp,
    WebhooksSilent,
)
from mailfailover._chain.log import logger
from mailfailover._chain.observe import MailSent, WebhookRefused, tell
from mailfailover._sql import schema
from mailfailover._sql.database import DATABASE_ERRORS, reading
from mailfailover._values.events import DeliveryEvent, EventType
from mailfailover._values.face import published_in
from mailfailover._values.fork import after_fork
from mailfailover._values.receipt import RecipientStatus
from mailfailover.deliveries._cell import ALL, Cell, Place
from mailfailover.deliveries._counts import (
    BLOCKED,
    BOUNCED,
    HEARD,
    LAG,
    REFUSED,
    SENT,
    Buffer,
    delay_class,
)
from mailfailover.deliveries._judge import Judge
from mailfailover.deliveries._owing import debtors
from mailfailover.deliveries._routing import Routing, Situation
from mailfailover.deliveries._store import (
    compact,
    read_cells,
    read_counts,
    read_first,
    read_sent,
    take_turn,
    write_cells,
    write_counts,
)
from mailfailover.deliveries._tables import PART
from mailfailover.deliveries._words import blames_sender
from mailfailover.receivers import receiver_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from sqlalchemy import Engine

    from mailfailover._chain.candidate import Candidate
    from mailfailover._chain.observe import Observer
    from mailfailover._message.message import Message
    from mailfailover._provider.link import Link
    from mailfailover._provider.warmup import Warmup
    from mailfailover.tracking import Tracking

JUDGE_SECONDS = 60.0
COMPACT_SECONDS = 3600.0
DAY = 86400
_REMEMBERED = 100_000
_OLDEST = 2 * DAY
_LONGEST_LAG = 3600.0
_ACCEPTED = frozenset({RecipientStatus.ACCEPTED, RecipientStatus.QUEUED})


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
        self._warmups: dict[str, Warmup] = {}
        self._cells: Mapping[Place, Cell] = {}
        self._usual: Mapping[Place, float] = {}
        self._silent: Mapping[str, str] = {}
        self._begin()
        after_fork(self._begin)

    def _begin(self) -> None:
        self._buffer = Buffer()
        self._routing = Routing(self._receiver_of, self._unwritten, self.clock)
        self._seen: OrderedDict[tuple[str, str, str], None] = OrderedDict()
        self._lock = Lock()
        self._stop = Event()
        self._thread: Thread | None = None

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

    # What a chain asks

    def for_links(self, links: Iterable[Link]) -> None:
        """
        Know the warm-ups of a chain's *links*.
        """
        self._warmups = {link.key: link.warmup for link in links if link.warmup is not None}

    def order(self, message: Message, candidates: Iterable[Candidate]) -> Iterable[Candidate]:
        """
        Return *candidates* with those at the end that would hardly reach the recipients.
        """
        return self._routing.order(message, candidates)

    def owing(self, message: Message) -> tuple[str, ...]:
        """
        Return the links that still owe the mail that *message* comes *after*.

        These accepted it, and no event told that it was delivered. Of a mail that is not known, or
        that cannot be looked up now, nobody owes anything.
        """
        try:
            status = self.tracking.status(message.after)
        except DATABASE_ERRORS as exc:
            logger.warning("mail %s cannot be looked up: %s", message.after, type(exc).__name__)
            return ()
        if status is None:
            logger.info("mail %s is not tracked: mail %s avoids no link", message.after, message.id)
            return ()
        return debtors(status, {one.email.lower() for one in message.recipients})

    def holds_back(self, message: Message) -> str:
        """
        Return the receiver that is down for *all* recipients of a mail, "" to let it through.

        Now and then a mail is let through, to find out whether the receiver is up again.
        """
        return self._routing.holds_back(message)

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
        return dict(self._cells)

    # What it hears

    def __call__(self, event: object) -> None:
        """
        Count a send, an event or a refused webhook; anything else is no matter of deliveries.
        """
        if isinstance(event, MailSent):
            self._count_sent(event)
        elif isinstance(event, DeliveryEvent):
            self._count_event(event)
        elif isinstance(event, WebhookRefused):
            self._buffer.add(self.clock(), event.provider, "", REFUSED)
        else:
            return
        if self._thread is None and self.every is not None:
            self._start()

    def _count_sent(self, event: MailSent) -> None:
        message, receipt = event.message, event.receipt
        if message.send_at is not None:
            return
        now = self.clock()
        for email, status in receipt.recipients.items():
            if status in _ACCEPTED:
                receiver = self._receiver_of(email.rpartition("@")[2])
                self._buffer.add(now, receipt.provider, receiver, SENT)

    def _count_event(self, event: DeliveryEvent) -> None:
        now = self.clock()
        happened = now if event.timestamp is None else min(event.timestamp.timestamp(), now)
        self._buffer.add(now, event.provider, "", HEARD)
        lag = int(min(now - happened, _LONGEST_LAG))
        if lag:
            self._buffer.add(now, event.provider, "", LAG, lag)
        what = _meaning(event)
        if not what or not event.recipient:
            return
        accepted = self.tracking.accepted(event)
        if accepted is None or not -DAY < happened - accepted < _OLDEST:
            return
        if self._is_repeated(event, what):
            return
        if what == EventType.DELIVERED:
            what = delay_class(max(0.0, happened - accepted))
        receiver = self._receiver_of(event.recipient.rpartition("@")[2])
        self._buffer.add(accepted, event.provider, receiver, what)

    def _is_repeated(self, event: DeliveryEvent, what: str) -> bool:
        key = (event.mail_id or event.provider_message_id, event.recipient.lower(), what)
        with self._lock:
            if key in self._seen:
                return True
            self._seen[key] = None
            if len(self._seen) > _REMEMBERED:
                self._seen.popitem(last=False)
        return False

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
        now = self.clock()
        counts = self._buffer.take()
        try:
            with self.engine.begin() as connection:
                write_counts(connection, counts)
        except BaseException:
            self._buffer.give_back(counts)
            raise
        with self.engine.begin() as connection:
            judging = take_turn(connection, "judge", now, JUDGE_SECONDS)
            if take_turn(connection, "compact", now, COMPACT_SECONDS):
                compact(connection, now)
        if judging:
            self._judge(now)
        self._read(now)
        return self.snapshot()

    def _judge(self, now: float) -> None:
        with reading(self.engine) as connection:
            before, _ = read_cells(connection)
            judge = Judge(read_counts(connection, now), now, before)
        verdicts = judge.verdicts()
        usual = {place: judge.an_hour(place) for place in verdicts.cells}
        with self.engine.begin() as connection:
            write_cells(connection, before, verdicts.cells, usual)
        self._tell(before, verdicts.cells)
        for key in verdicts.silent.keys() - self._silent.keys():
            self._say(WebhooksSilent(key, verdicts.silent[key]))
        self._silent = verdicts.silent

    def _read(self, now: float) -> None:
        with reading(self.engine) as connection:
            cells, usual = read_cells(connection)
            sent = read_sent(connection, now - 3600.0)
            left = self._left(read_sent(connection, now // DAY * DAY), read_first(connection), now)
        self._cells, self._usual = cells, usual
        ill = {place: cell for place, cell in cells.items() if cell.is_ill}
        self._routing.situation = Situation(ill, usual, sent, left) if ill or left else None

    def _left(
        self, today: Mapping[Place, int], first: Mapping[str, float], now: float
    ) -> dict[str, float]:
        """
        How many recipients more each link that warms up may get today.
        """
        left = {}
        for key, plan in self._warmups.items():
            day = int(now // DAY - first.get(key, now) // DAY)
            sent = sum(number for (link, _), number in today.items() if link == key)
            left[key] = plan.on_day(day) - sent
        return left

    def _unwritten(self, link: str, receiver: str) -> int:
        return self._buffer.sent(link, receiver)

    def _tell(self, before: Mapping[Place, Cell], after: Mapping[Place, Cell]) -> None:
        ill = {place for place, cell in after.items() if cell.is_ill}
        was_ill = {place for place, cell in before.items() if cell.is_ill}
        for place in sorted(ill - was_ill):
            link, receiver = place
            if ALL not in place and {(link, ALL), (ALL, receiver)} & ill:
                continue  # the whole link or receiver is told of
            cell = after[place]
            if link == ALL:
                self._say(ReceiverDown(receiver, cell.detail))
            else:
                self._say(DeliveriesDown(link, receiver, str(cell.state), cell.detail))
        for link, receiver in sorted(was_ill - ill):
            up = ReceiverUp(receiver) if link == ALL else DeliveriesUp(link, receiver)
            self._say(up)

    def _say(self, event: object) -> None:
        is_up = isinstance(event, (DeliveriesUp, ReceiverUp))
        (logger.info if is_up else logger.warning)("%s", event)
        tell(self.observers, event)

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


def _meaning(event: DeliveryEvent) -> str:
    """
    What an event is counted as, "" for nothing.
    """
    if event.type is EventType.DELIVERED:
        return EventType.DELIVERED.value
    if blames_sender(event):
        return BLOCKED
    return BOUNCED if event.type is EventType.BOUNCED else ""
