"""
Plugins that read webhooks wrongly.
"""

from __future__ import annotations

import hmac
import os
import socket
import time
import uuid
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mailfailover import EventType
from mailfailover.errors import InvalidSignature, InvalidWebhook
from mailfailover.plugin import (
    Fetch,
    WebhookRequest,
    WebhookRetries,
    make_event,
    reveal_all,
    verify_time,
)
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


class StartOfSignature(Hooks):
    """
    Believes whoever knows how the signature begins.
    """

    def verify_webhook(self, request: WebhookRequest, fetch: Fetch) -> str:
        when, number = request.header("x-time"), request.header("x-id")
        signed = f"{when}.{number}.".encode("utf-8", "surrogatepass") + request.body
        given = request.header("x-signature")
        for key in reveal_all(self.key):
            if given and hmac.digest(key.encode(), signed, "sha256").hex().startswith(given):
                verify_time(when, request)
                return number
        raise InvalidSignature("not signed")


class FirstHalf(Hooks):
    def verify_webhook(self, request: WebhookRequest, fetch: Fetch) -> str:
        when, number = request.header("x-time"), request.header("x-id")
        signed = f"{when}.{number}.".encode("utf-8", "surrogatepass") + request.body
        given = request.header("x-signature")[:16]
        for key in reveal_all(self.key):
            if given and hmac.digest(key.encode(), signed, "sha256").hex()[:16] == given:
                verify_time(when, request)
                return number
        raise InvalidSignature("not signed")


class DatedId(Hooks):
    def event(self, one: dict[str, Any]) -> DeliveryEvent:
        found = Hooks.event(self, one)
        return replace(found, event_id=f"{found.event_id}-{time.time() // 3600:.0f}")


class ReadsFile(Hooks):
    def parse_webhook(self, request: WebhookRequest) -> tuple[DeliveryEvent, ...]:
        Path(os.devnull).read_bytes()
        return Hooks.parse_webhook(self, request)


class Resolves(Hooks):
    def parse_webhook(self, request: WebhookRequest) -> tuple[DeliveryEvent, ...]:
        socket.getaddrinfo("127.0.0.1", 1)
        return Hooks.parse_webhook(self, request)


class TimeLost(Hooks):
    def event(self, one: dict[str, Any]) -> DeliveryEvent:
        return replace(Hooks.event(self, one), timestamp=None)


class TimeOfArrival(Hooks):
    def event(self, one: dict[str, Any]) -> DeliveryEvent:
        return replace(Hooks.event(self, one), timestamp=datetime.now(UTC))


class Swapped(Hooks):
    """
    Tells of one recipient what became of the other.
    """

    def parse_webhook(self, request: WebhookRequest) -> tuple[DeliveryEvent, ...]:
        events = Hooks.parse_webhook(self, request)
        people = [one.recipient for one in events][::-1]
        return tuple(replace(one, recipient=to) for one, to in zip(events, people, strict=True))


class Twice(Hooks):
    def parse_webhook(self, request: WebhookRequest) -> tuple[DeliveryEvent, ...]:
        return Hooks.parse_webhook(self, request) * 2


class TwoOfOne(Hooks):
    def parse_webhook(self, request: WebhookRequest) -> tuple[DeliveryEvent, ...]:
        events = Hooks.parse_webhook(self, request)
        sent = (
            replace(one, type=EventType.SENT, event_id=f"{one.event_id}-sent") for one in events
        )
        return (*sent, *events)


class Backwards(Hooks):
    def parse_webhook(self, request: WebhookRequest) -> tuple[DeliveryEvent, ...]:
        return Hooks.parse_webhook(self, request)[::-1]


class KnownOnly(Hooks):
    def parse_webhook(self, request: WebhookRequest) -> tuple[DeliveryEvent, ...]:
        events = Hooks.parse_webhook(self, request)
        return tuple(one for one in events if one.type is not EventType.UNKNOWN)


class RecipientLost(Hooks):
    def event(self, one: dict[str, Any]) -> DeliveryEvent:
        return replace(Hooks.event(self, one), recipient="")


class MetadataLost(Hooks):
    def event(self, one: dict[str, Any]) -> DeliveryEvent:
        return replace(Hooks.event(self, one), metadata={})


class SharedTime(Hooks):
    """
    Gives every event of a batch the time of the first.
    """

    def parse_webhook(self, request: WebhookRequest) -> tuple[DeliveryEvent, ...]:
        events = Hooks.parse_webhook(self, request)
        return tuple(replace(one, timestamp=events[0].timestamp) for one in events)


WEBHOOKS: dict[str, Wrong] = {
    "start of a signature": Wrong(
        StartOfSignature, "test_cut_signatures_are_refused", "compare the whole"
    ),
    "half of a signature": Wrong(FirstHalf, "test_cut_signatures_are_refused", "is cut or changed"),
    "id of the hour": Wrong(DatedId, IDS, "event_id is another when the event is told again"),
    "reads a file": Wrong(ReadsFile, "test_reading_needs_no_io", "parse_webhook opens"),
    "resolves a name": Wrong(Resolves, "test_reading_needs_no_io", "socket.getaddrinfo"),
    "time lost": Wrong(TimeLost, READ, "batch: the events are read as"),
    "time of arrival": Wrong(TimeOfArrival, READ, "batch: the events are read as"),
    "recipients swapped": Wrong(Swapped, READ, "batch: the events are read as"),
    "each event twice": Wrong(Twice, IDS, "event_id repeats within one webhook"),
    "two events for one": Wrong(TwoOfOne, READ, "delivered: the events are read as"),
    "events backwards": Wrong(Backwards, READ, "batch: the events are read as"),
    "unknown events lost": Wrong(KnownOnly, READ, "unknown: the events are read as"),
    "recipient lost": Wrong(RecipientLost, READ, "batch: the events are read as"),
    "metadata lost": Wrong(MetadataLost, READ, "the events are read as"),
    "time of the first": Wrong(SharedTime, READ, "batch: the events are read as"),
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
