"""
Tunnels through a proxy, made without any IO: what is written, and when the answer allows it.
"""

from __future__ import annotations

from base64 import b64encode
from http.client import HTTPException
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from requests.utils import get_auth_from_url

from mailfailover.transports._answer import Answer
from mailfailover.transports._answer_head import MAX_HEAD, UnreadableAnswerError
from mailfailover.transports._request_head import authority, write_head

if TYPE_CHECKING:
    from mailfailover.transports._target import Target


class TunnelError(ConnectionError):
    """
    The proxy is down, or makes no tunnel.
    """


class Tunnel:
    """
    A tunnel to *target* that is asked for.

    Args:
        target: The vendor.

        proxy: The proxy's URL, with user and password where it wants them.
    """

    def __init__(self, target: Target, proxy: str) -> None:
        parts = urlsplit(proxy)
        self.host = parts.hostname or ""
        self.port = parts.port or 80
        self._name = authority(target.host, target.port)
        self._auth = get_auth_from_url(proxy)
        self._answer = Answer(lambda _: None, MAX_HEAD, "CONNECT")

    def ask(self) -> bytes:
        """
        Return what is written to the proxy.
        """
        headers = {"Host": self._name}
        user, password = self._auth
        if user:
            word = b64encode(f"{user}:{password}".encode()).decode("ascii")
            headers["Proxy-Authorization"] = f"Basic {word}"
        return write_head("CONNECT", self._name, headers)

    def feed(self, data: bytes) -> bool:
        """
        Take what the proxy answered, b"" where it closed; return whether the tunnel stands.

        Raises:
            TunnelError: If there will be none.
        """
        answer = self._answer
        try:
            if data:
                answer.feed(data)
            else:
                answer.end()
        except (HTTPException, UnreadableAnswerError) as exc:
            raise TunnelError(str(exc)) from exc
        if answer.status and not 200 <= answer.status < 300:  # noqa: PLR2004 -- RFC 9110, 9.3.6
            raise TunnelError(f"the proxy answers {answer.status}")
        if answer.is_whole and answer.rest:
            raise TunnelError("the proxy says more than it was asked")
        return answer.is_whole
