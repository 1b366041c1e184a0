"""
Pools of idle connections, one for each origin. Nothing in them waits or locks.
"""

from __future__ import annotations

import queue
import threading
from collections import deque
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any, cast

from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from mailfailover.transports._connection import TLSVendorConnection, VendorConnection
from mailfailover.transports._request_head import write_head

if TYPE_CHECKING:
    from collections.abc import Mapping

    from urllib3.connection import HTTPConnection

    from mailfailover.transports._answer import Answer
    from mailfailover.transports._progress import Progress


class IdleStack(queue.LifoQueue["HTTPConnection | None"]):
    """
    Idle connections, the one used last on top; those idle for too long are closed.

    It is what urllib3 asks of a queue, without its lock: a child that was forked while
    another thread held that would wait for ever. Each step of a deque is atomic.

    Attributes:
        idle: Seconds after which a connection is not used again.
    """

    idle = 30.0

    def __init__(self, maxsize: int) -> None:
        self.maxsize = maxsize
        self._stack: deque[tuple[HTTPConnection, float]] = deque()

    def put(self, item: HTTPConnection | None, *_: Any, **__: Any) -> None:
        """
        Keep *item*, or close it where enough are kept; None is an empty place, not kept.
        """
        if item is None:
            return
        self._close_old()
        if len(self._stack) < self.maxsize:
            self._stack.append((item, monotonic()))
        else:
            item.close()

    def get(self, *_: Any, **__: Any) -> HTTPConnection:
        """
        Take the connection used last.

        Raises:
            queue.Empty: If there is none; a new one is made then.
        """
        self._close_old()
        try:
            return self._stack.pop()[0]
        except IndexError:
            raise queue.Empty from None

    def _close_old(self) -> None:
        oldest_allowed = monotonic() - self.idle
        for item in tuple(self._stack):
            if item[1] >= oldest_allowed:
                return
            with suppress(ValueError):  # another thread was faster: it is that one's now
                self._stack.remove(item)
                item[0].close()


class _Present(threading.local):
    """
    The progress of the call this thread is in.
    """

    progress: Progress


present = _Present()


class VendorPool(HTTPConnectionPool):
    """
    The connections to one origin.
    """

    ConnectionCls = VendorConnection
    QueueCls = IdleStack  # type: ignore[assignment]  # it holds connections, not anything

    def close_idle_after(self, seconds: float) -> None:
        """
        Use no connection again that was idle for so long.
        """
        cast("IdleStack", self.pool).idle = seconds

    def urlopen(  # type: ignore[override]  # what requests asks of it
        self, method: str, url: str, *, headers: Mapping[str, str], body: Any, **_: Any
    ) -> Answer:
        """
        Do one call over one connection: no second try, nothing to rewind, one deadline.

        Raises:
            ValueError, TypeError: If the head cannot be written; nothing was, nowhere.
        """
        head = write_head(method, url, headers)
        connection = self._get_conn()
        answer = None
        try:
            if connection.sock is None:
                self._connect(connection)
            answer = connection.exchange(method, head, body or b"")
        finally:
            if answer is None:
                connection.close()
        answer.release = partial(self._release, connection)
        return answer

    def _connect(self, connection: VendorConnection) -> None:
        if self.proxy is None:
            connection.connect()
        else:
            self._prepare_proxy(connection)

    def _release(self, connection: VendorConnection, keep: bool) -> None:  # noqa: FBT001 -- of one call
        if keep:
            self._put_conn(connection)
        else:
            connection.close()

    def _get_conn(self, timeout: float | None = None) -> VendorConnection:
        connection = cast("VendorConnection", super()._get_conn(timeout))
        connection.progress = present.progress
        return connection


class TLSVendorPool(VendorPool, HTTPSConnectionPool):
    """
    The same over TLS.
    """

    ConnectionCls = TLSVendorConnection
