"""
The writer: the mails that sessions bring at the same time are stored by one commit.

A commit waits for the disk, or for a server far away. The first mail is written at once, and all
that come meanwhile are written together by the next commit.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from mailfailover.relay.desk import Desk, Letter

__all__ = ["Writer"]

MOST = 100
"""So many mails are stored by one commit."""

ENDING = "421 4.3.2 The server is about to end. Try again later"


class Writer:
    """
    Hands mails to the desk in batches. For the coroutines of one event loop.

    Args:
        desk: Stores a batch.

        executor: The threads that write to the database.
    """

    def __init__(self, desk: Desk, executor: Executor) -> None:
        self._desk = desk
        self._executor = executor
        self._waiting: list[_Entry] = []
        self._task: asyncio.Task[None] | None = None
        self._is_ending = False

    async def store(self, letter: Letter) -> str:
        """
        Store a mail and return the reply; a 250 means that it is on the disk.
        """
        if self._is_ending:
            return ENDING
        loop = asyncio.get_running_loop()
        entry = _Entry(letter, loop.create_future())
        self._waiting.append(entry)
        if self._task is None:
            self._task = loop.create_task(self._write())
        return await entry.reply

    async def end(self) -> None:
        """
        Take no more mails, and wait until those that came are stored.
        """
        self._is_ending = True
        if self._task is not None:
            await self._task

    async def _write(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            letters = [entry.letter for entry in batch]
            try:
                replies = await loop.run_in_executor(self._executor, self._desk.store, letters)
            except Exception as exc:  # noqa: BLE001 -- raised in the sessions of these mails
                for entry in batch:
                    _settle(entry.reply, exc)
            else:
                for entry, reply in zip(batch, replies, strict=True):
                    _settle(entry.reply, reply)
        self._task = None


class _Entry(NamedTuple):
    """
    A mail and the reply that its session waits for.
    """

    letter: Letter
    reply: asyncio.Future[str]


def _settle(reply: asyncio.Future[str], result: str | Exception) -> None:
    if reply.done():  # Its client has hung up.
        return
    if isinstance(result, Exception):
        reply.set_exception(result)
    else:
        reply.set_result(result)
