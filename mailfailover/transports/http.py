"""
The transport for providers behind HTTP: one call, one deadline, never a second try.
"""

from __future__ import annotations

import time
from contextlib import nullcontext
from typing import TYPE_CHECKING

from mailfailover._provider.scrub import where
from mailfailover._values.interruption import let_through, note_stage
from mailfailover._values.wire import Response
from mailfailover.errors import ConnectionFailed, InvalidMessage, RequestRefused
from mailfailover.transports._adapter import VendorAdapter, VendorRequest
from mailfailover.transports._answer import Answer
from mailfailover.transports._failure import FAILURES, explain
from mailfailover.transports._progress import Progress
from mailfailover.transports._proxies import Proxies
from mailfailover.transports._request_body import PartsBody, prepare_body
from mailfailover.transports._stand_in import read_stand_in
from mailfailover.transports._target import find_target

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mailfailover._values.wire import HTTPRequest
    from mailfailover.errors import SendError

    Auth = Callable[[HTTPRequest, float], Mapping[str, str]]

__all__ = ["HTTPTransport"]

MAX_RESPONSE = 1024 * 1024

# How long the body is, only we can tell.
_FRAMING = frozenset({"content-length", "transfer-encoding"})
BODILESS = frozenset({"GET", "HEAD", "DELETE", "OPTIONS"})
"""What says nothing of a body when it has none."""

UNPACKED = {"Accept-Encoding": "identity"}


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
        self._adapter = VendorAdapter(
            proxies=Proxies(proxies or {}, trust_env=trust_env),
            ca_file=ca_file,
            pool_size=pool_size,
            idle=idle,
        )
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
        vendor_request = self._prepare(request, progress)
        body = vendor_request.body
        with body if isinstance(body, PartsBody) else nullcontext():
            answer = self._exchange(vendor_request, timeout)
        if isinstance(answer, Response):
            return answer
        raise answer  # here, outside of any handler: nothing else may hang on it

    def close(self) -> None:
        """
        Close all idle connections. The transport can be used again.
        """
        self._adapter.close()

    def _prepare(self, request: HTTPRequest, progress: Progress) -> VendorRequest:
        try:
            target = find_target(request.url)
        except ValueError as exc:
            raise RequestRefused(f"nothing was sent: {exc}", stage=progress.stage) from None
        body, size = prepare_body(request.body)
        defaults = {"Host": target.authority, "User-Agent": self._user_agent, **UNPACKED}
        headers = signed_headers(request, defaults, progress)
        if size or request.method not in BODILESS:
            headers["Content-Length"] = str(size)
        return VendorRequest(
            request.method,
            request.url,
            headers=headers,
            body=body if size else None,
            target=target,
            progress=progress,
            answer=Answer(progress.answered, self._max_response, request.method),
        )

    def _exchange(self, request: VendorRequest, timeout: float) -> Response | SendError:
        answer = request.answer
        try:
            found = self._adapter.send(request, stream=True, timeout=timeout)
            if found.raw is not answer:
                return read_stand_in(found, request.progress, self._max_response)
        except InvalidMessage:
            raise
        except FAILURES as exc:
            let_through(exc, request.progress.stage)
            if not 300 <= answer.status < 500:  # noqa: PLR2004 -- RFC 9110, 15
                return explain(exc, request.progress, request.target)
        except BaseException as exc:
            note_stage(exc, request.progress.stage)
            raise
        return answer.response()


def signed_headers(
    request: HTTPRequest, defaults: Mapping[str, str], progress: Progress
) -> dict[str, str]:
    """
    Return the headers of *request* as they go out, but for what frames its body.

    The headers of *defaults* are used where the request has none of that name.

    Raises:
        RequestRefused: If it cannot be signed.
        InvalidMessage: If a file to sign cannot be read.
    """
    headers = dict(request.headers)
    if request.auth is not None:
        headers.update(_sign(request.auth, request, progress))
    names = {name.lower(): name for name in headers}
    for name in _FRAMING & names.keys():
        del headers[names[name]]
    return {name: defaults[name] for name in defaults if name.lower() not in names} | headers


def _sign(auth: Auth, request: HTTPRequest, progress: Progress) -> Mapping[str, str]:
    try:
        return auth(request, time.time())
    except InvalidMessage:  # a ValueError too
        raise
    except FAILURES as exc:
        # Its text may quote a key; its kind and place do not.
        text = f"nothing was sent: signing the request failed: {type(exc).__name__}{where(exc)}"
    raise RequestRefused(text, stage=progress.stage)
