"""
Metrics for Prometheus: attempts, requests, and how providers and outbox stand.

Counters cover this process. If the variable ``PROMETHEUS_MULTIPROC_DIR`` names a
directory, they cover all processes of this machine that count into it, workers included.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from sqlalchemy.exc import SQLAlchemyError

from mailfailover.prometheus import DeliveryStates, PrometheusObserver, ProviderStates

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mailfailover._mailer.mailer import Mailer
    from mailfailover.outbox import Outbox

__all__ = ["DIRECTORY", "Metrics"]

DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"


class Measured(Protocol):
    """
    The gauges at one moment: providers and outbox.
    """

    @property
    def mailer(self) -> Mailer: ...

    @property
    def outbox(self) -> Outbox: ...

    @property
    def wall(self) -> Callable[[], float]: ...


class Metrics:
    """
    Counters of attempts and requests; an observer for a :class:`~mailfailover.Mailer`.

    .. versionadded:: 0.1.0
    """

    def __init__(self) -> None:
        self.registry: CollectorRegistry = CollectorRegistry()
        self.observer: PrometheusObserver = PrometheusObserver(self.registry)
        self.requests: Counter = Counter(
            "mailfailover_requests",
            "Requests to the service.",
            ("endpoint", "status"),
            registry=self.registry,
        )
        self.request_seconds: Histogram = Histogram(
            "mailfailover_request_seconds",
            "How long requests to the service took.",
            ("endpoint",),
            registry=self.registry,
        )

    def __call__(self, event: object) -> None:
        """
        Count an event of a mailer.
        """
        self.observer(event)

    def write(self, parts: Measured) -> bytes:
        """
        Write everything in the text format of Prometheus.
        """
        counted, now = self.registry, CollectorRegistry()
        if os.environ.get(DIRECTORY):
            counted = CollectorRegistry()
            MultiProcessCollector(counted)  # type: ignore[no-untyped-call]  # it is not annotated
        now.register(_Now(parts))
        return generate_latest(counted) + generate_latest(now)


class _Now:
    """
    A collector whose values are looked up for each scrape.
    """

    def __init__(self, parts: Measured) -> None:
        self.parts = parts

    def collect(self) -> Iterator[GaugeMetricFamily]:
        mailer = self.parts.mailer
        yield from ProviderStates(mailer).collect()
        if mailer.deliveries is not None:
            mailer.deliveries.begin()
            yield from DeliveryStates(mailer.deliveries).collect()
        yield from self._outbox()

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
