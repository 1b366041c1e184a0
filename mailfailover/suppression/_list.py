"""
:class:`SuppressionList`: who must not get which mail, whoever told it.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select

from mailfailover._chain.observe import MailFailed, MailSent
from mailfailover._sql.database import reading, writing
from mailfailover._sql.stored import Stored
from mailfailover._values.events import DeliveryEvent
from mailfailover._values.face import published_in
from mailfailover._values.frozen import EMPTY
from mailfailover.suppression._csv import export_rows, import_rows
from mailfailover.suppression._entry import Reason, Suppression, plain_address, plain_domain
from mailfailover.suppression._evidence import reported, taken_back, told
from mailfailover.suppression._find import find
from mailfailover.suppression._rows import entry_of, row_of, store
from mailfailover.suppression._rules import Scope
from mailfailover.suppression._tables import PART, suppressions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import timedelta
    from typing import TextIO

    from sqlalchemy import ColumnElement, Engine

    from mailfailover._message.message import Message
    from mailfailover.suppression._origins import Origins


@published_in("mailfailover.suppression")
class SuppressionList(Stored):
    """
    Who must not get mail, in a database: told by every provider, and held at all of them.

    It is what a :class:`~mailfailover.Mailer` takes as *suppressions*, one of its observers,
    and a handler of delivery events. An unsubscription holds for the stream of its mail; a
    permanent bounce and a complaint hold for the domain of its From. Without *tracking* nobody
    knows the mail of an event: then each holds for every mail.

    Safe to share between threads, and to use after a fork.

    Args:
        database:
            A URL of SQLAlchemy, or an ``Engine``, which is used as it is. Without one it is
            that of the variable MAILFAILOVER_DATABASE, else ``sqlite:///mailfailover.db``.

        tracking: Who knows the mail of an event: :class:`~mailfailover.tracking.Tracking`.

        ttl: How long an entry holds, by its reason; for ever where that is not named.

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
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(database, clock)
        self.tracking = tracking
        self.ttl: dict[Reason, timedelta] = {Reason(reason): time for reason, time in ttl.items()}

    def find(self, message: Message) -> Mapping[str, str]:
        """
        Return the recipients of *message* who must not get it, with the reason for each.

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
        back = None
        if isinstance(event, DeliveryEvent):
            rows = told(event, self.tracking, self._entry)
            back = taken_back(event, self.tracking)
        elif isinstance(event, (MailSent, MailFailed)):
            rows = reported(event, self.find, self._entry)
        else:
            return
        if not rows and back is None:
            return
        with writing(self.engine) as connection:
            if rows:
                store(connection, *rows)
            if back is not None:
                connection.execute(back)

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
        Let *email* get no mail any more.

        Args:
            email: The address.

            reason: Why.

            stream, from_domain: Only mail of these; "" is every one.

            ttl: How long; None is what the list has for this reason.

            source, detail: Who says so, and why, in words.

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
        """
        wanted = {"reason": reason, "stream": stream, "from_domain": from_domain}
        where = _where(email=plain_address(email), **wanted)
        with writing(self.engine) as connection:
            return connection.execute(delete(suppressions).where(*where)).rowcount

    def list(
        self,
        email: str | None = None,
        *,
        reason: Reason | str | None = None,
        stream: str | None = None,
        from_domain: str | None = None,
        limit: int = 100,
    ) -> tuple[Suppression, ...]:
        """
        Return the latest entries, the newest first; those that have expired too.
        """
        email = email if email is None else plain_address(email)
        where = _where(email=email, reason=reason, stream=stream, from_domain=from_domain)
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
        Write all entries to *file* as CSV; return how many there are.
        """
        with reading(self.engine) as connection:
            return export_rows(connection, file)

    def purge(self) -> int:
        """
        Forget entries that have expired; return how many there were.
        """
        with writing(self.engine) as connection:
            old = delete(suppressions).where(suppressions.c.expires <= self.now())
            return connection.execute(old).rowcount

    def _entry(self, email: str, reason: Reason, scope: Scope, **fields: Any) -> Suppression:
        now, ttl = self.now(), self.ttl.get(reason)
        given = {"created": now, "expires": ttl and now + ttl, **scope._asdict(), **fields}
        return Suppression(email=plain_address(email), reason=reason, **given)


def _where(**wanted: str | None) -> list[ColumnElement[bool]]:
    return [suppressions.c[name] == str(one) for name, one in wanted.items() if one is not None]
