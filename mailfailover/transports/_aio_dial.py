"""
Connections made in an event loop: to the first address that answers, through a proxy, over TLS.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from requests.utils import get_auth_from_url
from urllib3.exceptions import ProxyError
from urllib3.util import make_headers

from mailfailover.transports._aio_connection import Connection
from mailfailover.transports._dial import LEAST
from mailfailover.transports._request_head import authority

if TYPE_CHECKING:
    from mailfailover.transports._adapter import Target
    from mailfailover.transports._progress import Progress

_TUNNEL = re.compile(rb"HTTP/1\.[01] 2[0-9]{2}[ \r]")
_MAX_HEAD = 64 * 1024


async def connect(
    target: Target, proxy: str | None, context: ssl.SSLContext | None, progress: Progress
) -> Connection:
    """
    Make a connection to *target*, over TLS where there is a *context*.

    Raises:
        TimeoutError: If it does not stand in time.
        OSError: If no address answers, or the name is unknown, or TLS fails.
        ProxyError: If *proxy* makes no tunnel.
    """
    try:
        return await _connect(target, proxy, context, progress)
    except TimeoutError as exc:
        raise exc from None  # the loop's own has a cancellation as its cause


async def _connect(
    target: Target, proxy: str | None, context: ssl.SSLContext | None, progress: Progress
) -> Connection:
    loop = asyncio.get_running_loop()
    host, port = (target.host, target.port) if proxy is None else _address(proxy)
    async with asyncio.timeout(progress.left()):
        addresses: list[Any] = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    progress.dialling()
    async with asyncio.timeout(progress.left()):
        sock = await _dial(host, addresses, progress)
        try:
            if proxy is not None:
                await _ask_for_tunnel(sock, target, proxy)
            _, connection = await loop.create_connection(
                Connection,
                sock=sock,
                ssl=context,
                server_hostname=None if context is None else target.host,
            )
        except ssl.SSLError as exc:
            sock.close()
            raise ConnectionError from exc  # its own kind is a ValueError too
        except BaseException:
            sock.close()
            raise
    return connection


async def _dial(host: str, addresses: list[tuple[Any, ...]], progress: Progress) -> socket.socket:
    """
    Connect to the first of *addresses* that answers; they share the time.
    """
    loop = asyncio.get_running_loop()
    failure = OSError(f"{host} has no address")
    for position, (family, kind, protocol, _, address) in enumerate(addresses):
        left = progress.left()
        share = max(left / (len(addresses) - position), LEAST)
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(0)  # asyncio does the waiting
            async with asyncio.timeout(share):
                await loop.sock_connect(sock, address)
        except OSError as exc:
            sock.close()
            failure = exc
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise failure


async def _ask_for_tunnel(sock: socket.socket, target: Target, proxy: str) -> None:
    loop = asyncio.get_running_loop()
    name = authority(target.host, target.port)
    headers = {"Host": name}
    user, password = get_auth_from_url(proxy)
    if user:
        headers |= make_headers(proxy_basic_auth=f"{user}:{password}")
    lines = "".join(f"{key}: {value}\r\n" for key, value in headers.items())
    try:
        await loop.sock_sendall(sock, f"CONNECT {name} HTTP/1.1\r\n{lines}\r\n".encode())
        head = b""
        while b"\r\n\r\n" not in head:
            data = await loop.sock_recv(sock, _MAX_HEAD)
            head += data
            if not data or len(head) > _MAX_HEAD:
                raise ProxyError("no tunnel", OSError("its answer has no end"))
    except ConnectionError as exc:
        raise ProxyError("no tunnel", exc) from exc
    if not _TUNNEL.match(head):
        raise ProxyError("no tunnel", OSError("refused"))


def _address(proxy: str) -> tuple[str, int]:
    parts = urlsplit(proxy)
    return parts.hostname or "", parts.port or 80
