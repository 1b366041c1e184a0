"""
The transports for an event loop: HTTP by aiohttp, SMTP in threads.
"""

from __future__ import annotations

import asyncio
import ssl
from contextlib import nullcontext
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import aiohttp
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from yarl import URL

from mailfailover._wire import HTTPRequest, Response, SMTPRequest, Stage
from mailfailover.errors import ConnectionFailed, InvalidMessage, RequestRefused
from mailfailover.transports._adapter import find_target
from mailfailover.transports._aio_answer import Answer, chunks, judge, read_answer
from mailfailover.transports._answer_body import UnreadableBodyError
from mailfailover.transports._in_thread import Threads
from mailfailover.transports._progress import CONNECT_TIMEOUT, Progress
from mailfailover.transports._proxies import Proxies
from mailfailover.transports._request_body import PartsBody, prepare_body
from mailfailover.transports.http import MAX_RESPONSE, signed_headers
from mailfailover.transports.smtp import SMTPTransport

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailfailover.errors import SendError
    from mailfailover.transports._adapter import Target

__all__ = ["AsyncHTTPTransport", "AsyncTransport"]

_AUTOMATIC = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
_FAILURES = (
    OSError,
    aiohttp.ClientError,
    UnreadableBodyError,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    RuntimeError,
    AssertionError,
)


@lru_cache(maxsize=32)
def _context(ca_file: str | None) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=ca_file or DEFAULT_CA_BUNDLE_PATH)


def _tracing() -> aiohttp.TraceConfig:
    """
    Make aiohttp tell how far each call got. It tells before it writes, never after.
    """

    async def connecting(_: object, context: Any, __: object) -> None:
        context.trace_request_ctx.connecting()

    async def connected(_: object, context: Any, __: object) -> None:
        context.trace_request_ctx.connected()

    async def writing(_: object, context: Any, __: object) -> None:
        context.trace_request_ctx.wrote(0)

    async def written(_: object, context: Any, chunk: aiohttp.TraceRequestChunkSentParams) -> None:
        context.trace_request_ctx.wrote(memoryview(chunk.chunk).nbytes)

    config = aiohttp.TraceConfig()
    config.on_request_start.append(connecting)
    config.on_connection_create_end.append(connected)
    config.on_connection_reuseconn.append(connected)
    config.on_request_headers_sent.append(writing)
    config.on_request_chunk_sent.append(written)
    return config


class _Upload(Progress):
    """
    The progress of one call that knows how much is still to be written.
    """

    __slots__ = ("missing",)

    def __init__(self, timeout: float) -> None:
        super().__init__(timeout)
        self.missing = 0

    def wrote(self, count: int) -> None:
        """
        Head, or *count* bytes of the body, are handed to the system.
        """
        self.writing()
        self.missing -= count
        if self.missing <= 0:
            self.written()


