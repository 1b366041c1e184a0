"""
The transports for an event loop: HTTP in the loop, SMTP in threads.
"""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from mailfailover._values.face import published_in
from mailfailover._values.interruption import let_through, note_stage
from mailfailover._values.wire import HTTPRequest, Response, SMTPRequest, Stage
from mailfailover.errors import ConnectionFailed, InvalidMessage, RequestRefused
from mailfailover.transports._aio_dial import connect
from mailfailover.transports._aio_idle import Idle
from mailfailover.transports._answer import Answer
from mailfailover.transports._failure import FAILURES, explain
from mailfailover.transports._in_thread import Threads
from mailfailover.transports._progress import Progress
from mailfailover.transports._proxies import Proxies
from mailfailover.transports._request_body import PartsBody, prepare_body
from mailfailover.transports._request_head import write_head
from mailfailover.transports._target import find_target
from mailfailover.transports._tls import TLS
from mailfailover.transports.http import MAX_RESPONSE, request_headers
from mailfailover.transports.smtp import SMTPTransport

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailfailover.errors import SendError
    from mailfailover.transports._aio_connection import Connection
    from mailfailover.transports._target import Target

__all__ = ["AsyncHTTPTransport", "AsyncTransport"]


@published_in("mailfailover.aio")
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
        self._tls = TLS(ca_file)
        self._max_response = max_response
        self._idle = idle
        self._user_agent = user_agent
        self._kept: Idle | None = None

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
        progress = Progress(timeout)
        if timeout <= 0:
            raise ConnectionFailed("nothing was sent: no time is left", stage=progress.stage)
        try:
            target = find_target(request.url)
        except ValueError as exc:
            raise RequestRefused(f"nothing was sent: {exc}", stage=progress.stage) from None
        try:
            answer = await self._exchange(request, target, progress)
        except InvalidMessage:
            raise
        except BaseException as exc:  # the task was cancelled, or a time limit came
            note_stage(exc, progress.stage)
            raise
        if isinstance(answer, Response):
            return answer
        raise answer  # here, outside of any handler: nothing else may hang on it

    async def close(self) -> None:
        """
        Close all connections. The transport can be used again.
        """
        kept, self._kept = self._kept, None
        if kept is not None and kept.loop is asyncio.get_running_loop():
            kept.close()
            await asyncio.sleep(0)  # lets the loop close what was aborted

    async def _exchange(
        self, request: HTTPRequest, target: Target, progress: Progress
    ) -> Response | SendError:
        body, size = prepare_body(request.body)
        headers = request_headers(request, target, self._user_agent, size, progress)
        answer = Answer(progress.answered, self._max_response, request.method)
        try:
            with body if isinstance(body, PartsBody) else nullcontext():
                progress.connecting()
                head = write_head(request.method, target.path, headers)
                kept, origin = self._open(), target[:3]
                connection = kept.take(origin) or await self._connect(target, progress)
                progress.connected()
                try:
                    await connection.exchange(head, body, answer, progress)
                    connection.remember_session(self._tls, target)
                finally:
                    kept.give(origin, connection)
        except InvalidMessage:
            raise
        except FAILURES as exc:
            let_through(exc, progress.stage)
            if not 300 <= answer.status < 500:  # noqa: PLR2004 -- RFC 9110, 15
                return explain(exc, progress, target)
        return answer.response()

    async def _connect(self, target: Target, progress: Progress) -> Connection:
        proxy = self._proxies.find(target.url) if target.scheme == "https" else None
        return await connect(target, proxy, self._tls, progress)

    def _open(self) -> Idle:
        """
        Find the connections of the running loop; connections of a finished loop are useless.
        """
        kept = self._kept
        if kept is None or kept.loop is not asyncio.get_running_loop():
            kept = self._kept = Idle(self._idle)
        return kept


@published_in("mailfailover.aio")
class AsyncTransport:
    """
    Carries each request in an event loop: HTTP in the loop itself, SMTP in threads.

    Args:
        http: The transport of HTTP requests; a plain AsyncHTTPTransport if None.

        smtp: The transport of SMTP requests, run in a thread; a plain SMTPTransport if None.

    .. versionadded:: 0.1.0
    """

    def __init__(
        self, *, http: AsyncHTTPTransport | None = None, smtp: SMTPTransport | None = None
    ) -> None:
        self.http: AsyncHTTPTransport = AsyncHTTPTransport() if http is None else http
        self.smtp: SMTPTransport = SMTPTransport() if smtp is None else smtp
        self.threads: Threads = Threads()

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
