"""
A connection of an event loop: one call at a time, told how far it got.
"""

from __future__ import annotations

import asyncio
from http.client import HTTPException
from typing import TYPE_CHECKING, cast

from urllib3.util import wait_for_read

from mailfailover.transports._answer_head import UnreadableAnswerError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailfailover.transports._answer import Answer
    from mailfailover.transports._progress import Progress
    from mailfailover.transports._request_body import PartsBody
    from mailfailover.transports._target import Target
    from mailfailover.transports._tls import TLS

_JOINED = 64 * 1024
"""Up to so many bytes of a body leave in one write with the head."""

_PIECE = 256 * 1024
"""Bytes given to a socket at a time, since waiting bytes would be copied."""

_READ = 16 * 1024
"""So much is read at once. Left to itself asyncio makes room for 256 KiB at each read, which
costs more than the rest of it."""


class Connection(asyncio.BufferedProtocol):
    """
    The callbacks of an event loop for one connection.

    Attributes:
        is_usable: Whether another call can be made over it.
    """

    def __init__(self) -> None:
        self.is_usable = False
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport
        self._arrived = memoryview(bytearray(_READ))
        self._answer: Answer | None = None
        self._ended: asyncio.Future[Exception | None]
        self._timer: asyncio.TimerHandle
        self._is_proven = False
        self._room: asyncio.Future[None] | None = None
        """Set while the system takes no more bytes."""

    async def exchange(
        self, head: bytes, body: bytes | PartsBody, answer: Answer, progress: Progress
    ) -> None:
        """
        Write a request and read its *answer*, within the time left.

        The connection is closed unless the whole of both went well.

        Raises:
            InvalidMessage: If a file to attach became shorter.
            TimeoutError, OSError, HTTPException, UnreadableAnswerError: The call failed.
        """
        left = progress.left()
        if not self.is_usable:
            raise ConnectionError("it ended before anything was written")
        self.is_usable = False
        self._answer = answer
        self._ended = self._loop.create_future()
        self._timer = self._loop.call_later(left, self._watch, progress)
        try:
            is_whole = await self._write(_pieces(head, body), progress)
            if is_whole and not answer.status:
                progress.written()
            failure = await self._ended
            if failure is not None:
                raise failure
            self.is_usable = is_whole and not answer.is_last and not self._transport.is_closing()
        finally:
            self._timer.cancel()
            self._answer = None
            if not self.is_usable:
                self.abort()

    def remember_session(self, tls: TLS, target: Target) -> None:
        """
        Let *tls* keep the session of a new connection over which an answer came.
        """
        if not self._is_proven:
            self._is_proven = True
            if secured := self._transport.get_extra_info("ssl_object"):
                tls.remember(target, secured)

    def is_alive(self) -> bool:
        """
        Whether it is still usable, and the vendor has not just ended it.
        """
        return self.is_usable and not wait_for_read(
            self._transport.get_extra_info("socket"), timeout=0
        )

    def abort(self) -> None:
        """
        Close it, whatever still waits to be written.
        """
        self.is_usable = False
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        # So that we know what has left. With 0, asyncio's TLS never takes more (seen 2026-11).
        self._transport.set_write_buffer_limits(high=1)
        self.is_usable = True

    def pause_writing(self) -> None:
        self._room = self._loop.create_future()

    def resume_writing(self) -> None:
        self._wake()
        self._room = None

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._arrived

    def buffer_updated(self, nbytes: int) -> None:
        if self._answer is None or self._ended.done():
            self.abort()  # nobody asked
            return
        try:
            if self._answer.feed(self._arrived[:nbytes]):
                self._end()
        except (HTTPException, UnreadableAnswerError) as exc:
            self._end(exc)

    def eof_received(self) -> None:
        self.connection_lost(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_usable = False
        if self._answer is None:
            return
        try:
            if exc is None:
                self._answer.end()
        except (HTTPException, UnreadableAnswerError, OSError) as broken:
            exc = broken
        self._end(exc)

    async def _write(self, pieces: Iterator[bytes | memoryview], progress: Progress) -> bool:
        """
        Hand *pieces* to the system; return whether it took all before the call ended.
        """
        for piece in pieces:
            progress.writing()
            self._transport.write(piece)
            if self._room is not None:
                await self._room
                progress.flowing()
            if self._ended.done() or self._transport.is_closing():
                return False
        return True

    def _watch(self, progress: Progress) -> None:
        """
        End the call, unless it got more time since its timer was set.
        """
        try:
            left = progress.left()
        except TimeoutError as exc:
            self._end(exc)
        else:
            self._timer = self._loop.call_later(left, self._watch, progress)

    def _end(self, exc: Exception | None = None) -> None:
        if not self._ended.done():
            self._ended.set_result(exc)
        self._wake()

    def _wake(self) -> None:
        if self._room is not None and not self._room.done():
            self._room.set_result(None)


def _pieces(head: bytes, body: bytes | PartsBody) -> Iterator[bytes | memoryview]:
    """
    Yield a request in pieces that a socket takes at once.
    """
    if isinstance(body, bytes) and len(body) <= _JOINED:
        yield head + body
        return
    yield head
    for part in (body,) if isinstance(body, bytes) else body:
        view = memoryview(part)
        for start in range(0, len(view), _PIECE):
            yield view[start : start + _PIECE]
