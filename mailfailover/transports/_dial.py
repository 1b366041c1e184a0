"""
TCP connections to a name with several addresses, within one deadline.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mailfailover.transports._progress import Progress

LEAST = 1.0
"""Seconds an address gets at least, where so many are left: enough for one lost packet."""


def dial(host: str, port: int, progress: Progress) -> socket.socket:
    """
    Connect to the first address of *host* that answers.

    The addresses share the time to connect, so that a dead one does not use it up. Looking
    up the name blocks as long as the system's resolver does: no deadline can bound it.

    Raises:
        OSError: If none answers in time, or the name is unknown; the last one's error.
    """
    addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    progress.dialling()
    failure = OSError(f"{host} has no address")
    for position, (family, kind, protocol, _, address) in enumerate(addresses):
        sock = socket.socket(family, kind, protocol)
        try:
            left = progress.left()
            share = max(left / (len(addresses) - position), LEAST)
            sock.settimeout(min(left, share))
            sock.connect(address)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.settimeout(progress.left())  # for the TLS handshake
        except OSError as exc:
            sock.close()
            failure = exc
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise failure
