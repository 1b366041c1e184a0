from __future__ import annotations

from typing import Any

import pytest
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest

from mailfailover import (
    AuthenticationFailed,
    ConnectionFailed,
    Mailer,
    OutcomeUnknown,
    RecipientRejected,
    SilentOutage,
)
from mailfailover.prometheus import PrometheusObserver
from tests.chains import MAIL, Scripted, World


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
