"""
What Prometheus is told: attempts, requests, and how providers and outbox stand.

Counters are those of this process. Where the variable ``PROMETHEUS_MULTIPROC_DIR`` names a
directory, they are those of all processes of this machine that count into it, workers included.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from flask import Blueprint, Response, g, request
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from sqlalchemy.exc import SQLAlchemyError

from mailfailover._chain.observe import AttemptMade
from mailfailover.service.parts import service

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

    from mailfailover.service.parts import Service

__all__ = ["DIRECTORY", "Metrics", "count_requests", "metrics"]

DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

metrics = Blueprint("metrics", __name__)


class Metrics:
    """
    Counters of attempts and requests; an observer for a :class:`~mailfailover.Mailer`.

    .. versionadded:: 0.1.0
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.attempts = Counter(
            "mailfailover_attempts",
            "Calls to providers.",
            ("provider", "outcome"),
            registry=self.registry,
        )
        self.attempt_seconds = Histogram(
            "mailfailover_attempt_seconds",
            "How long calls to providers took.",
            ("provider",),
            registry=self.registry,
        )
        self.requests = Counter(
            "mailfailover_requests",
            "Requests to the service.",
            ("endpoint", "status"),
            registry=self.registry,
        )
        self.request_seconds = Histogram(
            "mailfailover_request_seconds",
            "How long requests to the service took.",
            ("endpoint",),
            registry=self.registry,
        )

    def __call__(self, event: object) -> None:
        """
        Count what a mailer tells.
        """
        if isinstance(event, AttemptMade):
            attempt = event.attempt
            self.attempts.labels(attempt.provider, attempt.outcome).inc()
            self.attempt_seconds.labels(attempt.provider).observe(attempt.duration)

    def write(self, parts: Service) -> bytes:
        """
        Write everything as Prometheus reads it.
        """
        counted, now = self.registry, CollectorRegistry()
        if os.environ.get(DIRECTORY):
            counted = CollectorRegistry()
            MultiProcessCollector(counted)  # type: ignore[no-untyped-call]  # it is not annotated
        now.register(_Now(parts))
        return generate_latest(counted) + generate_latest(now)


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
    Tell Prometheus.
    """
    parts = service()
    text = parts.metrics.write(parts) if parts.metrics else b""
    return Response(text, content_type=CONTENT_TYPE)


class _Now:
    """
    What is looked up when somebody asks.
    """

    def __init__(self, parts: Service) -> None:
        self.parts = parts

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield from self._providers()
        yield from self._outbox()

    def _providers(self) -> Iterator[GaugeMetricFamily]:
        mailer = self.parts.mailer
        known = mailer.health.snapshot()
        state = GaugeMetricFamily(
            "mailfailover_provider_state",
            "1 for the state in which a provider is; closed is in use.",
            labels=("provider", "state"),
        )
        for key in mailer.chain.keys:
            found = known.get(key)
            state.add_metric((key, found.state if found else "closed"), 1)
        yield state

    def _outbox(self) -> Iterator[GaugeMetricFamily]:
        up = GaugeMetricFamily("mailfailover_outbox_up", "Whether the outbox can be read.")
        try:
            stats = self.parts.outbox.stats()
        except SQLAlchemyError:
            up.add_metric((), 0)
            yield up
            return
        up.add_metric((), 1)
        yield up
        count = GaugeMetricFamily("mailfailover_outbox_mails", "Mails.", labels=("state",))
        for name, number in stats.counts.items():
            count.add_metric((str(name),), number)
        yield count
        ready = GaugeMetricFamily("mailfailover_outbox_ready", "Mails that could be sent now.")
        ready.add_metric((), stats.ready)
        yield ready
        age = GaugeMetricFamily(
            "mailfailover_outbox_oldest_seconds", "How long the oldest of those waits."
        )
        waits = self.parts.wall() - stats.oldest.timestamp() if stats.oldest else 0.0
        age.add_metric((), max(0.0, waits))
        yield age
