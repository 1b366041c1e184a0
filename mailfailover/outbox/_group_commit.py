"""
Group commits: what several threads write to the outbox at the same time is one commit.

A commit waits for the disk, or for a server far away. A thread that finds nobody writing
writes at once; those who come meanwhile are written together by the next. So nobody waits for
company, and a worker with many threads waits for the disk no more often than one with few.
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Condition
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy.exc import SQLAlchemyError

from mailfailover._values.fork import after_fork

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import Connection, Delete, Engine, Insert, Update

    Statement = Delete | Insert | Update
    Rows = Sequence[Mapping[str, Any]]


class LeaseLost(Exception):
    """
    The mail belongs to another worker by now, or was cancelled.
    """


class Write(NamedTuple):
    """
    What is to be written of one mail, all of it or nothing.
    """

    fence: Update
    """Changes the row of the mail, if that is still its worker's."""

    row: Mapping[str, Any]
    """The parameters of the fence."""

    rest: Mapping[Statement, Rows]
    """What else is written, if the fence found its row."""


class Writes:
    """
    Commits what the threads of a worker write.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._is_busy = False
        self._begin_anew()
        after_fork(self._begin_anew)

    def commit(self, write: Write) -> None:
        """
        Write it; when this returns, it is on the disk.

        Raises:
            LeaseLost: If the mail is not this worker's any more; nothing was written of it.
            SQLAlchemyError: If it cannot be written.
        """
        entry = _Entry(write)
        batch = self._join(entry)
        if batch:
            try:
                self._write(batch)
            finally:
                self._free(batch)
        if entry.error is not None:
            raise entry.error

    @contextmanager
    def alone(self) -> Iterator[Connection]:
        """
        A transaction for anything else, while no other thread of the worker commits.

        Two that change several mails at the same time, each in an order of its own, could wait
        for each other for ever. Nor would they be faster side by side: both are this process.
        """
        with self._changed:
            while self._is_busy:
                self._changed.wait()
            self._is_busy = True
        try:
            with self._engine.begin() as connection:
                yield connection
        finally:
            self._free()

    def _begin_anew(self) -> None:
        self._changed = Condition()
        self._is_busy = False
        self._waiting: list[_Entry] = []

    def _join(self, entry: _Entry) -> list[_Entry]:
        """
        Wait until *entry* is done, or nobody writes; then return what is to be written now.
        """
        with self._changed:
            try:
                self._waiting.append(entry)
                while self._is_busy and not entry.is_done:
                    self._changed.wait()
            except BaseException:
                with suppress(ValueError):  # who gave up must not be written later
                    self._waiting.remove(entry)
                raise
            if entry.is_done:
                return []
            self._is_busy = True
            batch, self._waiting = self._waiting, []
            return batch

    def _free(self, batch: Iterable[_Entry] = ()) -> None:
        with self._changed:
            for one in batch:
                one.is_done = True
            self._is_busy = False
            self._changed.notify_all()

    def _write(self, batch: Sequence[_Entry]) -> None:
        is_begun = is_executed = False
        try:
            with self._engine.begin() as connection:
                is_begun = True
                _execute(connection, [one.write for one in batch])
                is_executed = True
        except Exception as exc:  # noqa: BLE001 -- raised where it belongs
            if len(batch) > 1 and is_begun and not is_executed:
                for one in batch:  # whoever is to blame fails alone
                    self._write([one])
            else:
                for one in batch:
                    one.error = exc
            return
        for one in batch:
            one.error = None


@dataclass(eq=False, slots=True)
class _Entry:
    """
    What one thread waits for.
    """

    write: Write
    is_done: bool = False
    error: BaseException | None = field(
        default_factory=lambda: SQLAlchemyError("whoever was about to write it was interrupted")
    )
    """Why it is not written: until it surely is, it counts as not written."""


def _execute(connection: Connection, writes: Iterable[Write]) -> None:
    fences: dict[Update, list[Mapping[str, Any]]] = defaultdict(list)
    rest: dict[Statement, list[Mapping[str, Any]]] = defaultdict(list)
    for write in writes:
        fences[write.fence].append(write.row)
        for statement, rows in write.rest.items():
            rest[statement].extend(rows)
    for fence, found in fences.items():
        if connection.execute(fence, found).rowcount != len(found):
            raise LeaseLost
    for statement, found in rest.items():
        connection.execute(statement, found)
