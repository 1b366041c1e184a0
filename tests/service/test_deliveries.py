"""
Deliveries in the API, in the metrics and on the page.
"""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import jsonschema
import pytest

from mailfailover import Mailer
from mailfailover.deliveries import Cell, CellState, DeliveryHealth, DeliveryReport
from mailfailover.deliveries._cell_rows import write_cells
from mailfailover.service.app import create_app
from mailfailover.service.delivery_grid import BADGES, Grid, Illness, draw_grid
from mailfailover.service.metrics import Metrics
from mailfailover.service.rules import Rules
from mailfailover.service.visit import API
from mailfailover.tracking import Tracking

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from mailfailover.service.parts import Service
    from mailfailover.testing import FakeClock

NOON = datetime(2027, 1, 31, 12, tzinfo=UTC)
LATE = Cell(CellState.LATE, NOON.timestamp(), "12 of 60 recipients", 12, 3, 0, 45)
CELLS = {
    ("a", "gmail"): LATE,
    ("a", "yahoo"): Cell(delivered=50),
    ("b", "yahoo"): Cell(delivered=5),
    ("*", "orange"): Cell(CellState.LATE, 0.0, "a: 1 of 9; b: 0 of 9"),
    ("a", "*"): Cell(CellState.SILENT, NOON.timestamp(), "1 of 60 recipients"),
}


@pytest.fixture(name="service")
def _service(service: Service, clock: FakeClock) -> Service:
    """
    A service that has learnt of some cells.
    """
    tracking = Tracking(service.outbox.engine, clock=clock)
    tracking.init()
    deliveries = DeliveryHealth(tracking, every=None)
    deliveries.init()
    with service.outbox.engine.begin() as connection:
        write_cells(connection, {}, CELLS, {})
    mailer = Mailer({"a": "null://", "b": "null://"}, deliveries=deliveries)
    return dataclasses.replace(service, mailer=mailer, deliveries=deliveries, metrics=Metrics())


@pytest.fixture(name="client")
def _client(service: Service) -> FlaskClient:
    return create_app(service).test_client()


def test_cells_are_answered(client: FlaskClient) -> None:
    """
    As the document describes them.
    """
    answer = client.get(f"{API}/deliveries").get_json()

    document = client.get("/openapi.json").get_json()
    jsonschema.validate(answer, document | {"$ref": "#/components/schemas/Deliveries"})
    assert [] == answer["silent_webhooks"]
    assert {
        "provider": "a",
        "receiver": "gmail",
        "state": "late",
        "since": "2027-01-31T12:00:00+00:00",
        "detail": "12 of 60 recipients",
        "delivered": 12,
        "late": 3,
        "blocked": 0,
        "unheard": 45,
    } in answer["cells"]


def test_only_administrators_see_them(client: FlaskClient, service: Service) -> None:
    """
    In the API and on the page.
    """
    for grants, status in (((), 403), (("admin",), 200)):
        key = {"Authorization": f"Bearer {service.keys.add('shop', Rules(grants=grants))}"}

        assert status == client.get(f"{API}/deliveries", headers=key).status_code
        assert bool(grants) == ("12 of 60 recipients" in client.get("/", headers=key).text)


def test_a_service_without_deliveries_shows_none(service: Service) -> None:
    """
    The API says how to switch them on.
    """
    client = create_app(dataclasses.replace(service, deliveries=None)).test_client()

    answer = client.get(f"{API}/deliveries")

    assert 404 == answer.status_code
    assert "set MAILFAILOVER_DELIVERIES=1" in answer.get_json()["detail"]
    assert "Deliveries" not in client.get("/").text


def test_the_page_shows_the_grid(client: FlaskClient) -> None:
    """
    What is ill in words, and each provider at each receiver.
    """
    text = client.get("/").text

    for word in ("a to gmail", "No provider reaches orange", "a to most receivers", "no mail"):
        assert word in text
    assert '<th scope="row">gmail</th>' in text
    assert '<th scope="col">b</th>' in text


def test_the_page_before_anything_is_known(service: Service) -> None:
    """
    Says what it waits for.
    """
    with service.outbox.engine.begin() as connection:
        write_cells(connection, CELLS, {}, {})

    assert "Nothing is known yet" in create_app(service).test_client().get("/").text


def test_metrics_have_the_cells(client: FlaskClient) -> None:
    """
    Of receivers that have a name.
    """
    text = client.get("/metrics").text

    assert 'mailfailover_delivery_state{provider="a",receiver="gmail",state="late"} 1.0' in text
    assert 'mailfailover_delivery_state{provider="a",receiver="*",state="silent"} 1.0' in text


def test_the_grid_puts_ill_receivers_first() -> None:
    """
    Then those with most mails; a provider that is no more in the chain comes last.
    """
    cells = {("old", f"r{number}.example"): Cell(delivered=number) for number in range(9)}
    report = DeliveryReport(
        cells | {("a", "gmail"): LATE}, {"*": "no event came", "b": "4 webhooks"}
    )

    late, well = BADGES[CellState.LATE], BADGES[CellState.WELL]
    others = tuple((f"r{number}.example", (None, None, well)) for number in range(8, 1, -1))
    assert draw_grid(report, ["b", "a"]) == Grid(
        ("b", "a", "old"),
        (("gmail", (None, late, None)), *others),
        2,
        (
            Illness("Webhooks of all providers", ("not heard", "warn"), None, "no event came"),
            Illness("Webhooks of b", ("not heard", "warn"), None, "4 webhooks"),
            Illness("a to gmail", late, NOON, "12 of 60 recipients"),
        ),
    )


def test_the_report_is_remembered(service: Service, clock: FakeClock) -> None:
    """
    For some seconds: it costs a look at a week.
    """
    assert service.deliveries is not None
    first = service.reports.get(service.deliveries, clock)
    again = service.reports.get(service.deliveries, clock)
    clock.advance(16)
    later = service.reports.get(service.deliveries, clock)

    assert first is again
    assert later is not first
