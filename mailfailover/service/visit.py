"""
What the service wants to know of any request: its id, who looks, and from where.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

from flask import g, request

from mailfailover._values.ulid import new_id

if TYPE_CHECKING:
    from flask import Request

API = "/email/api/1.0"
_GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip")
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def request_id() -> str:
    """
    Return the id of this request: that of a proxy in front of us, where it is a sound one.
    """
    if "request_id" not in g:
        given = request.headers.get("X-Request-Id", "")
        g.request_id = given if _GIVEN_ID.fullmatch(given) else new_id()
    return str(g.request_id)


def wants_page() -> bool:
    """
    Tell whether a person with a browser asks, who wants a page and no JSON.
    """
    if request.path.startswith((API, "/openapi", "/healthz", "/readyz", "/metrics")):
        return False
    best = request.accept_mimetypes.best_match(("application/json", "text/html"))
    return best == "text/html"


def is_local(asked: Request) -> bool:
    """
    Tell whether a request surely comes from this machine, and not through a proxy or a page.

    A proxy on this machine brings the requests of others, so a forwarding header says no. So
    does a host name that is not this machine's own: a page elsewhere can let its name lead to
    127.0.0.1 and ask us through the browser of whoever reads it (DNS rebinding).
    """
    if any(name in asked.headers for name in _FORWARDED):
        return False
    return _is_loopback(asked.remote_addr or "") and _is_own_name(asked.host)


def is_from_elsewhere(asked: Request) -> bool:
    """
    Tell whether a page of another site makes the browser ask, other than by a plain link.
    """
    origin = asked.headers.get("Origin")
    if origin is not None and origin != asked.host_url.rstrip("/"):
        return True
    site = asked.headers.get("Sec-Fetch-Site", "none")
    if site in ("none", "same-origin"):
        return False
    return asked.method not in _SAFE or asked.headers.get("Sec-Fetch-Mode") != "navigate"


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _is_own_name(host: str) -> bool:
    name = re.sub(r":[0-9]+$", "", host).strip("[]").lower()
    return name == "localhost" or name.endswith(".localhost") or _is_loopback(name)
