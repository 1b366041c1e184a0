"""
The only network IO: what carries a provider's request to its vendor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mailfailover._values.first_use import first_use
from mailfailover._values.wire import HTTPRequest, SMTPRequest, Stage
from mailfailover.errors import RequestRefused

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailfailover._provider.protocols import Transport

__all__ = ["DefaultTransport"]


def _make_http() -> Transport:
    from mailfailover.transports.http import HTTPTransport

    return HTTPTransport()


def _make_smtp() -> Transport:
    from mailfailover.transports.smtp import SMTPTransport

    return SMTPTransport()


_MAKERS: dict[type, Callable[[], Transport]] = {HTTPRequest: _make_http, SMTPRequest: _make_smtp}


class DefaultTransport:
    """
    Carries each request with the transport for its kind, which is loaded when first needed.

    Safe in threads and after a fork.

    Args:
        http: The transport of HTTP requests; a plain HTTPTransport if None.

        smtp: The transport of SMTP requests; a plain SMTPTransport if None.

    .. versionadded:: 0.1.0
    """

    def __init__(self, *, http: Transport | None = None, smtp: Transport | None = None) -> None:
        given = ((HTTPRequest, http), (SMTPRequest, smtp))
        self._transports = {kind: one for kind, one in given if one is not None}

    def send(self, request: Any, timeout: float) -> Any:
        """
        Do one call within *timeout* seconds, without any retry.

        Raises:
            ConnectionFailed: Nothing was sent.
            RequestRefused: Nothing was sent, for the request is malformed.
            OutcomeUnknown: It may have been sent.
        """
        kind = type(request)
        transport = self._transports.get(kind)
        if transport is None:
            if kind not in _MAKERS:
                raise RequestRefused(
                    f"nothing was sent: {kind.__name__} is no request: build_request must "
                    "return an HTTPRequest or an SMTPRequest",
                    stage=Stage.PREPARING,
                )
            # Of two threads that make one at the same time, one gets the other's. Neither may be
            # caught by a fork while it imports.
            with first_use:
                transport = self._transports.setdefault(kind, _MAKERS[kind]())
        return transport.send(request, timeout)

    def close(self) -> None:
        """
        Close the idle connections of all transports. They can be used again.
        """
        for transport in tuple(self._transports.values()):
            transport.close()
