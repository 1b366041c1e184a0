"""
:class:`SuppressionList`: the addresses that must not get mail, from all sources.
"""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select

from mailfailover._chain.observe import MailFailed, MailSent
from mailfailover._sql.database import reading, writing
from mailfailover._sql.stored import Stored
from mailfailover._values.events import DeliveryEvent, EventType
from mailfailover._values.face import published_in
from mailfailover._values.frozen import EMPTY
from mailfailover.receivers import receiver_of
from mailfailover.suppression._bounce_rows import lift
from mailfailover.suppression._csv import export_rows, import_rows
from mailfailover.suppression._entry import Reason, Suppression, plain_address, plain_domain
from mailfailover.suppression._evidence import reported, taken_back, told
from mailfailover.suppression._find import find
from mailfailover.suppression._quarantine import read_quarantines
from mailfailover.suppression._rows import entry_of, row_of, store
from mailfailover.suppression._rules import Scope
from mailfailover.suppression._tables import PART, bounces, deliveries, suppressions
from mailfailover.suppression._trial import Court
from mailfailover.suppression._undo import WrongDay, undo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime
    from typing import TextIO

    from sqlalchemy import ColumnElement, Engine

    from mailfailover._chain.observe import Observer
    from mailfailover._message.message import Message
    from mailfailover.suppression._entry import SuppressionState
    from mailfailover.suppression._origins import Origins
    from mailfailover.suppression._quarantine import Quarantine
    from mailfailover.suppression._trial import Cells

_SEND = timedelta(minutes=2)
_MEMORY = timedelta(days=730)


