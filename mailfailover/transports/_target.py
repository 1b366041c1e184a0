"""
Where a request goes.
"""

from __future__ import annotations

import encodings.idna  # noqa: F401 -- else the first name imports it, when a fork could catch that
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

from requests.utils import requote_uri

from mailfailover.transports._request_head import authority

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_PORTS = {"http": 80, "https": 443}
_MALFORMED = "the URL is not of the form https://host[:port]/path"


class Target(NamedTuple):
    """
    Where a request goes.
    """

    scheme: str
    host: str
    port: int
    path: str
    authority: str
    """Host and port as a head names them."""

    url: str
    """As it was given."""

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@lru_cache(maxsize=1024)
def find_target(url: str) -> Target:
    """
    Take *url* apart, if a mail and a key may go there.

    Raises:
        ValueError: If it is no https URL, and no http URL of a loopback host.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS[parts.scheme]
        host = (parts.hostname or "").encode("idna").decode()
    except (ValueError, LookupError):
        raise ValueError(_MALFORMED) from None
    if not host or "@" in parts.netloc:
        raise ValueError(_MALFORMED)
    if parts.scheme == "http" and host not in _LOOPBACK:
        raise ValueError("the URL is plain http: use https (http is for loopback hosts only)")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    name = authority(host, port).removesuffix(f":{_PORTS[parts.scheme]}")
    return Target(parts.scheme, host, port, requote_uri(path), name, url)
