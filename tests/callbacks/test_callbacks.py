from __future__ import annotations

import json
import logging
import threading
from datetime import UTC, datetime
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text
from sqlalchemy.event import listen
from standardwebhooks import Webhook

from mailfailover import EventType
from mailfailover.callbacks import Callbacks, CallbackStats
from mailfailover.callbacks import _queue as queue
from mailfailover.callbacks._callbacks import SCHEDULE
from mailfailover.errors import ConfigurationError, ConnectionFailed, OutcomeUnknown
from mailfailover.plugin import HTTPRequest, Response, make_event
from mailfailover.testing import FakeClock, FakeTransport
from tests.databases import KINDS, fresh_engine
from tests.samples import each

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

    from mailfailover import DeliveryEvent

URL = "https://app.example.com/mail-events?x=y"
SECRET = "whsec_c2VjcmV0LW9mLXRoZS1jYWxsYmFja3M="
OTHER = "whsec_YW5vdGhlci1zZWNyZXQtb2YtY2FsbGJhY2tz"
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def event(number: str = "1") -> DeliveryEvent:
    """
    A bounce.
    """
    return make_event(
        {"vendor": "data"},
        type=EventType.BOUNCED,
        event_id=number,
        mail_id="01A",
        recipient="ann@example.org",
        timestamp=NOON,
        tags=("größe",),
    )


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """
    An empty database.
    """
    with fresh_engine("sqlite", tmp_path) as found:
        yield found


class Setting:
    """
    Callbacks with a scripted other system and a clock.
    """

    def __init__(self, engine: Engine) -> None:
        self.clock = FakeClock(NOON.timestamp())
        self.transport = FakeTransport()
        self.callbacks = Callbacks(
            URL,
            SECRET,
            database=engine,
            transport=self.transport,
            clock=self.clock,
            rng=Random(1),
        )
        self.callbacks.init()

    def round(self, *answers: Any) -> int:
        """
        Let the other system answer so, and make the calls that are due.
        """
        self.transport.answers(*answers)
        return self.callbacks.run_once()

    @property
    def requests(self) -> list[HTTPRequest]:
        """
        The calls so far.
        """
        found = self.transport.requests
        assert all(isinstance(one, HTTPRequest) for one in found)
        return found  # type: ignore[return-value]  # just made sure of

    def detail(self) -> str:
        """
        What the database says of the one call in it.
        """
        with self.callbacks.engine.connect() as connection:
            return str(connection.scalar(text("SELECT detail FROM webhook_callbacks")))


@pytest.fixture
def setting(engine: Engine) -> Setting:
    """
    A new one.
    """
    return Setting(engine)


def test_event_is_told(setting: Setting) -> None:
    """
    In one vocabulary for all vendors, signed as the standard says, and then forgotten.
    """
    setting.callbacks(event())

    assert 1 == setting.round(Response(204))

    (call,) = setting.requests
    assert isinstance(call.body, bytes)
    assert ("POST", URL) == (call.method, call.url)
    assert {
        "type": "email.bounced",
        "timestamp": "2026-11-24T12:00:00+00:00",
        "data": {
            "event_id": "1",
            "type": "bounced",
            "mail_id": "01A",
            "recipient": "ann@example.org",
            "timestamp": "2026-11-24T12:00:00+00:00",
            "tags": ["größe"],
        },
    } == json.loads(call.body)
    assert CallbackStats(0, 0) == setting.callbacks.stats()


def test_each_event_can_go_elsewhere(setting: Setting) -> None:
    """
    Where the URL is asked for, each event goes to its own, or to nobody.
    """
    urls = {"1": "https://one.example/", "2": "", "3": "https://three.example/"}
    setting.callbacks.url = lambda told: urls[told.event_id]

    for number in urls:
        setting.callbacks(event(number))
    setting.round(Response(204), Response(204))

    expected = {"https://one.example/", "https://three.example/"}
    assert expected == {call.url for call in setting.requests}


def test_url_of_an_event_must_be_safe(setting: Setting) -> None:
    """
    One that nobody may be told at is an error, and nothing is written down.
    """
    setting.callbacks.url = lambda told: "ftp://one.example/"

    with pytest.raises(ConfigurationError, match="must be https"):
        setting.callbacks(event())

    assert CallbackStats(0, 0) == setting.callbacks.stats()