@published_in("mailfailover.suppression")
class SuppressionList(Stored):
    """
    The addresses that must not get mail, learned from every provider and respected at all of them.

    Give it to a :class:`~mailfailover.Mailer` as *suppressions*, as an observer, and as a handler
    of delivery events. An unsubscription holds for the stream of its mail; a
    permanent bounce and a complaint hold for the domain of its From. Without *tracking* nobody
    knows the mail of an event: then each holds for every mail.

    An address that was delivered to before is held for a week when it bounces, and suppressed by
    a second bounce after that. Where a receiver refuses many addresses that it took mail for
    before, its bounces suppress nobody, and observers are told :class:`BouncesQuarantined`.

    Safe to share between threads, and to use after a fork.

    Args:
        database:
            A URL of SQLAlchemy, or an ``Engine``, which is used as it is. Without one it is
            that of the variable MAILFAILOVER_DATABASE, else ``sqlite:///mailfailover.db``.

        tracking: Finds the mail of an event: :class:`~mailfailover.tracking.Tracking`.

        ttl: How long an entry holds, by its reason; for ever where that is not named.

        receivers:
            Names the receiver of a domain: :func:`mailfailover.receivers.receiver_of`, or a
            :class:`mailfailover.receivers.Receivers` that asks the DNS.

        deliveries:
            Knows which receivers are down:
            :class:`~mailfailover.deliveries.DeliveryHealth`. Their bounces suppress nobody.

        observers: Callables that are told of quarantines.

        clock: Seconds since 1970.

    Raises:
        ConfigurationError: If the database cannot be opened.

    .. versionadded:: 0.1.0
    """

    part = PART

    def __init__(
        self,
        database: str | Engine | None = None,
        *,
        tracking: Origins | None = None,
        ttl: Mapping[Reason | str, timedelta] = EMPTY,
        receivers: Callable[[str], str] | None = None,
        deliveries: Cells | None = None,
        observers: Iterable[Observer] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(database, clock)
        self.tracking = tracking
        self.deliveries = deliveries
        self.observers: tuple[Observer, ...] = tuple(observers)
        self.receiver_of: Callable[[str], str] = receivers or receiver_of
        self.ttl: dict[Reason, timedelta] = {Reason(reason): time for reason, time in ttl.items()}

    @property
    def _court(self) -> Court:
        return Court(self.engine, self.tracking, self.receiver_of, self.deliveries, self.observers)

    def find(self, message: Message) -> Mapping[str, str]:
        """
        Return the recipients of *message* who must not get it, with the reason for each.

        The reason of an address that is held is ``"held"``, and has *retry_after*, the seconds
        until that ends.

        Raises:
            AllProvidersFailed: If the list cannot be read: then nothing is sent.
        """
        return find(self.engine, self.tracking, message, self.now())

    def __call__(self, event: object) -> None:
        """
        Heed what a vendor told, or a provider said of a recipient; ignore anything else.

        Raises:
            SQLAlchemyError: If it could not be stored.
        """
        if isinstance(event, (MailSent, MailFailed)):
            for one in reported(event, self._left_out, self._entry, self.now()):
                self._court.hear_bounce(one, self.now())
        elif isinstance(event, DeliveryEvent):
            self._hear(event)

    def _hear(self, event: DeliveryEvent) -> None:
        now = self.now()
        evidence = told(event, self.tracking, self._entry, now)
        if event.type is EventType.DELIVERED:
            self._court.hear_delivery(event, now)
        elif evidence is not None and evidence.is_bounce:
            self._court.hear_bounce(evidence, now, event)
        elif evidence is not None:
            row = row_of(evidence.entry, evidence.mail_id, evidence.provider_message_id)
            with writing(self.engine) as connection:
                store(connection, row)
        elif (back := taken_back(event, self.tracking)) is not None:
            with writing(self.engine) as connection:
                connection.execute(back)

    def _left_out(self, message: Message) -> Mapping[str, str]:
        """
        Return the recipients left out of a mail, also where a hold ended while it was sent.
        """
        return find(self.engine, self.tracking, message, self.now() - _SEND)

    def add(
        self,
        email: str,
        reason: Reason | str = Reason.MANUAL,
        *,
        stream: str = "",
        from_domain: str = "",
        ttl: timedelta | None = None,
        source: str = "",
        detail: str = "",
    ) -> Suppression:
        """
        Stop all mail to *email*.

        Args:
            email: The address.

            reason: Why.

            stream, from_domain: Only mail of these; "" is every one.

            ttl: How long; None is what the list has for this reason.

            source, detail: The origin of the suppression, and its reason in words.

        Raises:
            InvalidMessage: If it is no address, or no domain.
        """
        scope = Scope(stream, plain_domain(from_domain))
        entry = self._entry(email, Reason(reason), scope, source=source, detail=detail)
        if ttl is not None:
            entry = replace(entry, expires=entry.created + ttl)
        with writing(self.engine) as connection:
            store(connection, row_of(entry))
        return entry

    def undo(
        self,
        *,
        domain: str = "",
        since: datetime | None = None,
        until: datetime | None = None,
        response: str = "",
        dry_run: bool = False,
    ) -> tuple[Suppression, ...]:
        """
        Take back the bounces of a wrong day, and what followed from them.

        Complaints, unsubscriptions and what was added by hand as ``manual`` stay. An address that
        also bounced on another day is judged by that alone.

        Args:
            domain: The domain of the addresses, or the name of their receiver, such as
                ``"gmail"``.

            since, until: When it happened; aware times.

            response: A part of what the receiver answered.

            dry_run: Whether to change nothing.

        Returns:
            The lifted entries, as they were before.

        Raises:
            ConfigurationError: If nothing says which bounces are wrong, or a time is wrong.
        """
        wrong = WrongDay(domain=domain, since=since, until=until, response=response)
        with writing(self.engine) as connection:
            lifted = undo(connection, wrong, self.receiver_of)
            if dry_run:
                connection.rollback()
        return tuple(lifted)

    def quarantines(self) -> tuple[Quarantine, ...]:
        """
        Return the receivers whose bounces suppress nobody at present.
        """
        with reading(self.engine) as connection:
            return tuple(read_quarantines(connection, self.now()))

    def remove(
        self,
        email: str,
        *,
        reason: Reason | str | None = None,
        stream: str | None = None,
        from_domain: str | None = None,
    ) -> int:
        """
        Take all entries of *email* out, or those of this kind; return how many there were.

        The bounces that they follow from count no more.
        """
        wanted = {"reason": reason, "stream": stream, "from_domain": from_domain}
        plain = plain_address(email)
        with writing(self.engine) as connection:
            if not stream:  # a bounce is of no stream
                lift(connection, plain, reason=reason, from_domain=from_domain)
            where = _where(email=plain, **wanted)
            return connection.execute(delete(suppressions).where(*where)).rowcount

    def list(
        self,
        email: str | None = None,
        *,
        reason: Reason | str | None = None,
        state: SuppressionState | str | None = None,
        stream: str | None = None,
        from_domain: str | None = None,
        limit: int = 100,
    ) -> tuple[Suppression, ...]:
        """
        Return the latest entries, the newest first; those that have expired too.
        """
        email = email if email is None else plain_address(email)
        wanted = {"reason": reason, "state": state, "stream": stream, "from_domain": from_domain}
        where = _where(email=email, **wanted)
        order = suppressions.c.created.desc(), suppressions.c.key
        query = select(suppressions).where(*where).order_by(*order).limit(limit)
        with reading(self.engine) as connection:
            return tuple(map(entry_of, connection.execute(query)))

    def import_csv(
        self,
        lines: Iterable[str],
        *,
        reason: Reason | str = Reason.MANUAL,
        stream: str = "",
        from_domain: str = "",
        source: str = "import",
    ) -> int:
        """
        Add what the lines of a CSV file say, all or nothing; return how many entries.

        The first line names the columns: ``email``, and any other field of
        :class:`Suppression`. The arguments stand for columns that are missing. Other writers
        to a SQLite file wait until it is through. In a file that was opened with
        ``errors="surrogateescape"``, a line that is not UTF-8 can be named too.

        Raises:
            ImportRefused: If a line is bad; its text names the lines.
        """
        scope = Scope(stream, plain_domain(from_domain))
        default = self._entry("any@example.com", Reason(reason), scope, source=source)
        with writing(self.engine) as connection:
            return import_rows(connection, lines, default)

    def export_csv(self, file: TextIO) -> int:
        """
        Write all entries that keep mail back to *file* as CSV; return how many there are.
        """
        with reading(self.engine) as connection:
            return export_rows(connection, file)

    def purge(self) -> int:
        """
        Forget entries that have expired, and bounces and deliveries that are older than two years.

        Returns:
            How many entries there were.
        """
        now = self.now()
        with writing(self.engine) as connection:
            connection.execute(delete(bounces).where(bounces.c.received < now - _MEMORY))
            connection.execute(delete(deliveries).where(deliveries.c.last < now - _MEMORY))
            old = delete(suppressions).where(suppressions.c.expires <= now)
            return connection.execute(old).rowcount

    def _entry(self, email: str, reason: Reason, scope: Scope, **fields: Any) -> Suppression:
        now, ttl = self.now(), self.ttl.get(reason)
        given = {"created": now, "expires": ttl and now + ttl, **scope._asdict(), **fields}
        return Suppression(email=plain_address(email), reason=reason, **given)


def _where(**wanted: str | None) -> list[ColumnElement[bool]]:
    return [suppressions.c[name] == str(one) for name, one in wanted.items() if one is not None]
