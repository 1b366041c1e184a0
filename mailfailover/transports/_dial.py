"""
TCP connections to a name with several addresses, within one deadline.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from mailfailover._values.interruption import let_through
from mailfailover.transports._addresses import share, unanswered
from mailfailover.transports._names import names

if TYPE_CHECKING:
    from mailfailover.transports._names import AddressInfo
    from mailfailover.transports._progress import Progress

_NOT_SENT: int | None = getattr(socket, "TCP_NOTSENT_LOWAT", None)  # Linux and macOS have it
_HELD = 128 * 1024


def dial(host: str, port: int, progress: Progress) -> socket.socket:
    """
    Connect to the first address of *host* that answers.

    Looking up the name and all its addresses share the time to connect, so that neither a
    resolver that hangs nor a dead address uses up the time of the call.

    Raises:
        OSError: If none answers in time, or the name is unknown; the last one's error.
    """
    progress.dialling()
    addresses = unanswered.order(names.find(host, port, progress.left()))
    failure = OSError(f"{host} has no address")
    for others, address in zip(reversed(range(len(addresses))), addresses, strict=True):
        try:
            return _connect(address, share(progress, others), progress)
        except OSError as exc:
            let_through(exc, progress.stage)
            failure = exc
    raise failure


def prepare(sock: socket.socket) -> None:
    """
    Let small mails leave at once, and large ones wait with us instead of in the system.

    Else a slow uplink is hidden by megabytes in a buffer, and nobody can tell whether they
    still flow.
    """
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if _NOT_SENT is not None:
        sock.setsockopt(socket.IPPROTO_TCP, _NOT_SENT, _HELD)


def _connect(info: AddressInfo, timeout: float, progress: Progress) -> socket.socket:
    family, kind, protocol, _, address = info
    sock = socket.socket(family, kind, protocol)
    try:
        sock.settimeout(timeout)
        sock.connect(address)
        prepare(sock)
        sock.settimeout(progress.left())  # for what comes before the first mail
    except BaseException as exc:
        sock.close()
        if isinstance(exc, OSError):
            unanswered.add(address)
        raise
    unanswered.remove(address)
    return sock