def test_signature_is_the_standards(engine: Engine) -> None:
    """
    The standard's own package verifies it, with either of two secrets.
    """
    transport = FakeTransport(Response(200))
    callbacks = Callbacks(URL, (SECRET, OTHER), database=engine, transport=transport)
    callbacks.init()
    callbacks(event())

    callbacks.run_once()

    (call,) = transport.requests
    assert isinstance(call, HTTPRequest)
    assert isinstance(call.body, bytes)
    for secret in (SECRET, OTHER):
        assert Webhook(secret).verify(call.body, dict(call.headers))["data"]["mail_id"] == "01A"


def test_repeated_event_is_one_call(setting: Setting) -> None:
    """
    A vendor that repeats itself makes no second call, and a later one has the same id.
    """
    setting.callbacks(event())
    setting.callbacks(event())
    setting.callbacks(event("2"))
    setting.round(Response(200), Response(200))
    setting.callbacks(event())
    setting.round(Response(200))

    first, second, again = (call.headers["webhook-id"] for call in setting.requests)

    assert first == again != second


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        (Response(500), "HTTP 500"),
        (Response(404), "HTTP 404"),
        (Response(302, {"Location": "https://elsewhere.example"}), "HTTP 302"),
        (ConnectionFailed("secret-host"), "ConnectionFailed"),
        (OutcomeUnknown("secret-host"), "OutcomeUnknown"),
    ],
)
def test_failed_call_is_repeated(setting: Setting, answer: Any, detail: str) -> None:
    """
    With its id, later, whatever it failed of; the time and the signature are new.
    """
    setting.callbacks(event())

    setting.round(answer)
    assert 0 == setting.round()
    assert detail == setting.detail()
    setting.clock.advance(SCHEDULE[0] * 1.1)
    assert 1 == setting.round(Response(200))

    first, second = setting.requests
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.headers["webhook-timestamp"] != second.headers["webhook-timestamp"]
    assert first.body == second.body
    assert CallbackStats(0, 0) == setting.callbacks.stats()


@pytest.mark.parametrize("kind", KINDS)
def test_every_database_holds_the_calls(kind: str, tmp_path: Path) -> None:
    """
    Told once, repeated after a failure, given up, counted.
    """
    with fresh_engine(kind, tmp_path) as engine:
        setting = Setting(engine)
        for number in ("1", "1", "2"):
            setting.callbacks(event(number))

        assert 2 == setting.round(Response(503), Response(410))
        assert CallbackStats(1, 1) == setting.callbacks.stats()
        setting.clock.advance(SCHEDULE[0] * 1.1)
        assert 1 == setting.round(Response(200))
        assert CallbackStats(0, 1) == setting.callbacks.stats()


def test_named_time_is_respected(setting: Setting) -> None:
    """
    Whoever asks for an hour gets it.
    """
    setting.callbacks(event())
    setting.round(Response(429, {"Retry-After": "3600"}))

    setting.clock.advance(3599)
    assert 0 == setting.round()
    setting.clock.advance(400)
    assert 1 == setting.round(Response(200))


def test_call_is_given_up(setting: Setting, caplog: pytest.LogCaptureFixture) -> None:
    """
    After three days, with an error in the log that names nobody; the call stays to be seen.
    """
    setting.callbacks(event())
    for wait in (0, *SCHEDULE):
        setting.clock.advance(wait * 1.1)
        assert 1 == setting.round(Response(503))

    setting.clock.advance(10**6)
    assert 0 == setting.round()

    assert CallbackStats(0, 1) == setting.callbacks.stats()
    assert "is given up after 10 calls: HTTP 503" in caplog.text
    assert "ann@example.org" not in caplog.text
    assert [logging.ERROR] == [one.levelno for one in caplog.records if "given up" in one.message]


def test_gone_is_given_up_at_once(setting: Setting) -> None:
    """
    410 says that nobody wants to be told any more.
    """
    setting.callbacks(event())

    setting.round(Response(410))

    assert CallbackStats(0, 1) == setting.callbacks.stats()


def test_call_of_a_dead_process_is_made_again(setting: Setting) -> None:
    """
    A claim ends by itself; whoever comes late with the end of his call changes nothing.
    """
    setting.callbacks(event())
    late = queue.claim(setting.callbacks.engine, NOON)
    assert late is not None
    assert 0 == setting.round()

    setting.clock.advance(61)
    setting.round(Response(500))
    queue.done(setting.callbacks.engine, late)

    assert CallbackStats(1, 0) == setting.callbacks.stats()


