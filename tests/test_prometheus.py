from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest

from mailfailover import (
    AuthenticationFailed,
    ConnectionFailed,
    Mailer,
    OutcomeUnknown,
    RecipientRejected,
    SilentOutage,
    WebhookRefused,
)
from mailfailover.deliveries import (
    Cell,
    CellState,
    DeliveriesDown,
    DeliveriesUp,
    DeliveryHealth,
    ReceiverDown,
    ReceiverUp,
    WebhooksSilent,
)
from mailfailover.prometheus import PrometheusObserver
from mailfailover.suppression import BouncesQuarantined
from mailfailover.tracking import Tracking
from tests.chains import MAIL, NOW, Scripted, World

if TYPE_CHECKING:
    from pathlib import Path


def _mailer(observer: PrometheusObserver, *providers: Any) -> Mailer:
    return Mailer(World().chain(*providers, observers=[observer]), timeout=1)


def _samples(registry: CollectorRegistry, name: str) -> dict[tuple[str, ...], float]:
    return {
        tuple(sample.labels.values()): sample.value
        for metric in registry.collect()
        for sample in metric.samples
        if sample.name == name
    }


@pytest.fixture
def registry() -> CollectorRegistry:
    """
    A registry of one test.
    """
    return CollectorRegistry()


def test_attempts_are_counted_and_timed(registry: CollectorRegistry) -> None:
    """
    By provider and outcome.
    """
    observer = PrometheusObserver(registry)

    _mailer(observer, Scripted("a", ConnectionFailed("down")), Scripted("b")).send(MAIL)

    assert {("a", "ConnectionFailed"): 1, ("b", "accepted"): 1} == _samples(
        registry, "mailfailover_attempts_total"
    )
    assert {("a",): 1, ("b",): 1} == _samples(registry, "mailfailover_attempt_seconds_count")


def test_mails_are_counted_by_their_end(registry: CollectorRegistry) -> None:
    """
    Sent, possibly twice, or the class of the error.
    """
    observer = PrometheusObserver(registry)
    _mailer(observer, Scripted("a")).send(MAIL)
    _mailer(observer, Scripted("a", OutcomeUnknown("?")), Scripted("b")).send(MAIL)
    with pytest.raises(RecipientRejected):
        _mailer(observer, Scripted("a", RecipientRejected("nobody"))).send(MAIL)

    assert {("sent",): 1, ("possible_duplicate",): 1, ("RecipientRejected",): 1} == _samples(
        registry, "mailfailover_mails_total"
    )


def test_what_goes_out_is_counted(registry: CollectorRegistry) -> None:
    """
    Providers with their reason, and silent outages.
    """
    observer = PrometheusObserver(registry)
    _mailer(observer, Scripted("a", AuthenticationFailed("key")), Scripted("b")).send(MAIL)
    observer(SilentOutage("a", 0.1, 0.9, 100, 60.0))

    assert {("a", "account"): 1} == _samples(registry, "mailfailover_provider_downs_total")
    assert {("a",): 1} == _samples(registry, "mailfailover_silent_outages_total")


def test_alarms_of_deliveries_are_counted(registry: CollectorRegistry) -> None:
    """
    By receivers that have a name; companies' own domains are one label.
    """
    observer = PrometheusObserver(registry)
    for event in (
        DeliveriesDown("a", "gmail", "late", "words"),
        DeliveriesDown("a", "acme.example", "late", "words"),
        DeliveriesDown("a", "globex.example", "late", "words"),
        DeliveriesDown("a", "*", "silent", "words"),
        DeliveriesUp("a", "*"),
        ReceiverDown("mail.ru", "words"),
        ReceiverUp("mail.ru"),
        BouncesQuarantined("gmail", NOW, 5),
        WebhooksSilent("*", "words"),
        WebhookRefused("a"),
    ):
        observer(event)

    assert {
        ("a", "gmail", "late"): 1,
        ("a", "other", "late"): 2,
        ("a", "*", "silent"): 1,
    } == _samples(registry, "mailfailover_delivery_downs_total")
    assert {("mail.ru",): 1} == _samples(registry, "mailfailover_receiver_downs_total")
    assert {("gmail",): 1} == _samples(registry, "mailfailover_quarantines_total")
    assert {("*",): 1} == _samples(registry, "mailfailover_webhooks_silent_total")
    assert {("a",): 1} == _samples(registry, "mailfailover_webhooks_refused_total")


def test_cells_are_told_when_somebody_asks(registry: CollectorRegistry, tmp_path: Path) -> None:
    """
    Of receivers without a name the worst is told.
    """
    deliveries = DeliveryHealth(Tracking(f"sqlite:///{tmp_path / 'mails.db'}"))
    deliveries.snapshot = lambda: {  # type: ignore[method-assign]  # what was judged
        ("a", "gmail"): Cell(),
        ("a", "acme.example"): Cell(),
        ("a", "globex.example"): Cell(CellState.BLOCKED),
        ("a", "initech.example"): Cell(CellState.LATE),
        ("*", "yahoo"): Cell(CellState.LATE),
    }
    mailer = Mailer("null://", deliveries=deliveries)
    PrometheusObserver(registry).watch(mailer)

    assert {
        ("a", "gmail", "well"): 1,
        ("a", "other", "blocked"): 1,
        ("*", "yahoo", "late"): 1,
    } == _samples(registry, "mailfailover_delivery_state")


def test_states_are_told_when_somebody_asks(registry: CollectorRegistry) -> None:
    """
    Each provider is in one state, and in use at first.
    """
    observer = PrometheusObserver(registry)
    mailer = _mailer(observer, Scripted("a", AuthenticationFailed("key")), Scripted("b"))
    observer.watch(mailer)
    before = _samples(registry, "mailfailover_provider_state")

    mailer.send(MAIL)

    after = _samples(registry, "mailfailover_provider_state")
    assert {("a", "closed"): 1, ("b", "closed"): 1} == before
    assert {("a", "account"): 1, ("b", "closed"): 1} == after


def test_observers_of_one_registry_count_together(registry: CollectorRegistry) -> None:
    """
    A second mailer can have an observer of its own.
    """
    for _ in range(2):
        _mailer(PrometheusObserver(registry), Scripted("a")).send(MAIL)

    assert {("sent",): 2} == _samples(registry, "mailfailover_mails_total")


def test_nothing_of_the_mail_is_told(registry: CollectorRegistry) -> None:
    """
    Neither addresses nor subject nor text.
    """
    observer = PrometheusObserver(registry)
    _mailer(observer, Scripted("a", ConnectionFailed("ann@example.org")), Scripted("b")).send(MAIL)

    text = generate_latest(registry).decode()

    assert not any(word in text for word in ("@", "example.org", "Hi", "Hello"))


def test_the_processes_registry_is_the_default() -> None:
    """
    What ``start_http_server`` of prometheus_client shows.
    """
    assert REGISTRY is PrometheusObserver().registry