class AsyncHTTPTransport:
    """
    Sends requests over kept-alive connections of one event loop; a new loop gets new ones.

    It never tries twice, follows no redirect, reads no ``.netrc``, keeps no cookies, and
    verifies TLS.

    Args:
        proxies, ca_file, max_response, idle, user_agent, trust_env: As for the transport
            for threads, ``mailfailover.transports.http.HTTPTransport``.

    .. versionadded:: 0.1.0
    """

    def __init__(
        self,
        *,
        proxies: Mapping[str, str] | None = None,
        ca_file: str | None = None,
        max_response: int = MAX_RESPONSE,
        idle: float = 30.0,
        user_agent: str = "mailfailover",
        trust_env: bool = False,
    ) -> None:
        self._proxies = Proxies(proxies or {}, trust_env=trust_env)
        self._ca_file = ca_file
        self._max_response = max_response
        self._idle = idle
        self._user_agent = user_agent
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def send(self, request: HTTPRequest, timeout: float) -> Response:
        """
        Do one call within *timeout* seconds.

        Raises:
            ConnectionFailed: Nothing was sent.
            RequestRefused: Nothing was sent, for the request is malformed.
            OutcomeUnknown: It may have been sent.
            InvalidMessage: A file to attach cannot be read, or changed its size.
            asyncio.CancelledError: With the *stage* at which the task was cancelled.
        """
        progress = _Upload(timeout)
        if timeout <= 0:
            raise ConnectionFailed("nothing was sent: no time is left", stage=progress.stage)
        try:
            target = find_target(request.url)
        except ValueError as exc:
            raise RequestRefused(f"nothing was sent: {exc}", stage=progress.stage) from None
        try:
            answer = await self._exchange(request, target, progress, timeout)
        except asyncio.CancelledError as exc:
            exc.stage = progress.stage  # type: ignore[attr-defined]  # read by whoever records the attempt
            raise
        if isinstance(answer, Response):
            return answer
        raise answer  # here, outside of any handler: nothing else may hang on it

    async def close(self) -> None:
        """
        Close all connections. The transport can be used again.
        """
        session, self._session = self._session, None
        if session is not None:
            await session.close()
            await asyncio.sleep(0)  # lets the loop close what was aborted

    async def _exchange(
        self, request: HTTPRequest, target: Target, progress: _Upload, timeout: float
    ) -> Response | SendError:
        headers = signed_headers(request, {"User-Agent": self._user_agent}, progress)
        headers.setdefault("Accept-Encoding", "identity")
        body, size = prepare_body(request.body)
        if size:
            headers["Content-Length"] = str(size)
        progress.missing = size
        answer = Answer()
        data: Any = body if size else None
        try:
            with body if isinstance(body, PartsBody) else nullcontext():
                if isinstance(body, PartsBody):
                    data = chunks(body, answer)
                async with asyncio.timeout(timeout):
                    await self._call(request, headers, data, progress, answer)
        except InvalidMessage:
            raise
        except _FAILURES as exc:
            if answer.unreadable is None:
                return judge(exc, answer, target, progress)
        if answer.unreadable is not None:
            raise answer.unreadable
        return answer.response(answer.body)

    async def _call(
        self,
        request: HTTPRequest,
        headers: dict[str, str],
        data: Any,
        progress: _Upload,
        answer: Answer,
    ) -> None:
        async with self._open().request(
            request.method,
            URL(request.url, encoded=True),
            headers=headers,
            data=data,
            skip_auto_headers=_AUTOMATIC,
            allow_redirects=False,
            proxy=self._proxies.find(request.url),
            trace_request_ctx=progress,
        ) as response:
            progress.answered(response.status)
            answer.status = response.status
            answer.headers = dict(response.headers)
            await read_answer(response, answer, self._max_response)

    def _open(self) -> aiohttp.ClientSession:
        """
        Find the session of the running loop; that of a loop which is gone cannot be used.
        """
        loop = asyncio.get_running_loop()
        if self._session is None or self._loop is not loop:
            self._loop = loop
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=0, keepalive_timeout=self._idle, ssl=_context(self._ca_file)
                ),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trace_configs=[_tracing()],
            )
        return self._session


class AsyncTransport:
    """
    Carries each request in an event loop: HTTP by aiohttp, SMTP in threads.

    Args:
        http: What carries an HTTPRequest; a plain AsyncHTTPTransport if None.

        smtp: What carries an SMTPRequest, in a thread; a plain SMTPTransport if None.

    .. versionadded:: 0.1.0
    """

    def __init__(
        self, *, http: AsyncHTTPTransport | None = None, smtp: SMTPTransport | None = None
    ) -> None:
        self.http = AsyncHTTPTransport() if http is None else http
        self.smtp = SMTPTransport() if smtp is None else smtp
        self.threads = Threads()

    async def send(self, request: Any, timeout: float) -> Any:
        """
        Do one call within *timeout* seconds, without any retry.

        Raises:
            ConnectionFailed: Nothing was sent.
            RequestRefused: Nothing was sent, for the request is malformed.
            OutcomeUnknown: It may have been sent.
        """
        if isinstance(request, HTTPRequest):
            return await self.http.send(request, timeout)
        if isinstance(request, SMTPRequest):
            return await self.threads.run(self.smtp.send, request, timeout)
        text = f"nothing was sent: {type(request).__name__} is no HTTPRequest or SMTPRequest"
        raise RequestRefused(text, stage=Stage.PREPARING)

    async def close(self) -> None:
        """
        Close all idle connections. The transport can be used again.
        """
        await self.http.close()
        await self.threads.run(self.smtp.close)
        self.threads.close()
