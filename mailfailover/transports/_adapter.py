"""
The adapter of requests, for calls while ``HTTPAdapter.send`` is replaced.

A call needs nothing of requests. But the package ``responses`` and some tracers replace
``HTTPAdapter.send``, and must see our calls too: while it is replaced, a call goes through it.
The inherited ``send`` then ends at our own connections.
"""

from __future__ import annotations

from datetime import timedelta
from types import FunctionType
from typing import TYPE_CHECKING, Any

import requests.adapters
from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from requests.cookies import RequestsCookieJar

from mailfailover.transports._answer import Answer
from mailfailover.transports._request_head import write_head

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailfailover.transports._connections import Connections
    from mailfailover.transports._progress import Progress
    from mailfailover.transports._request_body import PartsBody
    from mailfailover.transports._target import Target

_REQUESTS = vars(requests.adapters)


def is_replaced() -> bool:
    """
    Whether ``HTTPAdapter.send`` is not the function that requests defines.
    """
    send = HTTPAdapter.send
    return type(send) is not FunctionType or send.__globals__ is not _REQUESTS


class VendorRequest(PreparedRequest):
    """
    A request that is prepared already: none of what requests does to one is needed.
    """

    def __init__(
        self,
        method: str,
        *,
        headers: dict[str, str],
        body: bytes | PartsBody | None,
        target: Target,
        progress: Progress,
        answer: Answer,
    ) -> None:
        super().__init__()
        self.method = method
        self.url = target.url
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
    Sends over connections of our own; ``send`` itself is inherited.

    Args:
        connections: What carries the requests that are let through.
    """

    def __init__(self, connections: Connections) -> None:
        super().__init__(max_retries=0)
        self._connections = connections

    def get_connection_with_tls_context(self, request: Any, *_: Any, **__: Any) -> Any:
        """
        Return what the inherited ``send`` gives the request to; from here on it is ours.
        """
        request.progress.connecting()
        return _Exchange(self._connections, request)

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


class _Exchange:
    """
    One call, as the pool of urllib3 that the inherited ``send`` expects.
    """

    __slots__ = ("_connections", "_request")

    def __init__(self, connections: Connections, request: VendorRequest) -> None:
        self._connections = connections
        self._request = request

    def urlopen(
        self, *, method: str, url: str, headers: Mapping[str, str], body: Any, **_: Any
    ) -> Answer:
        """
        Write the request and read its answer, whole.

        Raises:
            ValueError, TypeError: If the head cannot be written; nothing was, nowhere.
        """
        request = self._request
        head = write_head(method, url, headers)
        self._connections.exchange(
            request.target, head, body or b"", request.answer, request.progress
        )
        return request.answer
