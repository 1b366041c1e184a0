"""
Plugins that read webhooks wrongly.
"""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC
from typing import TYPE_CHECKING, Any

from mailfailover import EventType
from mailfailover.errors import InvalidWebhook
from mailfailover.plugin import Fetch, WebhookRequest, WebhookRetries, make_event
from tests.testing.test_contract_webhooks import Hooks
from tests.testing.wrong_plugins import Wrong

if TYPE_CHECKING:
    from mailfailover import DeliveryEvent

READ = "test_golden_webhook_is_read"
APART = "test_replay_keys_tell_webhooks_apart"
IDS = "test_event_ids_are_those_of_events"


class Constant(Hooks):
    def verify_webhook(self, request: WebhookRequest, fetch: Fetch) -> str:
        Hooks.verify_webhook(self, request, fetch)
        return "hooks-webhook"


class FirstBytes(Hooks):
    def verify_webhook(self, request: WebhookRequest, fetch: Fetch) -> str:
        Hooks.verify_webhook(self, request, fetch)
        return request.body[:256].hex()


class Time(Hooks):
    def verify_webhook(self, request: WebhookRequest, fetch: Fetch) -> str:
        Hooks.verify_webhook(self, request, fetch)
        return f"at-{request.header('x-time')}"


class NoText(Hooks):
    def verify_webhook(self, request: WebhookRequest, fetch: Fetch) -> str:
        Hooks.verify_webhook(self, request, fetch)
        return None  # type: ignore[return-value]  # the fault


class OneId(Hooks):
    def event(self, one: dict[str, Any]) -> DeliveryEvent:
        return make_event(one, type=Hooks.event(self, one).type, event_id="always-this")


class FreshId(Hooks):
    def event(self, one: dict[str, Any]) -> DeliveryEvent:
        return make_event(one, type=Hooks.event(self, one).type, event_id=str(uuid.uuid4()))


class Crashes(Hooks):
    def event(self, one: dict[str, Any]) -> DeliveryEvent:
        one["event"].lower()
        return Hooks.event(self, one)


class AllOrNothing(Hooks):
    def parse_webhook(self, request: WebhookRequest) -> tuple[DeliveryEvent, ...]:
        data = request.json()
        if not all(isinstance(one, dict) for one in (data if isinstance(data, list) else [data])):
            raise InvalidWebhook("an entry is no event")
        return Hooks.parse_webhook(self, request)


class FirstOfBatch(Hooks):
    def parse_webhook(self, request: WebhookRequest) -> tuple[DeliveryEvent, ...]:
        return Hooks.parse_webhook(self, request)[:1]


class ReadsStrangers(Hooks):
    def verify_webhook(self, request: WebhookRequest, fetch: Fetch) -> str:
        request.json()
        return Hooks.verify_webhook(self, request, fetch)


class ForgetsRetries(Hooks):
    webhook_retries = WebhookRetries(span=3600.0)


class OwnZone(Hooks):
    def event(self, one: dict[str, Any]) -> DeliveryEvent:
        found = Hooks.event(self, one)
        return replace(found, timestamp=found.timestamp and found.timestamp.replace(tzinfo=UTC))


class LowerCase(Hooks):
    def event(self, one: dict[str, Any]) -> DeliveryEvent:
        found = Hooks.event(self, one)
        return replace(found, recipient=found.recipient.lower())


class MailIdLost(Hooks):
    def event(self, one: dict[str, Any]) -> DeliveryEvent:
        return replace(Hooks.event(self, one), mail_id="")


class RecipientAsId(Hooks):
    def event(self, one: dict[str, Any]) -> DeliveryEvent:
        found = Hooks.event(self, one)
        return replace(found, event_id=found.recipient or found.event_id)


class UnknownIsDelivered(Hooks):
    def event(self, one: dict[str, Any]) -> DeliveryEvent:
        return replace(Hooks.event(self, one), type=EventType.DELIVERED)


WEBHOOKS: dict[str, Wrong] = {
    "all or nothing": Wrong(
        AllOrNothing, "test_odd_entries_take_no_others_with_them", "takes others of the batch"
    ),
    "first of a batch": Wrong(FirstOfBatch, READ, "batch: the events are read as"),
    "reads strangers": Wrong(
        ReadsStrangers, "test_strangers_are_refused_unread", "before its signature is verified"
    ),
    "believes too shortly": Wrong(
        ForgetsRetries, "test_old_webhooks_outlast_the_schedule", "widen the window"
    ),
    "time of another zone": Wrong(OwnZone, READ, "batch: the events are read as"),
    "recipient in lower case": Wrong(LowerCase, READ, "batch: the events are read as"),
    "mail id lost": Wrong(MailIdLost, READ, "delivered: the events are read as"),
    "recipient as id": Wrong(RecipientAsId, IDS, "event_id is the mail's"),
    "unknown is delivered": Wrong(UnknownIsDelivered, READ, "unknown: the events are read as"),
    "constant key": Wrong(Constant, APART, "the replay key of another webhook"),
    "key of the first bytes": Wrong(FirstBytes, APART, "the replay key of another webhook"),
    "key of the second": Wrong(Time, APART, "the replay key of another webhook"),
    "no key": Wrong(NoText, APART, "verify_webhook must return a str, not NoneType"),
    "one id": Wrong(OneId, IDS, "event_id repeats"),
    "fresh ids": Wrong(FreshId, IDS, "event_id is another when the event is told again"),
    "crashes": Wrong(Crashes, "test_odd_payloads_are_survived", "parse_webhook of .* raises"),
}
