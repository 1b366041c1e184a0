"""
Own requests: those that surely come from this machine, told from what a proxy on it passes on.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mailfailover.service.peer import is_loopback
from mailfailover.service.peer_memory import peer_of, remote
from mailfailover.service.proxy_headers import find_proxy_header

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Request

    from mailfailover._mailer.mailer import Mailer
    from mailfailover.service.peer import Peer
    from mailfailover.service.peer_memory import Environ

    FindPeer = Callable[[Environ], Peer | None]

__all__ = ["really_sends", "why_not_own"]

_DEVELOPMENT = frozenset(
    f"mailfailover.providers.{name}" for name in ("console", "file", "memory", "null", "preview")
)
"""The modules of providers that send no mail to anyone."""

_OF_SERVERS = ("REMOTE_PORT", "SERVER_SOFTWARE", "wsgi.file_wrapper")
"""Keys of the environ, of which every WSGI server sets at least one."""


def really_sends(mailer: Mailer) -> bool:
    """
    Tell whether a mail can leave this machine through *mailer*.
    """
    return any(type(link.provider).__module__ not in _DEVELOPMENT for link in mailer.chain.links)


def why_not_own(asked: Request, *, strictly: bool, find: FindPeer = peer_of) -> str:
    """
    Say why a request may come from elsewhere, "" where it surely comes from this machine.

    A foreign page can let its name lead to 127.0.0.1 and call us from its reader's browser (DNS
    rebinding), so Host must be a name of this machine.

    Args:
        asked: The request.

        strictly: Whether a system that cannot tell who opened a connection is an objection.

        find: Finds the process that sent the request.
    """
    if name := find_proxy_header(asked.headers.keys()):
        return f"it has the header {name} of a proxy"
    if asked.environ.get("SERVER_PROTOCOL") == "HTTP/1.0":
        return "it is HTTP/1.0, as proxies speak it"
    if not is_loopback(remote(asked.environ)):
        return "it comes over the network"
    if "Host" not in asked.headers or not _is_own_name(asked.host):
        return "its Host is no name of this machine, such as localhost"
    return _why_peer_is_not(asked.environ, find, strictly=strictly)


def _why_peer_is_not(environ: Environ, find: FindPeer, *, strictly: bool) -> str:
    if not any(name in environ for name in _OF_SERVERS):
        return ""  # no server at all: a test client calls us within its own process
    try:
        peer = find(environ)
    except OSError:
        return "this system does not tell which program sent it" if strictly else ""
    if peer is None:
        return "it comes from a program of another user or container"
    return f"it comes through {peer.name}, a program that serves others" if peer.is_server else ""


def _is_own_name(host: str) -> bool:
    name = re.sub(r":[0-9]+$", "", host).strip("[]").lower()
    return name == "localhost" or name.endswith(".localhost") or is_loopback(name)
