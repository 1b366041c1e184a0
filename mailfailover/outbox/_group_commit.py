"""
Group commits: concurrent writes of several threads to the outbox share a commit.

A commit waits for the disk, or for a server far away. A thread writes at once if no other does;
the writes that arrive meanwhile share the next commit. So no thread waits for others to join, and a
worker with many threads waits for the disk no more often than a worker with few.
"""

from __future__ import annotations

from collections import defaultdict, deque
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy.exc import SQLAlchemyError

from mailfailover._sql.database import writing
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
    The changes to one mail, which are stored together or not at all.
    """

    fence: Delete | Update
    """Changes the row of the mail, if that is still its worker's."""

    row: Mapping[str, Any]
    """The parameters of the fence."""

    rest: Mapping[Statement, Rows]
    """Further writes, made if the fence found its row."""


class Writes:
    """
    Commits the writes of a worker's threads.

    Attributes:
        waited: The seconds that all threads together waited for their commits.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._begin_anew()
        after_fork(self._begin_anew)

    def commit(self, write: Write) -> None:
        """
        Write it; when this returns, it is on the disk.

        Raises:
            LeaseLost: If the mail is not this worker's any more; nothing was written of it.
            SQLAlchemyError: If it cannot be written.
        """
        entry, start = _Entry(write), monotonic()
        if self._comes_first(entry):
            batch = self._gather(entry)
            try:
                self._write(batch)
            finally:
                self._pass_on(batch)
        with self._lock:
            self.waited += monotonic() - start
        if not entry.is_written:
            raise entry.error or SQLAlchemyError("whoever was about to write it was interrupted")

    @contextmanager
    def alone(self) -> Iterator[Connection]:
        """
        A transaction for anything else, while no other thread of the worker commits.

        Two that change several mails at the same time, each in an order of its own, could wait
        for each other for ever. Nor would they be faster side by side: both are this process.
        """
        self._comes_first(_Entry(None))
        try:
            with writing(self._engine) as connection:
                yield connection
        finally:
            self._pass_on()

    def _begin_anew(self) -> None:
        self._lock = Lock()
        self._is_busy = False
        self._waiting: deque[_Entry] = deque()
        self.waited = 0.0

    def _comes_first(self, entry: _Entry) -> bool:
        """
        Wait until *entry* is done, or is the one that writes next; return whether it writes.
        """
        with self._lock:
            if not self._is_busy:
                self._is_busy = True
                return True
            self._waiting.append(entry)
        try:
            entry.gate.acquire()
        except BaseException:
            self._leave(entry)
            raise
        return not entry.is_done

    def _leave(self, entry: _Entry) -> None:
        """
        Let *entry* not be written later: its thread has given up.
        """
        with self._lock:
            with suppress(ValueError):
                self._waiting.remove(entry)
                return
            is_next = entry.is_next and not entry.is_done
        if is_next:
            self._pass_on()

    def _gather(self, entry: _Entry) -> list[_Entry]:
        """
        Take what waits to be written, beside *entry*.
        """
        with self._lock:
            batch = [entry, *(one for one in self._waiting if one.write is not None)]
            self._waiting = deque(one for one in self._waiting if one.write is None)
        return batch

    def _pass_on(self, batch: Iterable[_Entry] = ()) -> None:
        """
        Wake those who are done, and the next one who writes.
        """
        with self._lock:
            following = self._waiting.popleft() if self._waiting else None
            self._is_busy = following is not None
            if following is not None:
                following.is_next = True
        for one in batch:
            one.is_done = True
            one.gate.release()
        if following is not None:
            following.gate.release()

    def _write(self, batch: Sequence[_Entry]) -> None:
        is_begun = is_executed = False
        try:
            with writing(self._engine) as connection:
                is_begun = True
                _execute(connection, [one.write for one in batch if one.write is not None])
                is_executed = True
        except Exception as exc:  # noqa: BLE001 -- raised where it belongs
            if len(batch) > 1 and is_begun and not is_executed:
                for one in batch:  # only the write that fails raises
                    self._write([one])
            else:
                for one in batch:
                    one.error = exc
            return
        for one in batch:
            one.is_written = True


def _shut() -> Lock:
    gate = Lock()
    gate.acquire()
    return gate


@dataclass(eq=False, slots=True)
class _Entry:
    """
    The writes of one thread, which waits for their commit.
    """

    write: Write | None
    """None for a separate transaction."""

    is_done: bool = False
    is_next: bool = False
    gate: Lock = field(default_factory=_shut)
    """A lock for each waiting thread, so that a commit wakes only the threads it concerns."""

    is_written: bool = False
    """Whether the commit is certain."""

    error: BaseException | None = None
    """The reason why the writes are not stored, where it is known."""


def _execute(connection: Connection, writes: Iterable[Write]) -> None:
    fences: dict[Delete | Update, list[Mapping[str, Any]]] = defaultdict(list)
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
