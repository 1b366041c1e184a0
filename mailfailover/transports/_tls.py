"""
TLS to vendors: one context for all, and the sessions that spare a second handshake's cost.
"""

from __future__ import annotations

import ssl
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple

from requests.utils import DEFAULT_CA_BUNDLE_PATH

if TYPE_CHECKING:
    import socket

    from mailfailover.transports._target import Target

    Peer = tuple[str, int]

_RENEWED = 60.0
"""Seconds after which a session that still serves is replaced by its successor."""


class _Session(NamedTuple):
    session: ssl.SSLSession
    since: float


class TLS:
    """
    The TLS settings of one transport's connections. Certificates and host names are checked.

    A resumed session skips the certificate, which was checked when the session began: it is
    kept for its own host and port only, and lives as long as the vendor's server lets it.

    Args:
        ca_file: The certificates to trust instead of certifi's; read at the first connection.
    """

    def __init__(self, ca_file: str | None) -> None:
        self._ca_file = ca_file
        self._context: ssl.SSLContext | None = None
        self._sessions: dict[Peer, _Session] = {}

    def wrap(self, sock: socket.socket, target: Target) -> ssl.SSLSocket:
        """
        Do the handshake over *sock*, within the socket's timeout.

        Raises:
            OSError: If it fails; *sock* is closed then.
        """
        secured = self._find_context().wrap_socket(
            sock,
            server_hostname=server_name(target),
            session=self._find_session(target),
            do_handshake_on_connect=False,
        )
        try:
            secured.do_handshake()
        except BaseException:
            secured.close()
            raise
        return secured

    def for_loop(self, target: Target) -> Any:
        """
        Return what asyncio takes for a context when it connects to *target*.
        """
        return _Resuming(self._find_context(), self._find_session(target))

    def remember(self, target: Target, secured: ssl.SSLSocket | ssl.SSLObject) -> None:
        """
        Keep the session of *secured*, over which an answer came, for the next connection.

        With TLS 1.3 the server hands out sessions after the handshake, so they are there once
        something was read.
        """
        kept, now = self._sessions.get(_peer(target)), monotonic()
        # Asking for a session costs as much as half of the handshake that it spares.
        if kept is not None and secured.session_reused and now - kept.since < _RENEWED:
            return
        if (session := secured.session) is not None:
            self._sessions[_peer(target)] = _Session(session, now)

    def _find_session(self, target: Target) -> ssl.SSLSession | None:
        kept = self._sessions.get(_peer(target))
        return None if kept is None else kept.session

    def _find_context(self) -> ssl.SSLContext:
        if self._context is None:
            context = ssl.create_default_context(cafile=self._ca_file or DEFAULT_CA_BUNDLE_PATH)
            context.set_alpn_protocols(["http/1.1"])
            self._context = context
        return self._context


class _Resuming:
    """
    A context that begins with a session: asyncio has no parameter for one.
    """

    def __init__(self, context: ssl.SSLContext, session: ssl.SSLSession | None) -> None:
        self._context = context
        self._session = session

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,  # noqa: FBT001, FBT002 -- asyncio's own signature
        server_hostname: str | None = None,
    ) -> ssl.SSLObject:
        return self._context.wrap_bio(
            incoming, outgoing, server_side, server_hostname, self._session
        )


def _peer(target: Target) -> Peer:
    return target.host, target.port


def server_name(target: Target) -> str:
    """
    Return the name that the certificate must have.
    """
    return target.host.rstrip(".")  # the root's dot is in no certificate
