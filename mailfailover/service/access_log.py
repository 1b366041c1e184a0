"""
The access log: caller, view and status of each request, without any address.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from flask import g, request

from mailfailover.service.visit import request_id

if TYPE_CHECKING:
    from flask import Flask, Response

__all__ = ["log_requests"]

_LOG = logging.getLogger("mailfailover.access")


def log_requests(app: Flask) -> None:
    """
    Log every request of *app*.
    """
    app.before_request(_begin)
    app.after_request(_end)


def _begin() -> None:
    g.arrived = time.perf_counter()


def _end(response: Response) -> Response:
    if _LOG.isEnabledFor(logging.INFO):
        facts = {
            "request_id": request_id(),
            "method": request.method,
            # The rule is logged, not the path: strangers choose the path.
            "route": str(request.url_rule or "none"),
            "status": response.status_code,
            "seconds": round(time.perf_counter() - g.arrived, 6),
            "key": g.caller.key if "caller" in g else "",
        }
        _LOG.info("%(method)s %(route)s %(status)d", facts, extra=facts)
    return response