def test_claim_that_another_got_first(setting: Setting) -> None:
    """
    Whoever loses the race for one call looks for the next.
    """
    setting.callbacks(event())
    engine = setting.callbacks.engine
    stolen: list[queue.Job | None] = []

    def steal(*_: object) -> None:
        if not stolen:
            stolen.append(None)
            stolen[0] = queue.claim(engine, NOON)

    listen(engine, "checkin", steal)  # between seeing a call and claiming it

    assert queue.claim(engine, NOON) is None
    assert stolen[0] is not None


def test_oldest_is_told_first(setting: Setting) -> None:
    """
    In the order in which they fell due.
    """
    for number in "321":
        setting.callbacks(event(number))
        setting.clock.advance(1)

    setting.round(*[Response(200)] * 3)

    told = [json.loads(call.body)["data"]["event_id"] for call in setting.requests]  # type: ignore[arg-type]  # bytes
    assert ["3", "2", "1"] == told


def test_event_without_a_time_is_of_now(setting: Setting) -> None:
    """
    The standard wants a time.
    """
    setting.callbacks(make_event({}, type=EventType.OPENED, event_id="9"))

    setting.round(Response(200))

    body = json.loads(setting.requests[0].body)  # type: ignore[arg-type]  # bytes
    assert ("email.opened", "2026-11-24T12:00:00+00:00") == (body["type"], body["timestamp"])


def test_calls_are_made_in_a_thread(tmp_path: Path) -> None:
    """
    An event wakes it up at once; stop() ends it.
    """
    made = threading.Event()

    class Answering(FakeTransport):
        def send(self, request: Any, timeout: float) -> Any:
            made.set()
            return Response(200)

    callbacks = Callbacks(
        URL, SECRET, database=f"sqlite:///{tmp_path}/calls.db", transport=Answering()
    )
    callbacks.init()
    thread = threading.Thread(target=callbacks.run)
    thread.start()
    callbacks(event())

    assert made.wait(20)
    callbacks.stop()
    thread.join(20)
    assert not thread.is_alive()
    callbacks.close()


def test_database_that_fails_is_waited_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """
    The thread goes on, and says so.
    """
    callbacks = Callbacks(URL, SECRET, database=f"sqlite:///{tmp_path}/calls.db")
    thread = threading.Thread(target=callbacks.run)
    thread.start()  # without its table

    callbacks._wake.wait(0)
    while "callbacks cannot use their database: OperationalError" not in caplog.text:
        thread.join(0.01)
    callbacks.stop()
    thread.join(20)

    assert not thread.is_alive()
    callbacks.close()


@each(
    "url",
    [
        "",
        "http://app.example.com/",
        "https://user:pw@app.example.com/",
        "https://",
        "https://[/",
        "https://a\nb",
        "https://app.example.com:99999/",
        "ftp://app.example.com/",
    ],
)
def test_url_must_be_safe(url: str) -> None:
    """
    Addresses do not go over the network in the clear.
    """
    with pytest.raises(ConfigurationError, match="must be https"):
        Callbacks(url, SECRET)


@each(
    ("secret", "problem"),
    [
        ("", "have no secret"),
        ((), "have no secret"),
        ("no base64!", "no base64"),
        ("whsec_", "is empty"),
    ],
)
def test_secret_must_be_one(secret: Any, problem: str) -> None:
    """
    Nothing is told unsigned.
    """
    with pytest.raises(ConfigurationError, match=problem):
        Callbacks("http://127.0.0.1:8000/", secret)


def test_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The error says what to install.
    """
    monkeypatch.setitem(__import__("sys").modules, "standardwebhooks", None)

    with pytest.raises(ConfigurationError, match=r"mailfailover\[webhooks\]"):
        Callbacks(URL, SECRET)


def test_missing_table_is_named(engine: Engine) -> None:
    """
    The error says what to run.
    """
    callbacks = Callbacks(URL, SECRET, database=engine)

    with pytest.raises(ConfigurationError, match="run `mailfailover webhooks init`"):
        callbacks.check()
    callbacks.init()
    callbacks.check()

    assert 1 == callbacks.upgrade()
