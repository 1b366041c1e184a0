"""
The event streams of this process, all told by one thread.

A stream waits nearly all of its time, so it must not hold a thread of the server. It holds only
the connection, which the server has handed over.
"""

from __future__ import annotations

import time
from contextlib import suppress
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import SQLAlchemyError

from mailfailover.service.event_news import PAUSE, News

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Hashable, Mapping, Sequence

    Found = Sequence[Mapping[str, Any]]
    Look = Callable[[], Found]

__all__ = ["EventStreams", "Stream"]

MOST = 1000
"""Streams of a process at once."""

MOST_UNREAD = 256 * 1024
"""Bytes kept for a client that reads slowly; with more its stream ends."""


class Stream:
    """
    One open connection, and what it has still to be told.

    Args:
        connection: The connection, which belongs to this stream from now on.

        head: The bytes that the answer begins with.

        subject: What the stream follows. Streams with the same subject share a look.

        look: Finds the mails of that subject.

        now: The current time.
    """

    def __init__(
        self, connection: socket.socket, head: bytes, subject: Hashable, look: Look, now: float
    ) -> None:
        connection.settimeout(0)
        self.subject: Hashable = subject
        self.look: Look = look
        self._connection = connection
        self._unread = head
        self._news = News(now)

    def tell(self, found: Found, now: float) -> bool:
        """
        Send what is new; return whether the stream goes on.
        """
        self._unread += "".join(self._news.read(found, now)).encode()
        try:
            is_there = self._is_there()
            with suppress(BlockingIOError):
                self._unread = self._unread[self._connection.send(self._unread) :]
        except OSError:
            return False
        return is_there and now < self._news.end and len(self._unread) <= MOST_UNREAD

    def close(self) -> None:
        """
        End the answer, which has no length of its own.
        """
        self._connection.close()

    def _is_there(self) -> bool:
        try:
            return bool(self._connection.recv(4096))  # a client has nothing more to say
        except BlockingIOError:
            return True


class EventStreams:
    """
    Tells all streams of this process what is new. Its thread runs while there are any.

    Args:
        clock: Seconds that only grow.

        sleep: Waits for so many seconds.

        most: How many streams may be open.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
        most: int = MOST,
    ) -> None:
        self.clock = clock
        self._sleep = sleep
        self.most = most
        self._lock = Lock()
        self._open: list[Stream] = []
        self._thread: Thread | None = None

    @property
    def is_full(self) -> bool:
        """
        Whether no further stream is taken.
        """
        return len(self._open) >= self.most

    def add(self, stream: Stream, found: Found) -> None:
        """
        Tell a new stream what was *found* for it, and go on telling it.
        """
        if not stream.tell(found, self.clock()):
            stream.close()
            return
        with self._lock:
            self._open.append(stream)
            if self._thread is None:
                self._thread = Thread(target=self._run, name="event-streams", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while self._has_any():
            self._sleep(PAUSE)
            self._tell_all()

    def _has_any(self) -> bool:
        """
        Tell whether a stream is open; where none is, the next one starts a thread of its own.
        """
        with self._lock:
            if not self._open:
                self._thread = None
            return bool(self._open)

    def _tell_all(self) -> None:
        found: dict[Hashable, Found | None] = {}
        for stream in tuple(self._open):
            if stream.subject not in found:
                found[stream.subject] = _look(stream)
            news = found[stream.subject]
            if news is None or not stream.tell(news, self.clock()):
                stream.close()
                with self._lock:
                    self._open.remove(stream)


def _look(stream: Stream) -> Found | None:
    """
    Return the mails of a stream; None while the database is away, when streams end.
    """
    try:
        return stream.look()
    except SQLAlchemyError:
        return None
