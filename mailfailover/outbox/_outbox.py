"""
:class:`Outbox`: what a program does with the outbox.
"""

from __future__ import annotations

import time
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from mailfailover._chain.observe import tell
from mailfailover._sql.database import reading
from mailfailover._sql.stored import Stored
from mailfailover._values.face import published_in
from mailfailover.outbox import _operator
from mailfailover.outbox._commit_hooks import after_commit
from mailfailover.outbox._intake import check_key, store
from mailfailover.outbox._settlement import settle
from mailfailover.outbox._tables import PART, State
from mailfailover.outbox._turns import waiting
from mailfailover.outbox._views import read_mail, read_mails, read_stats

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sqlalchemy import Engine, Select

    from mailfailover._message.message import Message
    from mailfailover._values.events import DeliveryEvent
    from mailfailover.outbox._views import OutboxMail, OutboxStats


@published_in("mailfailover.outbox")
class Outbox(Stored):
    """
    Mails in a database, which a worker sends.

    Safe to share between threads, and to use after a fork.

    Args:
        database:
            A URL of SQLAlchemy, or an ``Engine``, which is used as it is. Without one it is
            that of the variable MAILFAILOVER_DATABASE, else ``sqlite:///mailfailover.db``.

        keep: How long a finished mail is remembered, without what it says.

        on_add:
            Called with the id of each mail that was added and committed, to wake up somebody
            who sends it. It must be quick; what it raises is logged and harms no mail.

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
        keep: timedelta = timedelta(days=30),
        on_add: Iterable[Callable[[Any], object]] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(database, clock)
        self.keep = keep
        self.on_add = list(on_add)

    def add(
        self, message: Message, connection: Any = None, *, idempotency_key: str | None = None
    ) -> str:
        """
        Store *message*, to be sent when its *send_at* has come, and return its id.

        When it returns, the mail is on the disk; if it cannot be stored, because the disk is full
        or the server away, SQLAlchemy's error is raised. With a *connection* it is when the
        transaction of that connection is committed: the mail is sent if and only if it is.

        Args:
            message: What to send. The content of its attachments is stored with it.

            connection: SQLAlchemy's ``Connection`` or ``Session``, in the same database.

            idempotency_key:
                A name for this mail: adding the same mail again under it adds nothing and
                returns the id of the first. It holds as long as that one is remembered.

        Raises:
            InvalidMessage: If it has no recipient, or an attachment cannot be read.
            IdempotencyConflict: If another mail has this key, or this id.
        """
        key = check_key(idempotency_key)
        if connection is None:
            with self.engine.begin() as own:
                mail_id = store(own, message, key, self.now())
            self._added(mail_id)
            return mail_id
        if not isinstance(connection, Connection):
            connection = connection.connection()
        mail_id = store(connection, message, key, self.now())
        if self.on_add:
            after_commit(connection, partial(self._added, mail_id))
        return mail_id

    def get(self, mail_id: str) -> OutboxMail | None:
        """
        Return a mail as it stands, its message with it while that is kept, or None.
        """
        with reading(self.engine) as connection:
            return read_mail(connection, mail_id)

    def list(
        self,
        state: State | str | None = None,
        *,
        limit: int = 50,
        before: str | None = None,
        among: Select[Any] | None = None,
    ) -> list[OutboxMail]:
        """
        Return mails without their messages, the newest first.

        Args:
            state: Only those in this state.

            limit: At most so many.

            before: Only those that were added before the mail with this id.

            among: Only those whose id this query of the same database selects.
        """
        with reading(self.engine) as connection:
            wanted = None if state is None else State(state)
            return read_mails(connection, wanted, limit, before, among)

    def waiting(self, limit: int = 1000) -> tuple[str, ...]:
        """
        Return the ids of mails that wait for nothing but a worker, in the order of their turns.
        """
        with reading(self.engine) as connection:
            return waiting(connection, limit)

    def stats(self) -> OutboxStats:
        """
        Count the mails in each state.
        """
        with reading(self.engine) as connection:
            return read_stats(connection)

    def cancel(self, mail_id: str) -> bool:
        """
        Give a mail up that is not sent yet; return whether it could still be held back.
        """
        now = self.now()
        with self.engine.begin() as connection:
            return _operator.cancel(connection, mail_id, now, now + self.keep)

    def retry(self, mail_id: str) -> bool:
        """
        Let a mail be sent now that waits, is unknown or dead; return whether there is one.
        """
        with self.engine.begin() as connection:
            found = _operator.retry(connection, mail_id)
        if found:
            self._added(mail_id)
        return found

    def settle(self, event: DeliveryEvent) -> bool:
        """
        Take what a vendor tells of a mail as the answer that was missing.

        It is a handler of webhooks: ``mailer.on_event(outbox.settle)``.

        Returns:
            Whether the mail was in doubt, and is less so now.
        """
        with self.engine.begin() as connection:
            return settle(connection, event, self.now(), self.keep)

    def purge(self, older_than: timedelta | None = None) -> int:
        """
        Forget mails that were sent or given up longer ago than that; return how many.

        Without an argument it is the outbox's *keep*, which the worker sees to by itself.
        """
        before = self.now() - (self.keep if older_than is None else older_than)
        count = 0
        while True:
            with self.engine.begin() as connection:
                found = _operator.purge_finished(connection, before)
            count += found
            if not found:
                return count

    def _added(self, mail_id: str) -> None:
        tell(self.on_add, mail_id)
