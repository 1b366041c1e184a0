"""
Connections made in an event loop: to the first address that answers, through a proxy, over TLS.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import TYPE_CHECKING

from mailfailover.transports._addresses import share, unanswered
from mailfailover.transports._aio_connection import Connection
from mailfailover.transports._dial import prepare
from mailfailover.transports._names import SlowNameError, names
from mailfailover.transports._tls import server_name
from mailfailover.transports._tunnel import Tunnel, TunnelError

if TYPE_CHECKING:
    from mailfailover.transports._names import AddressInfo
    from mailfailover.transports._progress import Progress
    from mailfailover.transports._target import Target
    from mailfailover.transports._tls import TLS

_READ = 16 * 1024


async def connect(target: Target, proxy: str | None, tls: TLS, progress: Progress) -> Connection:
    """
    Make a connection to *target*, through *proxy* where there is one.

    Raises:
        TimeoutError: If it does not stand in time.
        OSError: If no address answers, or the name is unknown, or TLS fails.
        TunnelError: If *proxy* makes no tunnel.
    """
    try:
        if proxy is None:
            sock = await _dial(target.host, target.port, progress)
        else:
            sock = await _dial_tunnel(Tunnel(target, proxy), progress)
        async with asyncio.timeout(progress.left()):
            return await _begin(sock, target, tls)
    except TimeoutError as exc:
        raise exc from None  # the loop's own has a cancellation as its cause


async def _begin(sock: socket.socket, target: Target, tls: TLS) -> Connection:
    """
    Make a connection of *sock*, over TLS where *target* wants it.
    """
    loop = asyncio.get_running_loop()
    is_tls = target.scheme == "https"
    try:
        _, connection = await loop.create_connection(
            Connection,
            sock=sock,
            ssl=tls.for_loop(target) if is_tls else None,
            server_hostname=server_name(target) if is_tls else None,
        )
    except ssl.SSLError as exc:
        sock.close()
        raise ConnectionError from exc  # its own kind is a ValueError too
    except BaseException:
        sock.close()
        raise
    return connection


async def _dial(host: str, port: int, progress: Progress) -> socket.socket:
    """
    Connect to the first address of *host* that answers; its name and they share the time.
    """
    progress.dialling()
    addresses = unanswered.order(await _find(host, port, progress.left()))
    failure = OSError(f"{host} has no address")
    for others, address in zip(reversed(range(len(addresses))), addresses, strict=True):
        try:
            return await _dial_address(address, share(progress, others))
        except OSError as exc:
            failure = exc
    raise failure


async def _find(host: str, port: int, timeout: float) -> list[AddressInfo]:
    answer = names.begin(host, port)
    if answer.done():
        return answer.result()
    try:
        async with asyncio.timeout(timeout):
            return await asyncio.wrap_future(answer)
    except TimeoutError:
        if answer.done():
            raise
        raise SlowNameError("looking up its name takes too long") from None


async def _dial_address(info: AddressInfo, timeout: float) -> socket.socket:
    loop = asyncio.get_running_loop()
    family, kind, protocol, _, address = info
    sock = socket.socket(family, kind, protocol)
    try:
        sock.settimeout(0)  # asyncio does the waiting
        async with asyncio.timeout(timeout):
            await loop.sock_connect(sock, address)
        prepare(sock)
    except BaseException as exc:
        sock.close()
        if isinstance(exc, OSError):
            unanswered.add(address)
        raise
    unanswered.remove(address)
    return sock


async def _dial_tunnel(tunnel: Tunnel, progress: Progress) -> socket.socket:
    loop = asyncio.get_running_loop()
    try:
        sock = await _dial(tunnel.host, tunnel.port, progress)
    except OSError as exc:
        raise TunnelError("the proxy takes no connection") from exc
    try:
        async with asyncio.timeout(progress.left()):
            await loop.sock_sendall(sock, tunnel.ask())
            while not tunnel.feed(await loop.sock_recv(sock, _READ)):
                pass
    except BaseException as exc:
        sock.close()
        if isinstance(exc, ConnectionError):
            raise TunnelError("the proxy makes no tunnel") from exc
        raise
    return sock
