"""
Plugins that read webhooks wrongly.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from mailfailover.plugin import Fetch, WebhookRequest, make_event
from tests.testing.test_contract_webhooks import Hooks
from tests.testing.wrong_plugins import Wrong

if TYPE_CHECKING:
    from mailfailover import DeliveryEvent

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


WEBHOOKS: dict[str, Wrong] = {
    "constant key": Wrong(Constant, APART, "the replay key of another webhook"),
    "key of the first bytes": Wrong(FirstBytes, APART, "the replay key of another webhook"),
    "key of the second": Wrong(Time, APART, "the replay key of another webhook"),
    "no key": Wrong(NoText, APART, "verify_webhook must return a str, not NoneType"),
    "one id": Wrong(OneId, IDS, "event_id repeats"),
    "fresh ids": Wrong(FreshId, IDS, "event_id is another when the event is told again"),
    "crashes": Wrong(Crashes, "test_odd_payloads_are_survived", "parse_webhook of .* raises"),
}
