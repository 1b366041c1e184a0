"""
Suppressions in the API and on the page.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from mailfailover import DeliveryEvent, EventType
from mailfailover.service.app import create_app
from mailfailover.service.rules import Rules
from mailfailover.service.visit import API
from mailfailover.suppression import SuppressionList
from tests.service.test_page import Page, sign_in, token

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from mailfailover.service.parts import Service
    from mailfailover.testing import FakeClock

UNDO = f"{API}/suppressions/undo"


@pytest.fixture(name="held")
def _held(service: Service, clock: FakeClock) -> SuppressionList:
    """
    A list with an address that is held, one that is suppressed, and one added by hand.
    """
    clock.advance(1_600_000_000)
    held = SuppressionList(service.outbox.engine, clock=clock)
    held.init()
    for type_, email in (
        ("delivered", "ann@gmail.com"),
        ("bounced", "ann@gmail.com"),
        ("bounced", "bob@yahoo.com"),
    ):
        clock.advance(10)
        answer = "550 5.1.1 no such user"
        held(DeliveryEvent(type=EventType(type_), recipient=email, mta_response=answer))
    clock.advance(10)
    held.add("cid@gmail.com")
    return held


@pytest.fixture(name="service")
def _service(service: Service, held: SuppressionList) -> Service:
    return dataclasses.replace(service, suppressions=held)


@pytest.fixture(name="client")
def _client(service: Service, held: SuppressionList) -> FlaskClient:
    return create_app(dataclasses.replace(service, suppressions=held)).test_client()


def emails(entries: list[dict[str, Any]]) -> list[str]:
    """
    Of entries in an answer.
    """
    return sorted(one["email"] for one in entries)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["ann@gmail.com", "bob@yahoo.com", "cid@gmail.com"]),
        ("?state=held", ["ann@gmail.com"]),
        ("?reason=manual&state=", ["cid@gmail.com"]),
        ("?email=BOB@yahoo.com", ["bob@yahoo.com"]),
        ("?limit=1", ["cid@gmail.com"]),
    ],
)
def test_entries_are_listed(query: str, expected: list[str], client: FlaskClient) -> None:
    """
    The latest, or those that are asked for, as the document describes them.
    """
    answer = client.get(f"{API}/suppressions{query}").get_json()

    document = client.get("/openapi.json").get_json()
    jsonschema.validate(answer, document | {"$ref": "#/components/schemas/Suppressions"})
    assert expected == emails(answer["suppressions"])


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("?state=gone", "state"),
        ("?reason=x", "reason"),
        ("?email=x", "email"),
        ("?limit=0", "limit"),
    ],
)
def test_a_wrong_question_is_told(query: str, field: str, client: FlaskClient) -> None:
    """
    With the argument that is wrong.
    """
    answer = client.get(f"{API}/suppressions{query}")

    assert (400, field) == (answer.status_code, answer.get_json()["errors"][0]["field"])


def test_a_wrong_day_is_taken_back(client: FlaskClient) -> None:
    """
    After a look at what that would lift.
    """
    asked = {"domain": "gmail", "response": "5.1.1"}

    tried = client.post(UNDO, json=asked | {"dry_run": True}).get_json()
    done = client.post(UNDO, json=asked).get_json()
    rest = client.get(f"{API}/suppressions").get_json()["suppressions"]

    document = client.get("/openapi.json").get_json()
    jsonschema.validate(done, document | {"$ref": "#/components/schemas/Lifted"})
    assert (True, False) == (tried["dry_run"], done["dry_run"])
    assert ["ann@gmail.com"] == emails(tried["lifted"]) == emails(done["lifted"])
    assert ["bob@yahoo.com", "cid@gmail.com"] == emails(rest)


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"dry_run": "yes", "domain": "gmail"},
        {"since": "soon"},
        {"until": "9999-12-31"},
        {"since": "2027-01-02", "until": "2027-01-01"},
        {"addresses": "all"},
        [],
    ],
)
def test_what_means_nothing_is_refused(asked: Any, client: FlaskClient) -> None:
    """
    And nothing is lifted.
    """
    answer = client.post(UNDO, json=asked)

    assert 400 == answer.status_code
    assert 3 == len(client.get(f"{API}/suppressions").get_json()["suppressions"])


@pytest.mark.parametrize(("grants", "status"), [((), 403), (("admin",), 200)])
def test_only_administrators_see_and_lift(
    grants: tuple[str, ...], status: int, client: FlaskClient, service: Service
) -> None:
    """
    In the API and on the page.
    """
    key = {"Authorization": f"Bearer {service.keys.add('shop', Rules(grants=grants))}"}

    answers = [
        client.get(f"{API}/suppressions", headers=key),
        client.get("/suppressions", headers=key),
        client.post(UNDO, json={"domain": "gmail"}, headers=key),
    ]

    assert [status] * 3 == [one.status_code for one in answers]


def test_a_service_without_a_list_has_none(service: Service) -> None:
    """
    Neither in the API nor on the page.
    """
    client = create_app(dataclasses.replace(service, suppressions=None)).test_client()

    assert 404 == client.get(f"{API}/suppressions").status_code
    assert "/suppressions" not in client.get("/").text


def test_a_trusted_proxy_makes_nobody_an_administrator(service: Service) -> None:
    """
    Without keys, its visitors are not led to the page, and may not lift anything.
    """
    client = create_app(dataclasses.replace(service, trust_proxy=True)).test_client()

    answers = [client.get("/suppressions"), client.post(UNDO, json={"domain": "gmail"})]

    assert [403, 403] == [one.status_code for one in answers]
    assert "/suppressions" not in client.get("/").text


def test_the_page_shows_states(client: FlaskClient) -> None:
    """
    And can be used by everybody.
    """
    text = client.get("/suppressions").text

    page = Page(text)
    assert [] == page.unlabelled
    assert 1 == sum(tag == "h1" for tag, _ in page.tags)
    for word in ("ann@gmail.com", "held", "until", "5.1.1"):
        assert word in text
    assert "held" not in client.get("/suppressions?email=cid@gmail.com").text.split("<ol")[1]


def test_the_page_names_quarantines(client: FlaskClient, held: SuppressionList) -> None:
    """
    Above the list.
    """
    for type_ in ("delivered", "bounced"):
        for number in range(6):
            held(
                DeliveryEvent(type=EventType(type_), provider=type_, recipient=f"u{number}@aol.com")
            )

    assert "yahoo refuses addresses that it took mail for before" in (
        client.get("/suppressions").text
    )


def test_the_page_lifts_what_was_seen(client: FlaskClient, service: Service) -> None:
    """
    The first step changes nothing; the second is the button below what would be lifted.
    """
    sign_in(client, service.keys.add("shop", Rules(grants=("admin",))))
    csrf = token(client, "/suppressions")
    form = {"csrf": csrf, "domain": "gmail.com", "since": "", "until": "", "response": ""}

    first = client.post("/suppressions", data=form).text
    again = client.post("/suppressions", data=form).text
    done = client.post("/suppressions", data=form | {"lift": "1"}).text

    assert ("This would lift 1" in first, "Lift them" in first) == (True, True)
    assert "This would lift 1" in again
    assert ("Lifted: 1" in done, "Lift them" in done) == (True, False)


def test_the_page_says_what_is_wrong(client: FlaskClient, service: Service) -> None:
    """
    With the form as it was.
    """
    sign_in(client, service.keys.add("shop", Rules(grants=("admin",))))
    csrf = token(client, "/suppressions")

    nothing = client.post("/suppressions", data={"csrf": csrf})
    search = client.get("/suppressions?email=nobody")

    assert (400, 400) == (nothing.status_code, search.status_code)
    assert "which bounces are wrong" in nothing.text
    assert "Must be an address." in search.text
