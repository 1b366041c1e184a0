"""
Blocking calls for an event loop: each in a thread of a pool of their own.

The loop's default pool has a handful of threads, which others need too.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from mailfailover._values.wire import Stage

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_THREADS = 128


class Threads:
    """
    Threads that wait where a loop must not.
    """

    def __init__(self) -> None:
        self._pool: ThreadPoolExecutor | None = None

    async def run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """
        Return what ``function(*arguments)`` returns in a thread.

        A task that is cancelled meanwhile goes on at once, and the thread by itself: the
        exception then has a *stage* that tells whether it had begun.

        Raises:
            RuntimeError:
                If it raises StopIteration, which is the cause then: neither a future nor a
                coroutine can raise that.
        """
        if self._pool is None:
            self._pool = ThreadPoolExecutor(MAX_THREADS, thread_name_prefix="mailfailover")
        running = self._pool.submit(_run, function, arguments)
        try:
            return await asyncio.wrap_future(running)
        except asyncio.CancelledError as exc:
            exc.stage = Stage.PREPARING if running.cancelled() else Stage.WRITING  # type: ignore[attr-defined]  # read by whoever records the attempt
            raise

    def close(self) -> None:
        """
        Let the threads go once they are done.
        """
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=False)


def _run(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    try:
        return function(*arguments)
    except StopIteration as exc:
        raise RuntimeError("it raised StopIteration") from exc
