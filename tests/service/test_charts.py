from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from sqlalchemy import insert

from mailfailover.outbox import OutboxAttempt, OutboxWorker
from mailfailover.outbox._tables import attempts
from mailfailover.service.activity import Activity, ActivityMemory, Slice, read_activity
from mailfailover.service.charts import draw_attempts, draw_health, draw_hours
from mailfailover.service.labels import LabelledError, label_errors
from mailfailover.service.problems import FieldError
from mailfailover.testing import PLAIN, FakeClock
from tests.samples import each

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from sqlalchemy import Engine

    from mailfailover.service.parts import Service

NOW = datetime(2027, 1, 31, 9, 20, tzinfo=UTC)
BEGIN = datetime(2027, 1, 30, 10, tzinfo=UTC)


def add_calls(engine: Engine, *calls: tuple[str, datetime, str, bool]) -> None:
    """
    Write down calls: provider, begin, outcome, and whether it is in doubt.
    """
    with engine.begin() as connection:
        for number, (provider, started, outcome, in_doubt) in enumerate(calls, start=1):
            row = {
                "mail": 1,
                "number": number,
                "provider": provider,
                "started": started,
                "stage": "response",
                "outcome": outcome,
                "in_doubt": in_doubt,
                "error": "",
                "provider_message_id": "",
            }
            connection.execute(insert(attempts).values(row))


@pytest.fixture(name="calls")
def _calls(service: Service) -> Engine:
    add_calls(
        service.outbox.engine,
        ("a", NOW, "accepted", False),
        ("a", NOW, "accepted", False),
        ("a", NOW - timedelta(minutes=25), "ConnectionFailed", False),
        ("b", NOW, "OutcomeUnknown", True),
        ("b", BEGIN - timedelta(seconds=1), "accepted", False),
    )
    return service.outbox.engine


def test_calls_are_counted_by_half_an_hour(calls: Engine) -> None:
    """
    Those of the last day, by provider and how they ended; the hours are of all providers.
    """
    found = read_activity(calls, NOW)

    assert BEGIN == found.begins[0]
    assert [
        Slice(datetime(2027, 1, 31, 8, 30, tzinfo=UTC), failed=1),
        Slice(datetime(2027, 1, 31, 9, 0, tzinfo=UTC), accepted=2),
    ] == [one for one in found.of("a") if one.calls]
    assert [1] == [one.unknown for one in found.of("b") if one.calls]
    assert not any(one.calls for one in found.of("nobody"))
    assert [
        Slice(datetime(2027, 1, 31, 8, tzinfo=UTC), failed=1),
        Slice(datetime(2027, 1, 31, 9, tzinfo=UTC), accepted=2, unknown=1),
    ] == list(found.hours()[-2:])


@each(
    ("slice_", "level"),
    [
        (Slice(NOW), ""),
        (Slice(NOW, accepted=1), "good"),
        (Slice(NOW, accepted=2, failed=1), "warn"),
        (Slice(NOW, accepted=1, failed=1, unknown=1), "bad"),
    ],
)
def test_seriousness_is_the_share_of_failures(slice_: Slice, level: str) -> None:
    """
    None, some, or most.
    """
    assert level == slice_.level


def test_activity_is_read_once_in_a_while(service: Service) -> None:
    """
    Many who look at once cost one query.
    """
    memory, engine = ActivityMemory(), service.outbox.engine

    clock = FakeClock()

    first = memory.get(engine, NOW, clock)
    clock.sleep(15)
    again = memory.get(engine, NOW, clock)
    clock.sleep(1)
    later = memory.get(engine, NOW, clock)

    assert first is again is not later


def shapes(svg: str, tag: str = "rect") -> list[dict[str, str]]:
    """
    The attributes of all shapes of a kind.
    """
    name = f"{{http://www.w3.org/2000/svg}}{tag}"
    root = ET.fromstring(str(svg).replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1))  # noqa: S314 -- our own
    return [dict(one.attrib) for one in root.iter(name)]


def test_health_is_a_cell_for_each_half_an_hour() -> None:
    """
    Its colour says how it was, and words say it too.
    """
    slices = (Slice(NOW), Slice(NOW, accepted=3), Slice(NOW, failed=2, unknown=1))

    svg = draw_health("a <b>", slices)

    assert ["none", "good", "bad"] == [one["class"] for one in shapes(svg)]
    told = "a &lt;b&gt; in the last 24 hours: 3 accepted, 2 failed, 1 without an answer"
    assert told in svg
    assert "<title>09:20: no calls</title>" in svg


def test_hours_are_bars_on_each_other() -> None:
    """
    The tallest hour fills the chart, and one call among thousands is still seen.
    """
    svg = draw_hours((Slice(NOW, accepted=5000, failed=1), Slice(NOW)))

    accepted, failed = shapes(svg)
    assert ("good", "bad") == (accepted["class"], failed["class"])
    assert 87 < float(accepted["height"]) <= 88
    assert 2.0 == float(failed["height"])


def test_calls_of_a_mail_are_bars_in_time() -> None:
    """
    Each from its begin to its end; one without an end is still there.
    """
    calls = (
        OutboxAttempt("a", NOW, 1.0, "response", "ProviderUnavailable"),
        OutboxAttempt("b", NOW + timedelta(seconds=1), 0.21, "response", "accepted"),
        OutboxAttempt("c", NOW + timedelta(seconds=2), None, "", "unfinished"),
    )

    svg = draw_attempts(calls)

    first, second, third = shapes(svg)
    assert ["bad", "good", "none"] == [first["class"], second["class"], third["class"]]
    assert float(first["x"]) + float(first["width"]) == float(second["x"])
    assert "c is being called after …" in svg
    assert ">1.0 s<" in svg
    assert ">210 ms<" in svg
    assert "" == draw_attempts(calls[:1])


def test_page_shows_them(client: FlaskClient, service: Service, calls: Engine) -> None:
    """
    The first page shows each provider's day, and the calls of all once there are any.
    """
    service.mailer.health.isolate("preview")

    page = client.get("/", headers={"Accept": "text/html"}).text

    assert "preview in the last 24 hours: no calls" in page
    assert Activity(()).slices == {}
    assert calls is service.outbox.engine


def test_errors_speak_the_words_of_the_page() -> None:
    """
    A person reads labels and sentences in the order of the form, never a name of the API.
    """
    errors = [
        FieldError("from_email", "is missing"),
        FieldError("text", "is missing: give text, html or template_id"),
        FieldError("to", "to has no address: an @ is missing"),
        FieldError("cc", "must differ from reply_to"),
        FieldError("tags", "is odd?"),
    ]

    assert (
        LabelledError("to", "To", "Has no address: an @ is missing."),
        LabelledError("cc", "Cc", "Must differ from Reply to."),
        LabelledError("from_email", "From", "Fill in this field."),
        LabelledError("text", "Text", "Write a text, HTML, or both."),
        LabelledError("tags", "tags", "Is odd?"),
    ) == label_errors(errors)


def test_mail_leads_to_its_view_in_the_mailbox(client: FlaskClient, service: Service) -> None:
    """
    And back from there.
    """
    mail_id = service.outbox.add(PLAIN)
    assert "Look at it in the mailbox" not in client.get(f"/mails/{mail_id}").text
    OutboxWorker(service.outbox, service.mailer).run_once()

    page = client.get(f"/mails/{mail_id}").text

    assert 'href="/mailbox/1">Look at it in the mailbox' in page
    assert f'href="/mails/{mail_id}"' in client.get("/mailbox/1").text
