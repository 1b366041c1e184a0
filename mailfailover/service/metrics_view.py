"""
The view of the metrics, and the counting of requests that it shows.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from flask import Blueprint, Response, g, request

from mailfailover.service.parts import service

if TYPE_CHECKING:
    from flask import Flask

    from mailfailover.service.metrics import Metrics

__all__ = ["count_requests", "metrics"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

metrics: Blueprint = Blueprint("metrics", __name__)


def count_requests(app: Flask, counted: Metrics) -> None:
    """
    Count every request of *app*.
    """

    def begin() -> None:
        g.began = time.perf_counter()

    def end(response: Response) -> Response:
        endpoint = request.endpoint or "none"
        counted.requests.labels(endpoint, str(response.status_code)).inc()
        counted.request_seconds.labels(endpoint).observe(time.perf_counter() - g.began)
        return response

    app.before_request(begin)
    app.after_request(end)


@metrics.get("/metrics")
def show() -> Response:
    """
    Answer a scrape by Prometheus.
    """
    parts = service()
    text = parts.metrics.write(parts) if parts.metrics else b""
    return Response(text, content_type=CONTENT_TYPE)
