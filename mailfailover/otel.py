"""
The OpenTelemetry observer: a span for each call to a provider, and counters.

::

    from mailfailover import Mailer
    from mailfailover.otel import OpenTelemetryObserver

    mailer = Mailer("failover(...)", observers=[OpenTelemetryObserver()])

No address, subject or text is in it. It needs the extra ``otel``, which brings the API; the
application brings the SDK.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

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
    WebhookRefused,
)
from mailfailover._setup.extras import extra
from mailfailover._values.face import published_in
from mailfailover.receivers import is_named

with extra("otel"):
    from opentelemetry import metrics, trace
    from opentelemetry.trace import SpanKind, Status, StatusCode

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import TracerProvider
    from opentelemetry.util.types import AttributeValue

    from mailfailover.errors import Attempt

__all__ = ["OpenTelemetryObserver"]

_ACCEPTED = "accepted"
_MOST_MAILS = 10_000
_ALARMS = (BouncesQuarantined, DeliveriesDown, ReceiverDown, WebhookRefused, WebhooksSilent)


@published_in("mailfailover.otel")
class OpenTelemetryObserver:
    """
    An observer for a :class:`~mailfailover.Mailer`, or several.

    Each call to a provider is a span ``email.send`` under the span that is current, with
    ``mailfailover.provider``, ``mailfailover.attempt`` (1 for a mail's first),
    ``mailfailover.outcome``, ``mailfailover.mail_id``, ``mailfailover.stream``,
    ``mailfailover.stage``, ``http.response.status_code`` and, where it failed, ``error.type``.

    The instruments are ``mailfailover.attempts`` and ``mailfailover.attempt.duration`` (in
    seconds), both by provider and outcome, ``mailfailover.mails`` by outcome, and
    ``mailfailover.provider.downs`` by provider and reason. As an observer of deliveries and
    suppressions too, it counts ``mailfailover.delivery.alarms`` by ``mailfailover.alarm`` (the name
    of the event), provider, receiver and state.

    Args:
        tracer_provider, meter_provider: The process's own if None.

    .. versionadded:: 0.1.0
    """

    def __init__(
        self,
        *,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
    ) -> None:
        self._tracer = trace.get_tracer("mailfailover", tracer_provider=tracer_provider)
        meter = metrics.get_meter("mailfailover", meter_provider=meter_provider)
        self._attempts = meter.create_counter(
            "mailfailover.attempts", "{attempt}", "Calls to providers."
        )
        self._seconds = meter.create_histogram(
            "mailfailover.attempt.duration", "s", "How long calls to providers took."
        )
        self._mails = meter.create_counter("mailfailover.mails", "{mail}", "Mails, by their end.")
        self._downs = meter.create_counter(
            "mailfailover.provider.downs", "{event}", "How often providers went out."
        )
        self._alarms = meter.create_counter(
            "mailfailover.delivery.alarms", "{event}", "What deliveries, webhooks and bounces tell."
        )
        self._made: OrderedDict[str, int] = OrderedDict()

    def __call__(self, event: object) -> None:
        """
        Take what a mailer tells.
        """
        if isinstance(event, AttemptMade):
            self._attempt(event)
        elif isinstance(event, MailSent):
            self._end(event.message.id, _sent(possible_duplicate=event.receipt.possible_duplicate))
        elif isinstance(event, MailFailed):
            self._end(event.message.id, type(event.error).__name__)
        elif isinstance(event, ProviderDown):
            told = {"mailfailover.provider": event.provider, "mailfailover.reason": event.reason}
            self._downs.add(1, told)
        elif isinstance(event, _ALARMS):
            self._alarms.add(1, _alarm(event))

    def _attempt(self, event: AttemptMade) -> None:
        attempt = event.attempt
        counted: dict[str, AttributeValue] = {
            "mailfailover.provider": attempt.provider,
            "mailfailover.outcome": attempt.outcome,
        }
        self._attempts.add(1, counted)
        self._seconds.record(attempt.duration, counted)
        began = int(attempt.started.timestamp() * 1e9)
        span = self._tracer.start_span(
            "email.send",
            kind=SpanKind.CLIENT,
            attributes=counted | self._details(event),
            start_time=began,
        )
        if attempt.outcome != _ACCEPTED:
            span.set_attribute("error.type", attempt.outcome)
            span.set_status(Status(StatusCode.ERROR))
        span.end(began + int(attempt.duration * 1e9))

    def _details(self, event: AttemptMade) -> dict[str, AttributeValue]:
        attempt: Attempt = event.attempt
        found: dict[str, AttributeValue] = {
            "mailfailover.attempt": self._number(event.mail_id),
            "mailfailover.mail_id": event.mail_id,
            "mailfailover.stream": event.stream,
            "mailfailover.stage": str(attempt.stage),
        }
        if attempt.status_code is not None:
            found["http.response.status_code"] = attempt.status_code
        return found

    def _number(self, mail_id: str) -> int:
        number = self._made.get(mail_id, 0) + 1
        self._made[mail_id] = number
        while len(self._made) > _MOST_MAILS:  # mails whose end was never heard of
            self._made.popitem(last=False)
        return number

    def _end(self, mail_id: str, outcome: str) -> None:
        self._made.pop(mail_id, None)
        self._mails.add(1, {"mailfailover.outcome": outcome})


def _sent(*, possible_duplicate: bool) -> str:
    return "possible_duplicate" if possible_duplicate else "sent"


def _alarm(event: object) -> dict[str, AttributeValue]:
    """
    Return the attributes of an alarm; receivers that are a company's own domain are ``other``.
    """
    receiver = getattr(event, "receiver", "")
    if receiver not in ("", "*") and not is_named(receiver):
        receiver = "other"
    found = {
        "mailfailover.alarm": type(event).__name__,
        "mailfailover.provider": getattr(event, "key", getattr(event, "provider", "")),
        "mailfailover.receiver": receiver
        if receiver in ("", "*") or is_named(receiver)
        else "other",
        "mailfailover.state": getattr(event, "state", ""),
    }
    return {name: value for name, value in found.items() if value}
