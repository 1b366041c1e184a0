"""
The transport for providers behind HTTP: one call, one deadline, never a second try.
"""

from __future__ import annotations

import time
from functools import lru_cache
from typing import TYPE_CHECKING

from mailfailover._provider.scrub import where
from mailfailover._values.interruption import let_through, note_stage
from mailfailover._values.wire import Response
from mailfailover.errors import ConnectionFailed, InvalidMessage, RequestRefused
from mailfailover.transports._adapter import VendorAdapter, VendorRequest, is_replaced
from mailfailover.transports._answer import Answer
from mailfailover.transports._connections import Connections
from mailfailover.transports._failure import FAILURES, explain
from mailfailover.transports._progress import Progress
from mailfailover.transports._proxies import Proxies
from mailfailover.transports._request_body import PartsBody, prepare_body
from mailfailover.transports._request_head import write_head
from mailfailover.transports._stand_in import read_stand_in
from mailfailover.transports._target import find_target

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mailfailover._values.wire import HTTPRequest
    from mailfailover.errors import SendError
    from mailfailover.transports._target import Target

    Auth = Callable[[HTTPRequest, float], Mapping[str, str]]

__all__ = ["HTTPTransport"]

MAX_RESPONSE = 1024 * 1024

# How long the body is, only we can tell.
_FRAMING = frozenset({"content-length", "transfer-encoding"})
BODILESS = frozenset({"GET", "HEAD", "DELETE", "OPTIONS"})
"""What says nothing of a body when it has none."""

UNPACKED = {"Accept-Encoding": "identity"}
_OWN = ("Host", "User-Agent", *UNPACKED)
"""Our own headers, for requests that do not set them."""


class HTTPTransport:
    """
    Sends requests over kept-alive connections; safe in threads and after a fork.

    It never tries twice, follows no redirect, reads no ``.netrc``, and verifies TLS.

    Args:
        proxies: ``{"https": "http://user:password@proxy:3128"}``: https goes through a
            tunnel of that proxy. Plain http, which is for loopback hosts, never does.

        ca_file: A file with the certificates to trust instead of certifi's.

        pool_size: How many idle connections are kept for each host; any number may be in use.

        max_response: The largest answer in bytes, packed and unpacked.

        idle: Seconds after which an idle connection is closed instead of used again.

        user_agent: The User-Agent, where a provider sets none.

        trust_env: Whether ``HTTPS_PROXY``, ``ALL_PROXY`` and ``NO_PROXY`` count where
            *proxies* does not name a proxy.

    Raises:
        ConfigurationError: If a proxy is not of the form ``http://host:port``.

    .. versionadded:: 0.1.0
    """

    def __init__(
        self,
        *,
        proxies: Mapping[str, str] | None = None,
        ca_file: str | None = None,
        pool_size: int = 128,
        max_response: int = MAX_RESPONSE,
        idle: float = 30.0,
        user_agent: str = "mailfailover",
        trust_env: bool = False,
    ) -> None:
        self._connections = Connections(
            proxies=Proxies(proxies or {}, trust_env=trust_env),
            ca_file=ca_file,
            pool_size=pool_size,
            idle=idle,
        )
        self._adapter = VendorAdapter(self._connections)
        self._max_response = max_response
        self._user_agent = user_agent

    def send(self, request: HTTPRequest, timeout: float) -> Response:
        """
        Do one call within *timeout* seconds.

        A status of 3xx or 4xx counts even where the rest of the answer is broken: the
        vendor has refused, and the body would only tell why. With any other status a broken
        answer is unknown, for the mail's id or the vendor's reason is lost.

        Raises:
            ConnectionFailed: Nothing was sent.
            RequestRefused: Nothing was sent, for the request is malformed.
            OutcomeUnknown: It may have been sent.
            InvalidMessage: A file to attach cannot be read, or changed its size; nothing
                was sent, or nothing that a vendor can take for a whole mail.
        """
        progress = Progress(timeout)
        if timeout <= 0:
            raise ConnectionFailed("nothing was sent: no time is left", stage=progress.stage)
        try:
            target = find_target(request.url)
        except ValueError as exc:
            raise RequestRefused(f"nothing was sent: {exc}", stage=progress.stage) from None
        body, size = prepare_body(request.body)
        headers = request_headers(request, target, self._user_agent, size, progress)
        if isinstance(body, PartsBody):
            with body:
                answer = self._exchange(request.method, target, headers, body, progress)
        else:
            answer = self._exchange(request.method, target, headers, body, progress)
        if isinstance(answer, Response):
            return answer
        raise answer  # here, outside of any handler: nothing else may hang on it

    def close(self) -> None:
        """
        Close all idle connections. The transport can be used again.
        """
        self._connections.close()
        self._adapter.close()

    def _exchange(
        self,
        method: str,
        target: Target,
        headers: dict[str, str],
        body: bytes | PartsBody,
        progress: Progress,
    ) -> Response | SendError:
        answer = Answer(progress.answered, self._max_response, method)
        try:
            if is_replaced():
                given = VendorRequest(
                    method,
                    headers=headers,
                    body=body or None,
                    target=target,
                    progress=progress,
                    answer=answer,
                )
                found = self._adapter.send(given, stream=True, timeout=progress.timeout)
                if found.raw is not answer:
                    return read_stand_in(found, progress, self._max_response)
            else:
                progress.connecting()
                head = write_head(method, target.path, headers)
                self._connections.exchange(target, head, body, answer, progress)
        except InvalidMessage:
            raise
        except FAILURES as exc:
            let_through(exc, progress.stage)
            if not 300 <= answer.status < 500:  # noqa: PLR2004 -- RFC 9110, 15
                return explain(exc, progress, target)
        except BaseException as exc:
            note_stage(exc, progress.stage)
            raise
        return answer.response()


def request_headers(
    request: HTTPRequest, target: Target, user_agent: str, size: int, progress: Progress
) -> dict[str, str]:
    """
    Return the headers of *request* as they go out, before a body of *size* bytes.

    Raises:
        RequestRefused: If it cannot be signed.
        InvalidMessage: If a file to sign cannot be read.
    """
    given = dict(request.headers)
    if request.auth is not None:
        given.update(_sign(request.auth, request, progress))
    framing, lacking = _sort_names(tuple(given))
    for name in framing:
        del given[name]
    headers = {"Host": target.authority, "User-Agent": user_agent, **UNPACKED}
    if lacking != _OWN:
        headers = {name: headers[name] for name in lacking}
    headers.update(given)
    if size or request.method not in BODILESS:
        headers["Content-Length"] = str(size)
    return headers


@lru_cache(maxsize=1024)
def _sort_names(names: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """
    Return those of *names* that frame a body, and those of our own that are not among *names*.
    """
    lower = {name.lower() for name in names}
    framing = tuple(name for name in names if name.lower() in _FRAMING)
    return framing, tuple(name for name in _OWN if name.lower() not in lower)


def _sign(auth: Auth, request: HTTPRequest, progress: Progress) -> Mapping[str, str]:
    try:
        return auth(request, time.time())
    except InvalidMessage:  # a ValueError too
        raise
    except FAILURES as exc:
        # Its text may quote a key; its kind and place do not.
        text = f"nothing was sent: signing the request failed: {type(exc).__name__}{where(exc)}"
    raise RequestRefused(text, stage=progress.stage)
