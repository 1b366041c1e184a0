"""
What aiohttp makes of an answer and of a call that broke, in our terms.
"""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING

import aiohttp
import aiohttp.http_exceptions

from mailfailover._wire import Response
from mailfailover.errors import InvalidMessage
from mailfailover.transports._answer_body import UnreadableBodyError, unpack_body
from mailfailover.transports._failure import explain

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from mailfailover.errors import SendError
    from mailfailover.transports._adapter import Target
    from mailfailover.transports._progress import Progress
    from mailfailover.transports._request_body import PartsBody

_CHUNK = 256 * 1024


class Answer:
    """
    What has arrived so far of an answer.
    """

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""
        self.unreadable: InvalidMessage | None = None
        """Why the request's own body could not be written."""

    def response(self, body: bytes) -> Response:
        return Response(self.status, self.headers, body)


async def read_answer(response: aiohttp.ClientResponse, answer: Answer, limit: int) -> None:
    """
    Read the body into *answer*, of at most *limit* bytes on the wire and as many unpacked.
    """
    async for chunk in response.content.iter_chunked(limit + 1):
        answer.body += chunk
        if len(answer.body) > limit:
            raise UnreadableBodyError(f"it is larger than {limit} bytes")
    answer.body = unpack_body(answer.body, response.headers.get("Content-Encoding", ""), limit)


async def chunks(body: PartsBody, answer: Answer) -> AsyncIterator[bytes | memoryview]:
    """
    Yield *body* in pieces that a socket takes at once, so that nothing is copied to wait.
    """
    try:
        for part in body:
            view = memoryview(part)
            for start in range(0, len(view), _CHUNK):
                yield view[start : start + _CHUNK]
    except InvalidMessage as exc:
        answer.unreadable = exc
        raise


def judge(
    exc: Exception, answer: Answer, target: Target, progress: Progress
) -> Response | SendError:
    """
    Make the answer of a call that broke: as everywhere, 3xx and 4xx count without their body.
    """
    if 300 <= answer.status < 500:  # noqa: PLR2004 -- RFC 9110, 15
        return answer.response(answer.body)
    if isinstance(exc, UnreadableBodyError):
        return explain(exc, progress, target)
    # aiohttp wraps the system's own error, and calls errors of TLS malformed values.
    failure = ConnectionError()
    failure.__cause__ = _innermost(exc)
    return explain(failure, progress, target)


def _innermost(exc: BaseException) -> BaseException:
    """
    Find what the system said, or the standard library would have, for the words of the error.
    """
    for kind, ours in _SAME_AS:
        if isinstance(exc, kind):
            return ours
    inner = getattr(exc, "os_error", None) or getattr(exc, "certificate_error", None)
    inner = inner or exc.__cause__
    return exc if inner is None else _innermost(inner)


_SAME_AS: tuple[tuple[type[BaseException], BaseException], ...] = (
    (TimeoutError, TimeoutError()),
    (aiohttp.ServerDisconnectedError, http.client.RemoteDisconnected("")),
    (aiohttp.ClientPayloadError, http.client.IncompleteRead(b"")),
    (aiohttp.http_exceptions.ContentLengthError, http.client.IncompleteRead(b"")),
    (aiohttp.http_exceptions.TransferEncodingError, http.client.IncompleteRead(b"")),
    (aiohttp.http_exceptions.HttpProcessingError, http.client.HTTPException()),
)
"""The first that fits counts."""
