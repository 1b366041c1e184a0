"""
The adapter of requests that everything goes through, without what a send does not need.

``send`` itself is inherited, so that whatever replaces ``HTTPAdapter.send``, such as the
package ``responses``, gets our requests too.
"""

from __future__ import annotations

import ssl
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, cast
from urllib.parse import urlsplit

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH, requote_uri
from urllib3 import ProxyManager

from mailfailover._values.fork import after_fork
from mailfailover.transports._pool import TLSVendorPool, VendorPool, present
from mailfailover.transports._request_head import authority

if TYPE_CHECKING:
    from mailfailover.transports._progress import Progress
    from mailfailover.transports._proxies import Proxies
    from mailfailover.transports._request_body import PartsBody

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_PORTS = {"http": 80, "https": 443}
_MALFORMED = "the URL is not of the form https://host[:port]/path"


class Target(NamedTuple):
    """
    Where a request goes.
    """

    scheme: str
    host: str
    port: int
    path: str
    authority: str
    """Host and port as a head names them."""

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@lru_cache(maxsize=1024)
def find_target(url: str) -> Target:
    """
    Take *url* apart, if a mail and a key may go there.

    Raises:
        ValueError: If it is no https URL, and no http URL of a loopback host.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS[parts.scheme]
        host = (parts.hostname or "").encode("idna").decode()
    except (ValueError, LookupError):
        raise ValueError(_MALFORMED) from None
    if not host or "@" in parts.netloc:
        raise ValueError(_MALFORMED)
    if parts.scheme == "http" and host not in _LOOPBACK:
        raise ValueError("the URL is plain http: use https (http is for loopback hosts only)")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    name = authority(host, port).removesuffix(f":{_PORTS[parts.scheme]}")
    return Target(parts.scheme, host, port, requote_uri(path), name)


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
    ) -> None:
        super().__init__()
        self.method = method
        self.url = url
        self.headers = headers  # type: ignore[assignment]  # any mapping will do
        self.body = body  # type: ignore[assignment]  # memoryviews will do as well as bytes
        self.target = target
        self.progress = progress


class VendorAdapter(HTTPAdapter):
    """
    Sends through pools of our own, over TLS with one context, never in vain and never twice.

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
        self._ca_file = ca_file
        self._pool_size = pool_size
        self._idle = idle
        self._context: ssl.SSLContext | None = None
        self._pools: dict[tuple[str, str, int], VendorPool] = {}
        after_fork(self._forget)

    def close(self) -> None:
        """
        Close all idle connections; those in use are closed when they are given back.
        """
        super().close()
        pools, self._pools = self._pools, {}
        for pool in pools.values():
            pool.close()

    def get_connection_with_tls_context(self, request: Any, *_: Any, **__: Any) -> VendorPool:
        """
        Find the pool for *request*; from here on a connection is asked for.
        """
        request.progress.connecting()
        present.progress = request.progress
        origin = request.target[:3]
        pool = self._pools.get(origin)
        if pool is None:
            # Of two threads that make one at the same time, one gets the other's.
            pool = self._pools.setdefault(origin, self._make_pool(request.target, request.url))
        return pool

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

    def build_response(self, req: PreparedRequest, resp: Any) -> Response:
        """
        Hand on what arrived, without cookies and encodings.
        """
        response = Response()
        response.status_code = resp.status
        response.headers = resp.headers
        response.raw = resp
        response.reason = resp.reason
        response.url = req.url or ""
        response.request = req
        return response

    def _forget(self) -> None:
        # In the child of a fork: closed here with their pools, the sockets stay open there.
        self._pools = {}

    def _make_pool(self, target: Target, url: str) -> VendorPool:
        if target.scheme == "http":
            pool = VendorPool(target.host, target.port, maxsize=self._pool_size)
        elif proxy := self._proxies.find(url):
            pool = self._make_tunnel_pool(target, proxy)
        else:
            pool = TLSVendorPool(
                target.host,
                target.port,
                maxsize=self._pool_size,
                cert_reqs="CERT_REQUIRED",
                ssl_context=self._find_context(),
            )
        pool.close_idle_after(self._idle)
        return pool

    def _make_tunnel_pool(self, target: Target, proxy: str) -> VendorPool:
        manager = ProxyManager(
            proxy,
            num_pools=1,
            proxy_headers=self.proxy_headers(proxy),
            maxsize=self._pool_size,
            cert_reqs="CERT_REQUIRED",
            ssl_context=self._find_context(),
        )
        manager.pool_classes_by_scheme = {"https": TLSVendorPool}
        pool = manager.connection_from_host(target.host, target.port, target.scheme)
        return cast("VendorPool", pool)

    def _find_context(self) -> ssl.SSLContext:
        if self._context is None:
            self._context = ssl.create_default_context(
                cafile=self._ca_file or DEFAULT_CA_BUNDLE_PATH
            )
        return self._context
