"""
The facts about any request: its id, and whether a browser or another site sends it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from flask import g, request

from mailfailover._values.ulid import new_id

if TYPE_CHECKING:
    from flask import Request

API = "/email/api/1.0"
_GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def request_id() -> str:
    """
    Return the id of this request; a proxy's own id is kept if it is valid.
    """
    if "request_id" not in g:
        given = request.headers.get("X-Request-Id", "")
        g.request_id = given if _GIVEN_ID.fullmatch(given) else new_id()
    return str(g.request_id)


def wants_page() -> bool:
    """
    Tell whether the client is a browser, which wants a page and no JSON.
    """
    if request.path.startswith((API, "/openapi", "/healthz", "/readyz", "/metrics")):
        return False
    best = request.accept_mimetypes.best_match(("application/json", "text/html"))
    return best == "text/html"


def is_from_elsewhere(asked: Request) -> bool:
    """
    Tell whether a page of another site made the browser send this, other than by a plain link.
    """
    site = asked.headers.get("Sec-Fetch-Site")
    if site is None:  # an old browser, a page without TLS, or a program
        origin = asked.headers.get("Origin")
        return origin is not None and origin != asked.host_url.rstrip("/")
    if site in ("none", "same-origin"):
        return False
    return asked.method not in _SAFE or asked.headers.get("Sec-Fetch-Mode") != "navigate"
