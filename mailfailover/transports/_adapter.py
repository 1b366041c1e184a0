"""
The adapter of requests that everything goes through, without what a send does not need.

``send`` itself is inherited, so that a replacement of ``HTTPAdapter.send``, such as the
package ``responses``, gets our requests too.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from requests.cookies import RequestsCookieJar

from mailfailover._values.fork import after_fork
from mailfailover.transports._answer import Answer
from mailfailover.transports._connection import Connection, connect
from mailfailover.transports._pool import Pool
from mailfailover.transports._request_head import write_head
from mailfailover.transports._tls import TLS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailfailover.transports._progress import Progress
    from mailfailover.transports._proxies import Proxies
    from mailfailover.transports._request_body import PartsBody
    from mailfailover.transports._target import Target


class VendorRequest(PreparedRequest):
    """
    A request that is prepared already: none of what requests does to one is needed.
    """

    def __init__(
        self,
        method: str,
        url: str,
        *,
        headers: dict[str, str],
        body: bytes | PartsBody | None,
        target: Target,
        progress: Progress,
        answer: Answer,
    ) -> None:
        super().__init__()
        self.method = method
        self.url = url
        self.headers = headers  # type: ignore[assignment]  # any mapping will do
        self.body = body  # type: ignore[assignment]  # memoryviews will do as well as bytes
        self.target = target
        self.progress = progress
        self.answer = answer


class VendorResponse(Response):
    """
    A whole answer as requests has it, without what costs time and tells nothing here.
    """

    reason = ""
    encoding = None
    elapsed = timedelta(0)
    _content_consumed = True
    _next = None

    def __init__(self, request: VendorRequest) -> None:
        answer = request.answer
        self.request = request
        self.url = request.url or ""
        self.status_code = answer.status
        self.headers = answer.headers  # type: ignore[assignment]  # any mapping in lower case
        self.raw = answer
        self.history = []
        self._content = answer.body

    @property
    def cookies(self) -> RequestsCookieJar:  # type: ignore[override]  # which nobody sets
        """
        An empty jar: no cookie of a vendor's is kept.
        """
        return RequestsCookieJar()


class VendorAdapter(HTTPAdapter):
    """
    Sends over connections of our own, with one TLS context, never in vain and never twice.

    Args:
        proxies: Which hosts are reached through a proxy.

        ca_file: The certificates to trust instead of certifi's.

        pool_size: How many idle connections are kept for each origin.

        idle: Seconds after which an idle connection is not used again.
    """

    def __init__(
        self, *, proxies: Proxies, ca_file: str | None, pool_size: int, idle: float
    ) -> None:
        super().__init__(max_retries=0)
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
        super().close()
        pools, self._pools = self._pools, {}
        for pool in pools.values():
            pool.close()

    def get_connection_with_tls_context(self, request: Any, *_: Any, **__: Any) -> Any:
        """
        Return what the inherited ``send`` gives the request to; from here on it is ours.
        """
        request.progress.connecting()
        return _Exchange(self, request)

    def cert_verify(self, *_: Any, **__: Any) -> None:
        """
        Do nothing: the context verifies, always.
        """

    def request_url(self, request: Any, *_: Any, **__: Any) -> str:
        """
        Return the path: only https goes through a proxy, in a tunnel.
        """
        path: str = request.target.path
        return path

    def build_response(self, req: Any, resp: Any) -> Response:
        """
        Hand on our own answer as it is, and one that was made up as requests does.
        """
        return (
            VendorResponse(req) if isinstance(resp, Answer) else super().build_response(req, resp)
        )

    def exchange(self, request: VendorRequest, head: bytes, body: bytes | PartsBody) -> None:
        """
        Do one call over one connection: no second try, one deadline.
        """
        pool = self._find_pool(request.target)
        connection = pool.take() or self._connect(request)
        try:
            connection.exchange(head, body, request.answer, request.progress)
            connection.remember_session(self._tls, request.target)
        finally:
            pool.give(connection)

    def _connect(self, request: VendorRequest) -> Connection:
        proxy = self._proxies.find(request.url or "") if request.target.scheme == "https" else None
        return connect(request.target, proxy, self._tls, request.progress)

    def _find_pool(self, target: Target) -> Pool:
        origin = target[:3]
        pool = self._pools.get(origin)
        if pool is None:
            # Of two threads that make one at the same time, one gets the other's.
            pool = self._pools.setdefault(origin, Pool(self._pool_size, self._idle))
        return pool


class _Exchange:
    """
    One call, as the pool of urllib3 that the inherited ``send`` expects.
    """

    __slots__ = ("_adapter", "_request")

    def __init__(self, adapter: VendorAdapter, request: VendorRequest) -> None:
        self._adapter = adapter
        self._request = request

    def urlopen(
        self, *, method: str, url: str, headers: Mapping[str, str], body: Any, **_: Any
    ) -> Answer:
        """
        Write the request and read its answer, whole.

        Raises:
            ValueError, TypeError: If the head cannot be written; nothing was, nowhere.
        """
        self._adapter.exchange(self._request, write_head(method, url, headers), body or b"")
        return self._request.answer
