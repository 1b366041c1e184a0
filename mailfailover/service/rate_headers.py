"""
Rate headers: how much of its limits an API key has left, with each answer to a post.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from flask import g, request

from mailfailover.service.limits import read_tightest
from mailfailover.service.parts import caller, service

if TYPE_CHECKING:
    from flask import Response

__all__ = ["add_rate_headers"]


def add_rate_headers(response: Response) -> Response:
    """
    Add the headers to the answer to a post, if its key has limits.
    """
    if request.method != "POST" or "caller" not in g:
        return response
    parts, asking = service(), caller()
    found = read_tightest(parts.outbox.engine, asking.key, asking.rules, parts.wall())
    if found is not None:
        response.headers["X-RateLimit-Limit"] = str(found.limit)
        response.headers["X-RateLimit-Remaining"] = str(found.remaining)
        response.headers["X-RateLimit-Reset"] = str(math.ceil(found.reset))
    return response
