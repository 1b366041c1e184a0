from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import pytest

from mailfailover import DeliveryEvent, EventType, Mailer, WebhookRefused
from mailfailover._mailer.webhook import MAX_BODY, Fetching
from mailfailover.errors import (
    ConfigurationError,
    InvalidSignature,
    InvalidWebhook,
    WebhookReplayed,
)
from mailfailover.plugin import (
    Fetch,
    HTTPRequest,
    Response,
    WebhookRequest,
    make_event,
    verify_time,
)
from mailfailover.testing import FakeTransport
from mailfailover.webhooks import MemoryReplays, receive
from tests.samples import each

NOW = 1_800_000_000.0
PEM = HTTPRequest("GET", "https://acme.example/key.pem")


@dataclass(frozen=True)
class Acme:
    """
    Takes what has its key in a header, once for each id.
    """

    name: ClassVar[str] = "acme"
    key: str = "secret-hook"

    def send(self, message: object) -> None: ...

    def verify_webhook(self, request: WebhookRequest, fetch: Fetch) -> str:
        if request.header("Key") != self.key:
            raise InvalidSignature("not ours")
        if request.header("Time"):
            verify_time(request.header("Time"), request)
        if request.header("Fetch"):
            fetch(PEM)
        return request.header("Id")

    def parse_webhook(self, request: WebhookRequest) -> tuple[DeliveryEvent, ...]:
        return tuple(
            make_event(one, type=EventType(one["type"]), event_id=one["id"])
            for one in request.json_objects()
        )


DELIVERED = b'{"type": "delivered", "id": "1"}'
EVENT = DeliveryEvent(
    event_id="1",
    type=EventType.DELIVERED,
    provider="acme",
    raw={"type": "delivered", "id": "1"},
)


def request(body: bytes = DELIVERED, **headers: str) -> WebhookRequest:
    """
    A webhook of Acme.
    """
    return WebhookRequest("POST", "/", {"KEY": "secret-hook", **headers}, body)


def test_request_has_headers_in_any_case() -> None:
    """
    Names of headers have no case; pairs will do as well as a mapping.
    """
    made = WebhookRequest("post", "/hook", [("X-Key", "a")], b"body")

    assert ("POST", "a", "") == (made.method, made.header("x-KEY"), made.header("other"))
    assert "WebhookRequest(POST, 4 bytes)" == repr(made)


@each(("body", "expected"), [(b'{"a": 1}', {"a": 1}), (b"[]", {}), (b"null", {}), (b"{", {})])
def test_request_as_an_object(body: bytes, expected: dict[str, Any]) -> None:
    """
    A body that is no object is an empty one.
    """
    assert expected == WebhookRequest(body=body).json_object()


@each(
    ("body", "expected"),
    [(b'{"a": 1}', [{"a": 1}]), (b"[{}, {}]", [{}, {}]), (b"[1, {}]", [{}]), (b"[]", [])],
)
def test_request_as_objects(body: bytes, expected: list[dict[str, Any]]) -> None:
    """
    One object, or a list of them.
    """
    assert expected == WebhookRequest(body=body).json_objects()


@each("body", [b"", b"null", b"[1]", b'"a"', b"\xff"])
def test_request_that_has_no_objects(body: bytes) -> None:
    """
    Anything else cannot be read.
    """
    with pytest.raises(InvalidWebhook, match="neither a JSON object nor a list of them"):
        WebhookRequest(body=body).json_objects()


def test_events_are_returned_and_handed_on() -> None:
    """
    Each handler gets each event, in order.
    """
    told: list[tuple[str, str]] = []
    body = b'[{"type": "delivered", "id": "1"}, {"type": "opened", "id": "2"}]'
    handlers = [lambda event, name=name: told.append((name, event.event_id)) for name in "ab"]

    events = receive(Acme(), request(body), on_event=handlers)

    assert ["1", "2"] == [event.event_id for event in events]
    assert [("a", "1"), ("b", "1"), ("a", "2"), ("b", "2")] == told


def test_events_name_their_provider() -> None:
    """
    By its name, or by its chain key.
    """
    assert (EVENT,) == receive(Acme(), request())
    assert "eu" == receive(Acme(), request(), key="eu")[0].provider


def test_verification_comes_first() -> None:
    """
    Nothing of what nobody signed is read, and nobody is told.
    """
    told: list[DeliveryEvent] = []

    with pytest.raises(InvalidSignature):
        receive(Acme(key="other"), request(b"{"), on_event=[told.append])

    assert [] == told


def test_huge_body_is_refused() -> None:
    """
    Before it is looked at.
    """
    with pytest.raises(InvalidWebhook, match="larger than"):
        receive(Acme(key="other"), request(b" " * (MAX_BODY + 1)))


def test_provider_without_webhooks() -> None:
    """
    A clear error.
    """
    with pytest.raises(ConfigurationError, match="has no webhooks"):
        receive(object(), request())


