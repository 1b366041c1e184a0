from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from mailfailover import (
    AuthenticationFailed,
    ConnectionFailed,
    Mailer,
    OutcomeUnknown,
    RecipientRejected,
    WebhookRefused,
)
from mailfailover import otel as module
from mailfailover.deliveries import DeliveriesDown, DeliveriesUp, ReceiverDown, WebhooksSilent
from mailfailover.otel import OpenTelemetryObserver
from tests.chains import MAIL, Scripted, World

if TYPE_CHECKING:
    from mailfailover import ProviderChain


class Told:
    """
    What an observer told the SDK.
    """

    def __init__(self) -> None:
        self.spans = InMemorySpanExporter()
        self.metrics = InMemoryMetricReader()
        tracers = TracerProvider(shutdown_on_exit=False)
        tracers.add_span_processor(SimpleSpanProcessor(self.spans))
        self.tracers = tracers
        meters = MeterProvider([self.metrics], shutdown_on_exit=False)
        self.observer = OpenTelemetryObserver(tracer_provider=tracers, meter_provider=meters)

    def counts(self, name: str) -> list[tuple[dict[str, Any], Any]]:
        """
        The attributes and values of an instrument.
        """
        data: Any = self.metrics.get_metrics_data()
        found = [
            (dict(point.attributes), getattr(point, "value", getattr(point, "count", None)))
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == name
            for point in metric.data.data_points
        ]
        return sorted(found, key=str)


@pytest.fixture
def told() -> Told:
    """
    An SDK that keeps everything.
    """
    return Told()


def _mailer(told: Told, *providers: Any) -> Mailer:
    chain: ProviderChain = World().chain(*providers, observers=[told.observer])
    return Mailer(chain, timeout=1)


def test_each_call_is_a_span(told: Told) -> None:
    """
    A send that failed over is two spans, numbered, under the one that is current.
    """
    mailer = _mailer(
        told, Scripted("a", ConnectionFailed("down", status_code=521)), Scripted("b", "b-1")
    )

    with told.tracers.get_tracer("shop").start_as_current_span("order") as parent:
        mailer.send(MAIL)

    first, second, _ = told.spans.get_finished_spans()
    assert {
        "mailfailover.provider": "a",
        "mailfailover.outcome": "ConnectionFailed",
        "mailfailover.attempt": 1,
        "mailfailover.mail_id": "m1",
        "mailfailover.stream": "transactional",
        "mailfailover.stage": first.attributes["mailfailover.stage"],  # type: ignore[index]
        "http.response.status_code": 521,
        "error.type": "ConnectionFailed",
    } == dict(first.attributes or {})
    assert ("b", 2, None) == tuple(
        (second.attributes or {}).get(name)
        for name in ("mailfailover.provider", "mailfailover.attempt", "error.type")
    )
    context: Any = parent.get_span_context()
    for span in (first, second):
        assert ("email.send", SpanKind.CLIENT) == (span.name, span.kind)
        assert span.parent is not None
        assert context.span_id == span.parent.span_id


def test_a_span_lasts_as_long_as_its_call(told: Told) -> None:
    """
    It begins and ends with the call, whenever the observer is told.
    """
    world = World()
    slow = Scripted("a", world.after(2.5, "id"))

    Mailer(world.chain(slow, observers=[told.observer])).send(MAIL)

    (span,) = told.spans.get_finished_spans()
    assert 2_500_000_000 == (span.end_time or 0) - (span.start_time or 0)


def test_mails_are_counted_by_their_end(told: Told) -> None:
    """
    Sent, possibly twice, or the class of the error.
    """
    doubtful = Scripted("a", OutcomeUnknown("?"))
    _mailer(told, Scripted("a")).send(MAIL)
    _mailer(told, doubtful, Scripted("b")).send(MAIL)
    with pytest.raises(RecipientRejected):
        _mailer(told, Scripted("a", RecipientRejected("nobody"))).send(MAIL)

    assert [
        ({"mailfailover.outcome": "RecipientRejected"}, 1),
        ({"mailfailover.outcome": "possible_duplicate"}, 1),
        ({"mailfailover.outcome": "sent"}, 1),
    ] == told.counts("mailfailover.mails")


def test_attempts_are_counted_and_timed(told: Told) -> None:
    """
    By provider and outcome.
    """
    _mailer(told, Scripted("a", ConnectionFailed("down")), Scripted("b")).send(MAIL)

    expected = [
        ({"mailfailover.provider": "a", "mailfailover.outcome": "ConnectionFailed"}, 1),
        ({"mailfailover.provider": "b", "mailfailover.outcome": "accepted"}, 1),
    ]
    assert expected == told.counts("mailfailover.attempts")
    assert expected == told.counts("mailfailover.attempt.duration")


def test_a_provider_that_goes_out_is_counted(told: Told) -> None:
    """
    With the reason.
    """
    _mailer(told, Scripted("a", AuthenticationFailed("key")), Scripted("b")).send(MAIL)

    assert [({"mailfailover.provider": "a", "mailfailover.reason": "account"}, 1)] == told.counts(
        "mailfailover.provider.downs"
    )


def test_alarms_of_deliveries_are_counted(told: Told) -> None:
    """
    By what they name; companies' own domains are one value.
    """
    for event in (
        DeliveriesDown("a", "gmail", "late", "words"),
        ReceiverDown("acme.example", "words"),
        WebhooksSilent("*", "words"),
        WebhookRefused("a"),
        DeliveriesUp("a", "gmail"),
    ):
        told.observer(event)

    assert [
        ({"alarm": "DeliveriesDown", "provider": "a", "receiver": "gmail", "state": "late"}, 1),
        ({"alarm": "ReceiverDown", "receiver": "other"}, 1),
        ({"alarm": "WebhookRefused", "provider": "a"}, 1),
        ({"alarm": "WebhooksSilent", "provider": "*"}, 1),
    ] == [
        ({name.removeprefix("mailfailover."): value for name, value in labels.items()}, number)
        for labels, number in told.counts("mailfailover.delivery.alarms")
    ]


def test_nothing_of_the_mail_is_told(told: Told) -> None:
    """
    Neither addresses nor subject nor text, nor what an error says.
    """
    mailer = _mailer(told, Scripted("a", ConnectionFailed("ann@example.org")), Scripted("b"))

    mailer.send(MAIL)

    data: Any = told.metrics.get_metrics_data()
    everything = "".join(span.to_json() for span in told.spans.get_finished_spans())
    everything += data.to_json()
    assert not any(word in everything for word in ("@", "example.", "Hi", "Hello"))


def test_mails_without_an_end_are_forgotten(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The numbers of attempts are kept for so many mails only.
    """
    monkeypatch.setattr(module, "_MOST_MAILS", 2)
    chain = World().chain(Scripted("a"), observers=[told.observer])
    for mail_id in ("m1", "m2", "m3", "m1"):
        chain.send(MAIL.replace(id=mail_id))  # a chain alone tells of no end

    numbers = [
        (span.attributes or {})["mailfailover.attempt"] for span in told.spans.get_finished_spans()
    ]
    assert [1, 1, 1, 1] == numbers


def test_without_an_sdk_it_does_nothing() -> None:
    """
    The API alone takes what it is told, and drops it.
    """
    chain = World().chain(Scripted("a"), observers=[OpenTelemetryObserver()])

    assert "a" == Mailer(chain).send(MAIL).provider
