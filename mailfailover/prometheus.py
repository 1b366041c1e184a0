"""
The Prometheus observer: attempts, mails, and the state of each provider.

::

    from mailfailover import Mailer
    from mailfailover.prometheus import PrometheusObserver

    observer = PrometheusObserver()
    mailer = Mailer("failover(...)", observers=[observer])
    observer.watch(mailer)

No address, subject or text is in it. It needs the extra ``prometheus``. The service has the same
under ``/metrics``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from mailfailover._chain.observe import (
    AttemptMade,
    MailFailed,
    MailSent,
    ProviderDown,
    SilentOutage,
)
from mailfailover._setup.extras import extra
from mailfailover._values.face import published_in

with extra("prometheus"):
    from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram
    from prometheus_client.core import GaugeMetricFamily

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailfailover._mailer.mailer import Mailer

__all__ = ["PrometheusObserver", "ProviderStates"]


@published_in("mailfailover.prometheus")
class PrometheusObserver:
    """
    An observer for a :class:`~mailfailover.Mailer`, or several.

    It counts ``mailfailover_attempts_total`` by provider and outcome,
    ``mailfailover_attempt_seconds`` by provider, ``mailfailover_mails_total`` by outcome
    (``sent``, ``possible_duplicate``, or the class of the error),
    ``mailfailover_provider_downs_total`` by provider and reason, and
    ``mailfailover_silent_outages_total`` by provider.

    Args:
        registry: That of the process where None. Observers of one registry count together.

    .. versionadded:: 0.1.0
    """

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry: CollectorRegistry = REGISTRY if registry is None else registry
        counted = _counters.get(self.registry)
        self._counted = _Counters(self.registry) if counted is None else counted
        _counters[self.registry] = self._counted

    def watch(self, mailer: Mailer) -> None:
        """
        Tell how the providers of *mailer* stand, as ``mailfailover_provider_state``.
        """
        self.registry.register(ProviderStates(mailer))

    def __call__(self, event: object) -> None:
        """
        Count what a mailer tells.
        """
        counted = self._counted
        if isinstance(event, AttemptMade):
            attempt = event.attempt
            counted.attempts.labels(attempt.provider, attempt.outcome).inc()
            counted.seconds.labels(attempt.provider).observe(attempt.duration)
        elif isinstance(event, MailSent):
            twice = event.receipt.possible_duplicate
            counted.mails.labels("possible_duplicate" if twice else "sent").inc()
        elif isinstance(event, MailFailed):
            counted.mails.labels(type(event.error).__name__).inc()
        elif isinstance(event, ProviderDown):
            counted.downs.labels(event.provider, event.reason).inc()
        elif isinstance(event, SilentOutage):
            counted.silent.labels(event.provider).inc()


class _Counters:
    """
    The counters of one registry.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.attempts = Counter(
            "mailfailover_attempts",
            "Calls to providers.",
            ("provider", "outcome"),
            registry=registry,
        )
        self.seconds = Histogram(
            "mailfailover_attempt_seconds",
            "How long calls to providers took.",
            ("provider",),
            registry=registry,
        )
        self.mails = Counter(
            "mailfailover_mails", "Mails, by how they ended.", ("outcome",), registry=registry
        )
        self.downs = Counter(
            "mailfailover_provider_downs",
            "How often providers went out.",
            ("provider", "reason"),
            registry=registry,
        )
        self.silent = Counter(
            "mailfailover_silent_outages",
            "How often a provider accepted mail and delivered none.",
            ("provider",),
            registry=registry,
        )


_counters: WeakKeyDictionary[CollectorRegistry, _Counters] = WeakKeyDictionary()


@published_in("mailfailover.prometheus")
class ProviderStates:
    """
    A collector of how the providers of a mailer stand, looked up when somebody asks.

    .. versionadded:: 0.1.0
    """

    def __init__(self, mailer: Mailer) -> None:
        self._mailer = mailer

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """
        Say what is told; it is called when the collector is registered.
        """
        yield _family()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """
        Tell how the providers stand.
        """
        known = self._mailer.health.snapshot()
        states = _family()
        for key in self._mailer.chain.keys:
            found = known.get(key)
            states.add_metric((key, found.state if found else "closed"), 1)
        yield states


def _family() -> GaugeMetricFamily:
    return GaugeMetricFamily(
        "mailfailover_provider_state",
        "1 for the state in which a provider is; closed is in use.",
        labels=("provider", "state"),
    )
