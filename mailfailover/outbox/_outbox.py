"""
:class:`Outbox`: what a program does with the outbox.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Unpack

from sqlalchemy import Connection

from mailfailover._chain.observe import tell
from mailfailover._message.message import Message
from mailfailover._sql.database import reading, schema_of, writing
from mailfailover._sql.stored import Stored
from mailfailover._values.face import published_in
from mailfailover.outbox import _operator
from mailfailover.outbox._commit_hooks import after_commit, watch_commits
from mailfailover.outbox._intake import Entry, check_key, store, store_many
from mailfailover.outbox._seal import Seal
from mailfailover.outbox._settlement import settle
from mailfailover.outbox._tables import PART, State
from mailfailover.outbox._turns import waiting
from mailfailover.outbox._views import read_mail, read_mails, read_stats

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from sqlalchemy import Engine, Select

    from mailfailover._message.keywords import MessageFields
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

        keep_content:
            How long what a sent mail said is kept, at most as long as *keep*; not at all by
            default. Mails that are not sent keep it, for a repetition.

        key:
            Encrypts what mails say in the database: 32 random bytes in base64, or several such
            keys, of which the first encrypts and all decrypt. Without one it is that of the
            variable MAILFAILOVER_OUTBOX_KEY, where keys have commas between them; else nothing
            is encrypted. It needs ``pip install "mailfailover[encryption]"``.

        on_add:
            Called with the id of each mail that was added and committed, to wake a worker.
            It must be quick; its exceptions are logged and harm no mail.

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
        keep_content: timedelta = timedelta(0),
        key: str | Sequence[str] | None = None,
        on_add: Iterable[Callable[[Any], object]] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(database, clock)
        watch_commits(self.engine)
        self.keep = keep
        self.keep_content = keep_content
        self.seal: Seal = (
            Seal.from_env() if key is None else Seal([key] if isinstance(key, str) else key)
        )
        self.on_add: list[Callable[[Any], object]] = list(on_add)

    def add(
        self,
        message: Message | None = None,
        connection: Any = None,
        *,
        idempotency_key: str | None = None,
        **fields: Unpack[MessageFields],
    ) -> str:
        """
        Store a mail, to be sent when its *send_at* has come, and return its id.

        The mail is a :class:`Message`, or its fields as keywords.

        When it returns, the mail is on the disk; if it cannot be stored, because the disk is full
        or the server away, SQLAlchemy's error is raised. With a *connection* it is when the
        transaction of that connection is committed: the mail is sent if and only if it is.

        Args:
            message:
                What to send; *fields* given beside it replace its own. The content of its
                attachments is stored with it.

            connection: SQLAlchemy's ``Connection`` or ``Session``, in the same database.

            idempotency_key:
                A name for this mail: adding the same mail again under it adds nothing and
                returns the id of the first. It holds as long as that one is remembered.

            fields: Fields of :class:`Message`.

        Raises:
            InvalidMessage: If it has no recipient, or an attachment cannot be read.
            IdempotencyConflict: If another mail has this key, or this id.
        """
        if message is None:
            message = Message(**fields)
        elif fields:
            message = message.replace(**fields)
        entry = Entry(message, check_key(idempotency_key))
        if connection is None:
            with writing(self.engine) as own:
                mail_id = store(own, entry, self.now(), self.seal)
            self._added([mail_id])
            return mail_id
        with self._of_caller(connection) as theirs:
            mail_id = store(theirs, entry, self.now(), self.seal)
        if self.on_add:
            after_commit(theirs, partial(self._added, [mail_id]))
        return mail_id

    def add_many(
        self,
        messages: Iterable[Message],
        connection: Any = None,
        *,
        idempotency_keys: Iterable[str | None] | None = None,
    ) -> list[str]:
        """
        Store many messages as :meth:`add` does, all or none, by few statements.

        Several thousand at a time are a good number: other writers to a SQLite file wait
        meanwhile.

        Args:
            messages: What to send.

            connection: As for :meth:`add`.

            idempotency_keys: A key, or None, for each message.

        Returns:
            Their ids, in the same order.

        Raises:
            InvalidMessage, IdempotencyConflict: As :meth:`add`, for any of them.
            ValueError: If there are more keys than messages, or fewer.
        """
        messages = tuple(messages)
        keys = (None,) * len(messages) if idempotency_keys is None else tuple(idempotency_keys)
        if len(keys) != len(messages):
            text = f"idempotency_keys must be as many as the messages: {len(messages)}, "
            text += f"not {len(keys)}"
            raise ValueError(text)
        entries = [Entry(one, check_key(key)) for one, key in zip(messages, keys, strict=True)]
        if connection is None:
            with writing(self.engine) as own:
                mail_ids = store_many(own, entries, self.now(), self.seal)
            self._added(mail_ids)
            return mail_ids
        with self._of_caller(connection) as theirs:
            mail_ids = store_many(theirs, entries, self.now(), self.seal)
        if self.on_add:
            after_commit(theirs, partial(self._added, mail_ids))
        return mail_ids

    def get(self, mail_id: str) -> OutboxMail | None:
        """
        Return a mail as it stands, its message with it while that is kept, or None.
        """
        with reading(self.engine) as connection:
            return read_mail(connection, mail_id, self.seal)

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
            state: Only mails in this state.

            limit: The most mails to return.

            before: Only mails that were added before the mail with this id.

            among: Only mails whose id this query of the same database selects.
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
        with writing(self.engine) as connection:
            return _operator.cancel(connection, mail_id, now, now + self.keep)

    def retry(self, mail_id: str) -> bool:
        """
        Let a mail be sent now that waits, is unknown or dead; return whether there is one.
        """
        with writing(self.engine) as connection:
            found = _operator.retry(connection, mail_id, self.now(), self.keep)
        if found:
            self._added([mail_id])
        return found

    def retry_all(self, state: State | str) -> int:
        """
        Let all mails in this state be sent now: ``pending``, ``unknown`` or ``dead``.

        Of the pending ones these are the ones that were tried before; others wait for their
        *send_at*, or for a worker.

        Returns:
            How many there were.

        Raises:
            ValueError: If mails in this state cannot be sent again.
        """
        wanted = State(state)
        if wanted not in _operator.REPEATABLE:
            message = f"mails that are {wanted} are not sent again: name pending, unknown or dead"
            raise ValueError(message)
        count = last = 0
        while True:
            with writing(self.engine) as connection:
                last, found = _operator.retry_some(connection, wanted, last, self.now(), self.keep)
            self._added(found)
            count += len(found)
            if not last:
                return count

    def settle(self, event: DeliveryEvent) -> bool:
        """
        Take a vendor's event as the answer that a mail in doubt was missing.

        Use this method as a handler of webhooks: ``mailer.on_event(outbox.settle)``.

        Returns:
            Whether the mail was in doubt, and is less so now.
        """
        with writing(self.engine) as connection:
            return settle(connection, event, self.now(), self.keep)

    def purge(self, older_than: timedelta | None = None) -> int:
        """
        Forget mails that were sent or given up longer ago than that; return how many.

        Without an argument it is the outbox's *keep*, which the worker sees to by itself.
        """
        before = self.now() - (self.keep if older_than is None else older_than)
        count = 0
        while True:
            with writing(self.engine) as connection:
                found = _operator.purge_finished(connection, before)
            count += found
            if not found:
                return count

    def _added(self, mail_ids: Iterable[str]) -> None:
        for mail_id in mail_ids:
            tell(self.on_add, mail_id)

    @contextmanager
    def _of_caller(self, connection: Any) -> Iterator[Connection]:
        """
        The caller's connection, for a while in the schema of this outbox.
        """
        found: Connection = (
            connection if isinstance(connection, Connection) else connection.connection()
        )
        names = "schema_translate_map"
        before = found.get_execution_options().get(names)
        if (schema := schema_of(self.engine)) is not None:
            found.execution_options(**{names: {None: schema}})
        try:
            yield found
        finally:
            if schema is not None:
                found.execution_options(**{names: before})