def test_time_is_asked_once() -> None:
    """
    A webhook that does not say when it came, came now.
    """
    signed = request(Time=f"{NOW}")

    receive(Acme(), signed, wall=lambda: NOW + 299)
    receive(Acme(), replace(signed, received=NOW), wall=lambda: NOW + 301)
    with pytest.raises(InvalidSignature):
        receive(Acme(), signed, wall=lambda: NOW + 301)


def test_repetition_is_refused() -> None:
    """
    By any request with the same id, whatever else is in it.
    """
    replays = MemoryReplays()
    receive(Acme(), request(Id="7"), replays=replays)

    with pytest.raises(WebhookReplayed):
        receive(Acme(), request(b"[]", Id="7"), replays=replays)


def test_repetition_is_refused_by_default() -> None:
    """
    The process remembers, where nobody else does.
    """
    receive(Acme(), request(Id="of this test"))

    with pytest.raises(WebhookReplayed):
        receive(Acme(), request(Id="of this test"))


def test_without_an_id_nothing_is_a_repetition() -> None:
    """
    Some vendors' manner of signing cannot tell one from another.
    """
    replays = MemoryReplays()

    assert receive(Acme(), request(), replays=replays) == receive(
        Acme(), request(), replays=replays
    )


def test_failed_handler_lets_the_vendor_repeat() -> None:
    """
    All others are told, and the same webhook is taken again.
    """
    told: list[DeliveryEvent] = []
    replays = MemoryReplays()

    def failing(event: DeliveryEvent) -> None:
        raise OSError(event.event_id)

    with pytest.raises(OSError, match="1"):
        receive(Acme(), request(Id="7"), on_event=[failing, told.append], replays=replays)

    assert (EVENT,) == receive(Acme(), request(Id="7"), replays=replays)
    assert [EVENT] == told


def test_unreadable_webhook_may_come_again() -> None:
    """
    It was not taken.
    """
    replays = MemoryReplays()

    for _ in range(2):
        with pytest.raises(InvalidWebhook):
            receive(Acme(), request(b"{", Id="7"), replays=replays)


def test_certificates_are_fetched_once() -> None:
    """
    A success is remembered; a failure and a POST are not.
    """
    transport = FakeTransport(
        Response(503), Response(200, {}, b"pem"), Response(200), Response(200)
    )
    fetch = Fetching(transport)

    assert [503, 200, 200] == [fetch(PEM).status_code for _ in range(3)]
    assert [200, 200] == [fetch(HTTPRequest("POST", PEM.url)).status_code for _ in range(2)]
    assert 4 == len(transport.requests)


def test_remembered_certificates_are_few() -> None:
    """
    Whoever names many addresses fills no memory.
    """
    transport = FakeTransport(*[Response(200)] * 40)
    fetch = Fetching(transport)

    for number in range(40):
        fetch(HTTPRequest("GET", f"https://acme.example/{number}"))

    assert 40 > len(fetch._found)


def test_mailer_receives_by_chain_key() -> None:
    """
    Handlers given at first and added later get the event, named by the key.
    """
    told: list[DeliveryEvent] = []
    mailer = Mailer({"eu": Acme(), "us": "null://"}, on_event=[told.append])

    @mailer.on_event
    def also(event: DeliveryEvent) -> None:
        told.append(event)

    events = mailer.receive("eu", request(Id="7"))

    assert ["eu", "eu"] == [event.provider for event in told]
    assert told[:1] == list(events)
    assert ("eu",) == mailer.webhooks.keys
    with pytest.raises(WebhookReplayed):
        mailer.receive("eu", request(Id="7"))


def test_observers_are_told_of_wrong_signatures() -> None:
    """
    By the chain key, before the error is raised; a webhook that nobody can read is no such thing.
    """
    told: list[object] = []
    mailer = Mailer({"eu": Acme(key="other"), "us": Acme()}, observers=[told.append])

    with pytest.raises(InvalidSignature):
        mailer.receive("eu", request())
    with pytest.raises(InvalidWebhook):
        mailer.receive("us", request(b"{"))

    assert [WebhookRefused("eu")] == told


def test_mailer_knows_its_providers() -> None:
    """
    A key of nobody is a clear error, and so is a provider without webhooks.
    """
    mailer = Mailer({"eu": Acme(), "us": "null://"})

    with pytest.raises(ConfigurationError, match="no provider 'asia'; known: eu, us"):
        mailer.receive("asia", request())
    with pytest.raises(ConfigurationError, match="null has no webhooks"):
        mailer.receive("us", request())


def test_mailer_fetches_with_its_transport() -> None:
    """
    Certificates come over the same transport as answers to mails.
    """
    transport = FakeTransport(Response(200, {}, b"pem"))
    mailer = Mailer(Acme(), transport=transport, replays=MemoryReplays())

    mailer.receive("acme", request(Fetch="yes"))

    assert [PEM] == transport.requests
