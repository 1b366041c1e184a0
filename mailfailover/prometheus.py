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

from mailfailover._chain.alarms import (
    BouncesQuarantined,
    DeliveriesDown,
    ReceiverDown,
    WebhooksSilent,
)
from mailfailover._chain.observe import (
    AttemptMade,
    MailFailed,
    MailSent,
    ProviderDown,
    SilentOutage,
    WebhookRefused,
)
from mailfailover._setup.extras import extra
from mailfailover._values.face import published_in
from mailfailover.receivers import is_named

with extra("prometheus"):
    from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram
    from prometheus_client.core import GaugeMetricFamily

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailfailover._mailer.deliveries import Deliveries
    from mailfailover._mailer.mailer import Mailer

__all__ = ["DeliveryStates", "PrometheusObserver", "ProviderStates"]

OTHER = "other"
"""The label of all receivers with a domain of their own, whose number has no limit."""

_SEVERITY = ("well", "late", "blocked", "silent")


@published_in("mailfailover.prometheus")
class PrometheusObserver:
    """
    An observer for a :class:`~mailfailover.Mailer`, or several.

    It counts ``mailfailover_attempts_total`` by provider and outcome,
    ``mailfailover_attempt_seconds`` by provider, ``mailfailover_mails_total`` by outcome
    (``sent``, ``possible_duplicate``, or the class of the error),
    ``mailfailover_provider_downs_total`` by provider and reason, and
    ``mailfailover_silent_outages_total`` by provider.

    As an observer of deliveries and suppressions too, it counts
    ``mailfailover_delivery_downs_total`` by provider, receiver and state,
    ``mailfailover_receiver_downs_total`` and ``mailfailover_quarantines_total`` by receiver, and
    ``mailfailover_webhooks_silent_total`` and ``mailfailover_webhooks_refused_total`` by provider.
    Receivers that are a company's own domain are ``other``.

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

        Of a mailer with deliveries, ``mailfailover_delivery_state`` tells how these stand.
        """
        self.registry.register(ProviderStates(mailer))
        if mailer.deliveries is not None:
            self.registry.register(DeliveryStates(mailer.deliveries))

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
        else:
            self._count_alarm(event)

    def _count_alarm(self, event: object) -> None:
        counted = self._counted
        if isinstance(event, SilentOutage):
            counted.silent.labels(event.provider).inc()
        elif isinstance(event, DeliveriesDown):
            counted.deliveries.labels(event.key, _label(event.receiver), event.state).inc()
        elif isinstance(event, ReceiverDown):
            counted.receivers.labels(_label(event.receiver)).inc()
        elif isinstance(event, BouncesQuarantined):
            counted.quarantines.labels(_label(event.receiver)).inc()
        elif isinstance(event, WebhooksSilent):
            counted.mute.labels(event.key).inc()
        elif isinstance(event, WebhookRefused):
            counted.refused.labels(event.provider).inc()


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
        self.deliveries = Counter(
            "mailfailover_delivery_downs",
            "How often a provider's mails no longer reached a receiver.",
            ("provider", "receiver", "state"),
            registry=registry,
        )
        self.receivers = Counter(
            "mailfailover_receiver_downs",
            "How often no provider reached a receiver.",
            ("receiver",),
            registry=registry,
        )
        self.quarantines = Counter(
            "mailfailover_quarantines",
            "How often a receiver refused many addresses that it took mail for before.",
            ("receiver",),
            registry=registry,
        )
        self.mute = Counter(
            "mailfailover_webhooks_silent",
            "How often no event came where many were due.",
            ("provider",),
            registry=registry,
        )
        self.refused = Counter(
            "mailfailover_webhooks_refused",
            "Webhooks with a wrong signature.",
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


@published_in("mailfailover.prometheus")
class DeliveryStates:
    """
    A collector of how deliveries stand by provider and receiver, looked up when somebody asks.

    A provider or a receiver that is ill as a whole has ``*`` in the place of the other.

    .. versionadded:: 0.1.0
    """

    def __init__(self, deliveries: Deliveries) -> None:
        self._deliveries = deliveries

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """
        Say what is told; it is called when the collector is registered.
        """
        yield _delivery_family()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """
        Tell how they stand, of all receivers without a name the worst.
        """
        found: dict[tuple[str, str], str] = {}
        for (key, receiver), cell in self._deliveries.snapshot().items():
            place, state = (key, _label(receiver)), str(cell.state)
            found[place] = max(state, found.get(place, state), key=_SEVERITY.index)
        states = _delivery_family()
        for (key, receiver), state in sorted(found.items()):
            states.add_metric((key, receiver, state), 1)
        yield states


def _label(receiver: str) -> str:
    return receiver if receiver == "*" or is_named(receiver) else OTHER


def _delivery_family() -> GaugeMetricFamily:
    return GaugeMetricFamily(
        "mailfailover_delivery_state",
        "1 for the state in which a provider's deliveries to a receiver are.",
        labels=("provider", "receiver", "state"),
    )


def _family() -> GaugeMetricFamily:
    return GaugeMetricFamily(
        "mailfailover_provider_state",
        "1 for the state in which a provider is; closed is in use.",
        labels=("provider", "state"),
    )
