from __future__ import annotations

import hmac
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

import pytest

from mailfailover import DeliveryEvent, EventType
from mailfailover.errors import InvalidSignature, InvalidWebhook
from mailfailover.plugin import (
    Fetch,
    HTTPRequest,
    Response,
    Secrets,
    WebhookRequest,
    as_text,
    make_event,
    reveal_all,
    verify_hmac,
    verify_time,
)
from mailfailover.testing import WebhookContract
from tests.samples import each

EVENTS = {"delivered": EventType.DELIVERED}
FOLDER = Path(__file__).parent / "data"
KEY = "secret-hook"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooks:
    """
    A vendor that signs time, id and body.
    """

    name: ClassVar[str] = "hooks"

    key: Secrets = field(default="", repr=False)

    def verify_webhook(self, request: WebhookRequest, fetch: Fetch) -> str:
        time, number = request.header("x-time"), request.header("x-id")
        signed = f"{time}.{number}.".encode("utf-8", "surrogatepass") + request.body
        verify_hmac(request.header("x-signature"), self.key, signed)
        verify_time(time, request)
        return number

    def parse_webhook(self, request: WebhookRequest) -> tuple[DeliveryEvent, ...]:
        return tuple(self.event(one) for one in request.json_objects())

    def event(self, one: dict[str, Any]) -> DeliveryEvent:
        return make_event(
            one,
            type=EVENTS.get(as_text(one.get("event")), EventType.UNKNOWN),
            event_id=one.get("id"),
            recipient=one.get("to"),
            timestamp=one.get("time"),
            metadata=one.get("metadata"),
        )


class TestHooks(WebhookContract):
    provider: ClassVar[Any] = Hooks(key=KEY)
    golden: ClassVar[Path | None] = FOLDER / "hooks"
    secrets = ("key",)
    window: ClassVar[float | None] = 300

    def sign(self, payload: bytes, now: float) -> WebhookRequest:
        signed = f"{now:.0f}.7.".encode() + payload
        signature = hmac.digest(KEY.encode(), signed, "sha256").hex()
        headers = {"X-Time": f"{now:.0f}", "X-Id": "7", "X-Signature": signature}
        return WebhookRequest("POST", "/", headers, payload)


# Providers that break one promise each


class TrustsAll(Hooks):
    def verify_webhook(self, request: WebhookRequest, fetch: Fetch) -> str:
        return request.header("x-id")


class TrustsOldTimes(Hooks):
    def verify_webhook(self, request: WebhookRequest, fetch: Fetch) -> str:
        now = float(request.header("x-time"))
        return Hooks.verify_webhook(self, replace(request, received=now), fetch)


class TakesEmptyKey(Hooks):
    def verify_webhook(self, request: WebhookRequest, fetch: Fetch) -> str:
        if reveal_all(self.key):
            return Hooks.verify_webhook(self, request, fetch)
        return ""


class KnowsOneKey(Hooks):
    def verify_webhook(self, request: WebhookRequest, fetch: Fetch) -> str:
        first = reveal_all(self.key)[:1]
        return replace(Hooks(), key=first).verify_webhook(request, fetch)


class TellsKey(Hooks):
    def verify_webhook(self, request: WebhookRequest, fetch: Fetch) -> str:
        try:
            return Hooks.verify_webhook(self, request, fetch)
        except InvalidSignature as exc:
            raise InvalidSignature(f"{exc}: not {reveal_all(self.key)}") from None


class ReadsFirst(Hooks):
    def verify_webhook(self, request: WebhookRequest, fetch: Fetch) -> str:
        _ = request.json()["event"]
        return Hooks.verify_webhook(self, request, fetch)


class NeverTheSame(Hooks):
    count: ClassVar[list[int]] = []

    def verify_webhook(self, request: WebhookRequest, fetch: Fetch) -> str:
        self.count.append(1)
        return Hooks.verify_webhook(self, request, fetch) + f"-{len(self.count)}"


class CannotTell(Hooks):
    def verify_webhook(self, request: WebhookRequest, fetch: Fetch) -> str:
        Hooks.verify_webhook(self, request, fetch)
        return ""


class TrustsShape(Hooks):
    def event(self, one: dict[str, Any]) -> DeliveryEvent:
        return replace(Hooks.event(self, one), tags=tuple(one["metadata"]))


class LosesRaw(Hooks):
    def event(self, one: dict[str, Any]) -> DeliveryEvent:
        return replace(Hooks.event(self, one), raw={})


class LosesId(Hooks):
    def event(self, one: dict[str, Any]) -> DeliveryEvent:
        return replace(Hooks.event(self, one), event_id="")


class LosesZone(Hooks):
    def event(self, one: dict[str, Any]) -> DeliveryEvent:
        event = Hooks.event(self, one)
        return replace(event, timestamp=event.timestamp and datetime(2026, 11, 24))  # noqa: DTZ001


class KeepsHalfCharacters(Hooks):
    def event(self, one: dict[str, Any]) -> DeliveryEvent:
        return replace(Hooks.event(self, one), description="\ud800")


