from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from flask import Flask

from mailfailover._mailer.webhook import MAX_BODY
from mailfailover.flask import webhooks
from mailfailover.unsubscribe import UnsubscribeLinks
from tests.webhooks.hooks import DELIVERED, KEY, Told, make_mailer

if TYPE_CHECKING:
    from flask.testing import FlaskClient

LINKS = UnsubscribeLinks("https://example.com/email/unsubscribe", "a secret of sixteen")
TOKEN = LINKS.url_for("ann@example.org").rpartition("/")[2]


@pytest.fixture
def told() -> Told:
    """
    Keeps the events.
    """
    return Told()


@pytest.fixture
def client(told: Told) -> FlaskClient:
    """
    A client of an application with the blueprint in it.
    """
    app = Flask(__name__)
    app.register_blueprint(webhooks(make_mailer(told), unsubscribe=LINKS), url_prefix="/email")
    return app.test_client()


def test_webhook_is_taken(client: FlaskClient, told: Told) -> None:
    """
    The address ends in the provider's chain key.
    """
    answer = client.post("/email/webhooks/acme", data=DELIVERED, headers=KEY)

    assert (200, "1 events\n") == (answer.status_code, answer.text)
    assert ["acme"] == [event.provider for event in told.events]


def test_form_is_read_raw(client: FlaskClient) -> None:
    """
    Flask does not take the body apart before it is verified.
    """
    headers = {**KEY, "Content-Type": "application/x-www-form-urlencoded"}

    assert 200 == client.post("/email/webhooks/acme", data=DELIVERED, headers=headers).status_code


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("HEAD", "/email/webhooks/acme", {}, 200),
        ("GET", "/email/webhooks/acme", {}, 200),
        ("POST", "/email/webhooks/acme", {}, 403),
        ("POST", "/email/webhooks/other", KEY, 404),
        ("PUT", "/email/webhooks/acme", KEY, 405),
        ("GET", f"/email/unsubscribe/{TOKEN}", {}, 200),
        ("POST", "/email/unsubscribe/abc", {}, 404),
    ],
)
def test_status(
    client: FlaskClient, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    """
    The same answers as everywhere.
    """
    answer = client.open(path, method=method, data=DELIVERED, headers=headers)

    assert status == answer.status_code


def test_one_click_unsubscribes(client: FlaskClient, told: Told) -> None:
    """
    Without a login, a cookie or a redirect.
    """
    body = {"List-Unsubscribe": "One-Click"}

    answer = client.post(f"/email/unsubscribe/{TOKEN}", data=body)

    assert (200, "text/html; charset=utf-8") == (answer.status_code, answer.content_type)
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert ["ann@example.org"] == [event.recipient for event in told.events]


def test_huge_body_is_not_read(client: FlaskClient) -> None:
    """
    Whatever the application allows elsewhere.
    """
    body = b" " * (MAX_BODY + 1)

    assert 413 == client.post("/email/webhooks/acme", data=body, headers=KEY).status_code


def test_links_must_be_configured(told: Told) -> None:
    """
    Without, there is no such address; several blueprints have names of their own.
    """
    app = Flask(__name__)
    app.register_blueprint(webhooks(make_mailer(told)), url_prefix="/a")
    app.register_blueprint(webhooks(make_mailer(told), name="other"), url_prefix="/b")

    statuses = [
        app.test_client().get(path).status_code
        for path in (f"/a/unsubscribe/{TOKEN}", "/a/webhooks/acme", "/b/webhooks/acme")
    ]

    assert [404, 200, 200] == statuses
