"""
The API: what fails now, what was accepted, what is told.
"""

from __future__ import annotations

import http.client
import json
from typing import TYPE_CHECKING, Any

import pytest

from mailfailover import Mailer
from mailfailover.chaos import Chaos

if TYPE_CHECKING:
    from collections.abc import Iterator

JSON = {"Content-Type": "application/json"}


@pytest.fixture
def chaos() -> Iterator[Chaos]:
    """
    All vendors on one port.
    """
    with Chaos() as one:
        yield one


def call(chaos: Chaos, method: str, path: str, body: object = None, **headers: str) -> Any:
    """
    The status and the JSON of an answer.
    """
    host, _, port = chaos.url.removeprefix("http://").partition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=5)
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = JSON if body is not None and not isinstance(body, bytes) else {}
    connection.request(method, path, data, {**given, **headers})
    answer = connection.getresponse()
    found = json.loads(answer.read())
    connection.close()
    return answer.status, found


def send(chaos: Chaos, vendor: str = "mailgun") -> str:
    """
    The id of a mail that the vendor took.
    """
    with Mailer(chaos.dsn(vendor), from_email="shop@example.com") as mailer:
        mail = mailer.send(to="ann@example.org", subject="Your order", text="It is on its way.")
        return mail.mail_id


def test_what_fails_is_said(chaos: Chaos) -> None:
    """
    A vendor fails as it is told, and the list shows it.
    """
    status, found = call(
        chaos, "POST", "/api/fail", {"vendor": "mailgun", "kind": "slow", "seconds": 2}
    )

    _, listed = call(chaos, "GET", "/api/vendors")
    (mailgun,) = [one for one in listed["vendors"] if one["name"] == "mailgun"]
    assert (status, found["vendors"]) == (200, [mailgun])
    assert mailgun["troubles"] == [
        {
            "kind": "slow",
            "probability": 1.0,
            "seconds": 2,
            "retry_after": 60.0,
            "status": 521,
            "lasts": None,
        }
    ]
    assert mailgun["dsn"] == chaos.dsn("mailgun")


def test_all_are_healed(chaos: Chaos) -> None:
    """
    Without a vendor's name it is all of them.
    """
    chaos.fail("*", "hang")

    status, found = call(chaos, "POST", "/api/heal", {})

    assert status == 200
    assert [one["troubles"] for one in found["vendors"]] == [[]] * len(chaos.vendors)


def test_accepted_mails_are_listed(chaos: Chaos) -> None:
    """
    The newest first, by vendor and by recipient; one of them with its text.
    """
    send(chaos, "brevo")
    mail_id = send(chaos)

    _, found = call(chaos, "GET", "/api/mails?vendor=mailgun&recipient=ann@example.org")
    _, mail = call(chaos, "GET", "/api/mails/2")

    assert (found["count"], found["total"]) == (1, 2)
    assert found["mails"][0] == {key: value for key, value in mail.items() if key != "text"}
    assert (mail["mail_id"], mail["subject"], mail["fate"]) == (mail_id, "Your order", "delivered")
    assert "It is on its way." in mail["text"]


def test_mails_are_forgotten(chaos: Chaos) -> None:
    """
    Between two tests of a program, for example.
    """
    send(chaos)

    assert call(chaos, "DELETE", "/api/mails") == (200, None)
    assert call(chaos, "GET", "/api/mails")[1]["mails"] == []


def test_an_incident_is_played(chaos: Chaos) -> None:
    """
    An outage of the drill, as fast as is said.
    """
    body = {"name": "sendgrid-2019-wrong-401", "speed": 60}

    status, found = call(chaos, "POST", "/api/incident", body)

    assert (status, found["name"]) == (200, "sendgrid-2019-wrong-401")
    assert call(chaos, "GET", "/api/vendors")[1]["incident"] == "sendgrid-2019-wrong-401"


@pytest.mark.parametrize(
    ("asked", "body", "status", "problem"),
    [
        ("GET /api/nothing", None, 404, "there is no GET /api/nothing"),
        ("GET /api/mails/7", None, 404, "there is no GET /api/mails/7"),
        ("GET /api/mails/x", None, 404, "there is no GET /api/mails/x"),
        ("POST /api/mails/7/events", {"kind": "bounced"}, 404, "there is no POST /api/mails"),
        ("GET /api/mails?limit=0", None, 400, "limit must be a number from 1 to 1000"),
        ("POST /api/fail", b"vendor=mailgun", 400, "send JSON, with the header Content-Type"),
        ("POST /api/fail", [], 400, "the body must be a JSON object"),
        ("POST /api/fail", {"kind": "hang"}, 400, "vendor is missing: add it"),
        ("POST /api/fail", {"vendor": 1, "kind": "hang"}, 400, "vendor must be a text, not 1"),
        ("POST /api/heal", {"all": True}, 400, "all: unknown; leave it out"),
        ("POST /api/incident", {"name": "none"}, 400, "incident 'none' is unknown"),
        (
            "POST /api/incident",
            {"name": "ses-2023-paused", "speed": 0},
            400,
            "speed must be a number above 0, not 0",
        ),
        (
            "POST /api/webhooks",
            {"vendor": "gmail", "url": "http://127.0.0.1/"},
            400,
            "gmail has no webhooks",
        ),
        (
            "POST /api/webhooks",
            {"vendor": "brevo", "url": "ftp://x"},
            400,
            "url must begin with http:// or https://",
        ),
    ],
)
def test_what_is_wrong_is_said(
    chaos: Chaos, asked: str, body: object, status: int, problem: str
) -> None:
    """
    The field, the problem and the remedy.
    """
    method, path = asked.split()
    found = call(chaos, method, path, body)

    assert found[0] == status
    assert found[1]["error"].startswith(problem)


def test_broken_json_is_refused(chaos: Chaos) -> None:
    """
    As any body that is no object.
    """
    found = call(chaos, "POST", "/api/fail", b"{", **JSON)

    assert found == (400, {"error": "the body must be a JSON object"})


def test_a_page_of_another_name_gets_nothing(chaos: Chaos) -> None:
    """
    A name that leads to this machine is no way in for the pages of its owner.
    """
    status, found = call(chaos, "GET", "/api/mails", Host="evil.example")

    assert (status, found) == (403, {"error": "open this page by an address of this machine"})


@pytest.mark.parametrize(
    ("path", "kind"), [("/", "text/html"), ("/page.css", "text/css"), ("/page.js", "text/java")]
)
def test_the_page_is_served(chaos: Chaos, path: str, kind: str) -> None:
    """
    With what it needs, and a policy that lets nothing else in.
    """
    host, _, port = chaos.url.removeprefix("http://").partition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=5)
    connection.request("GET", path)
    answer = connection.getresponse()

    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith(kind)
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.read()
    connection.close()


def test_the_authority_is_served(chaos: Chaos) -> None:
    """
    So that a container can trust it without a shared file.
    """
    host, _, port = chaos.url.removeprefix("http://").partition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=5)
    connection.request("GET", "/api/ca.pem")

    assert connection.getresponse().read() == chaos.ca_pem
    connection.close()