class KeepsNul(Hooks):
    def event(self, one: dict[str, Any]) -> DeliveryEvent:
        return replace(Hooks.event(self, one), description="\0")


class Fetches(Hooks):
    def verify_webhook(self, request: WebhookRequest, fetch: Fetch) -> str:
        fetch(HTTPRequest("GET", "https://hooks.example/key.pem"))
        return Hooks.verify_webhook(self, request, fetch)


BROKEN: dict[type[Hooks], set[str]] = {
    TrustsAll: {
        "test_other_secret_is_refused",
        "test_unset_secret_matches_nothing",
        "test_altered_bodies_are_refused",
        "test_altered_headers_are_survived",
        "test_old_webhooks_are_refused",
    },
    TrustsOldTimes: {"test_old_webhooks_are_refused", "test_altered_headers_are_survived"},
    TakesEmptyKey: {"test_unset_secret_matches_nothing"},
    KnowsOneKey: {"test_secrets_can_be_changed"},
    TellsKey: {
        "test_other_secret_is_refused",
        "test_altered_bodies_are_refused",
        "test_altered_headers_are_survived",
        "test_old_webhooks_are_refused",
    },
    ReadsFirst: {
        "test_altered_bodies_are_refused",
        "test_altered_headers_are_survived",
        "test_garbage_is_survived",
    },
    CannotTell: set(),
    NeverTheSame: {"test_repetitions_are_refused"},
    TrustsShape: {
        "test_golden_webhook_is_read",
        "test_garbage_is_survived",
        "test_odd_payloads_are_survived",
    },
    LosesRaw: {"test_golden_webhook_is_read"},
    LosesId: {"test_golden_webhook_is_read"},
    LosesZone: {"test_golden_webhook_is_read"},
}
"""Each with the claims that notice it."""


def broken_claims(contract: type[WebhookContract]) -> set[str]:
    """
    The names of all tests of *contract* that fail, run as pytest would.
    """
    suite = contract()
    names = [name for name in dir(suite) if name.startswith("test_") and getattr(suite, name)]
    return {name for name in names if _fails(getattr(suite, name))}


def _fails(test: Any) -> bool:
    try:
        test()
    except (pytest.fail.Exception, InvalidSignature, KeyError, TypeError, ValueError):
        return True
    return False


def contract_of(provider: Hooks) -> type[WebhookContract]:
    """
    The contract of the tiny vendor for another provider.
    """
    return type("TestBroken", (TestHooks,), {"provider": provider})


@each("kind", BROKEN)
def test_broken_promise_is_noticed(kind: type[Hooks]) -> None:
    """
    A provider that breaks a promise fails the claims of that promise.
    """
    suite = contract_of(kind(key=KEY))()

    assert [] == [name for name in BROKEN[kind] if not _fails(getattr(suite, name))]


@pytest.mark.parametrize("kind", [KeepsHalfCharacters, KeepsNul], ids=lambda kind: kind.__name__)
def test_text_that_cannot_be_stored_is_noticed(kind: type[Hooks]) -> None:
    """
    An event's texts must fit every database.
    """
    with pytest.raises(pytest.fail.Exception, match="cannot be stored"):
        contract_of(kind(key=KEY))().test_odd_payloads_are_survived()


def test_unexpected_fetch_is_noticed() -> None:
    """
    The suite has no network: it must be told what the vendor answers.
    """
    suite = contract_of(Fetches(key=KEY))()

    with pytest.raises(pytest.fail.Exception, match=r"GET .* is fetched"):
        suite.test_repetitions_are_refused()


def test_vendor_may_be_asked() -> None:
    """
    A contract answers for its vendor.
    """

    class TestFetches(TestHooks):
        provider = Fetches(key=KEY)

        def fetch(self, request: HTTPRequest) -> Response:
            return Response(200)

    assert set() == broken_claims(TestFetches)


def test_contract_needs_golden_webhooks() -> None:
    """
    It is not empty.
    """

    class TestNothing(TestHooks):
        golden = None

    with pytest.raises(pytest.fail.Exception, match="record webhooks"):
        TestNothing().test_garbage_is_survived()
    with pytest.raises(pytest.fail.Exception, match="no golden event has our mail_id"):
        TestNothing().test_golden_webhooks_are_recorded()


def test_contract_hides_what_does_not_concern_a_vendor() -> None:
    """
    One that signs neither body nor time is not asked about them.
    """

    class TestBasic(TestHooks):
        covers_body = False
        window = None

    assert TestBasic.test_altered_bodies_are_refused is None
    assert TestBasic.test_old_webhooks_are_refused is None


def test_contract_must_be_told_how_to_sign() -> None:
    """
    The suite does not know the vendor's manner.
    """
    with pytest.raises(NotImplementedError):
        WebhookContract().sign(b"", 0.0)


def test_unreadable_body_is_no_fault() -> None:
    """
    A clear error is what a body deserves that nobody can read.
    """
    with pytest.raises(InvalidWebhook):
        Hooks(key=KEY).parse_webhook(WebhookRequest(body=b"{"))
