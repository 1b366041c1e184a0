"""
The connections of a transport for threads, to all vendors that it sends to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailfailover._values.fork import after_fork
from mailfailover.transports._connection import Connection, connect
from mailfailover.transports._pool import Pool
from mailfailover.transports._tls import TLS

if TYPE_CHECKING:
    from mailfailover.transports._answer import Answer
    from mailfailover.transports._progress import Progress
    from mailfailover.transports._proxies import Proxies
    from mailfailover.transports._request_body import PartsBody
    from mailfailover.transports._target import Target


class Connections:
    """
    Connections with one TLS context, each for one call at a time, and kept for the next one.

    Args:
        proxies: Which hosts are reached through a proxy.

        ca_file: The certificates to trust instead of certifi's.

        pool_size: How many idle connections are kept for each origin.

        idle: Seconds after which an idle connection is not used again.
    """

    def __init__(
        self, *, proxies: Proxies, ca_file: str | None, pool_size: int, idle: float
    ) -> None:
        self._proxies = proxies
        self._tls = TLS(ca_file)
        self._pool_size = pool_size
        self._idle = idle
        self._pools: dict[tuple[str, str, int], Pool] = {}
        after_fork(self.close)  # only this process's copies: the parent's connections live on

    def close(self) -> None:
        """
        Close all idle connections; a connection in use is closed when it is returned.
        """
        pools, self._pools = self._pools, {}
        for pool in pools.values():
            pool.close()

    def exchange(
        self,
        target: Target,
        head: bytes,
        body: bytes | PartsBody,
        answer: Answer,
        progress: Progress,
    ) -> None:
        """
        Do one call over one connection: no second try, one deadline.
        """
        pool = self._find_pool(target)
        connection = pool.take() or self._connect(target, progress)
        try:
            connection.exchange(head, body, answer, progress)
            connection.remember_session(self._tls, target)
        finally:
            pool.give(connection)

    def _connect(self, target: Target, progress: Progress) -> Connection:
        proxy = self._proxies.find(target.url) if target.scheme == "https" else None
        return connect(target, proxy, self._tls, progress)

    def _find_pool(self, target: Target) -> Pool:
        origin = target[:3]
        pool = self._pools.get(origin)
        if pool is None:
            # Of two threads that make one at the same time, one gets the other's.
            pool = self._pools.setdefault(origin, Pool(self._pool_size, self._idle))
        return pool
