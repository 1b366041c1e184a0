"""
An event that was refused comes again, whichever vendor brings it and whatever takes it.
"""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from mailfailover import Mailer
from mailfailover._mailer.replays import LEASE, MemoryReplays
from mailfailover.flask import webhooks as flask_webhooks
from mailfailover.plugin import WebhookRequest, WebhookRetries
from mailfailover.starlette import lifespan
from mailfailover.starlette import webhooks as starlette_webhooks
from mailfailover.testing import FakeClock
from mailfailover.webhooks._answers import STATUSES, answer_webhook
from mailfailover.webhooks.wsgi import create_app
from tests.providers.registrations import webhook_vendors
from tests.samples import each
from tests.webhooks.hooks import DELIVERED, KEY, Acme, Told
from tests.webhooks.troubles import BREVO, TROUBLES, each_trouble, post, served

TOO_MANY = 429


def _mailer(name: str) -> Mailer:
    told = Told()
    told.error = TROUBLES[name].error
    return Mailer(BREVO, on_event=[told])


@each_trouble
def test_the_wsgi_application_asks_for_a_repetition(name: str) -> None:
    """
    The application without any framework.
    """
    with served(create_app(_mailer(name))) as port:
        assert TOO_MANY == post(port, "/webhooks/brevo", TROUBLES[name])


@each_trouble
def test_flask_asks_for_a_repetition(name: str) -> None:
    """
    The blueprint.
    """
    app = Flask(__name__)
    app.register_blueprint(flask_webhooks(_mailer(name)))

    with served(app) as port:
        assert TOO_MANY == post(port, "/webhooks/brevo", TROUBLES[name])


@each_trouble
def test_starlette_asks_for_a_repetition(name: str) -> None:
    """
    The ASGI application, as FastAPI mounts it too.
    """
    told = Told()
    told.error = TROUBLES[name].error
    app = Starlette(
        lifespan=lifespan(BREVO, on_event=[told]), routes=[Mount("/", starlette_webhooks())]
    )
    trouble = TROUBLES[name]

    with TestClient(app) as client:
        answer = client.post("/webhooks/brevo", content=trouble.body, headers=trouble.headers)

    assert TOO_MANY == answer.status_code


class _Broken:
    def read(self, _: int) -> bytes:
        raise ConnectionResetError


def test_a_body_that_breaks_off_is_asked_for_again() -> None:
    """
    The network's fault is no reason to drop an event.
    """
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/webhooks/brevo",
        "CONTENT_LENGTH": "10",
        "wsgi.input": _Broken(),
    }
    statuses: list[str] = []

    create_app(Mailer(BREVO))(environ, lambda status, _: statuses.append(status))

    assert ["429 Too Many Requests"] == statuses


@each("name", webhook_vendors())
def test_a_vendor_is_answered_so_that_it_repeats(name: str) -> None:
    """
    No status of ours is one at which the vendor gives up, nor a 4xx of which nothing is known.
    """
    retries: WebhookRetries = webhook_vendors()[name].provider.webhook_retries
    answered = {retries.statuses.get(status, status) for status in {*STATUSES.values(), 400}}
    dropped = {int(word) for word in retries.given_up.split(", ") if word.isdecimal()}

    assert not answered & dropped
    if not retries.page or "4xx" in retries.given_up:
        assert all(status >= 500 for status in answered - {200, TOO_MANY})
    if "5xx" in retries.given_up:
        assert {200, TOO_MANY} == answered


@each("name", webhook_vendors())
def test_a_vendors_schedule_names_its_page(name: str) -> None:
    """
    What is told of it was read somewhere, at some time.
    """
    retries: WebhookRetries = webhook_vendors()[name].provider.webhook_retries

    assert retries.page or (retries.attempts, retries.span) == (None, None)
    assert not retries.page or retries.page.startswith("https://")
    assert not retries.page or retries.page.endswith(" (2026-11)")


def test_a_webhook_whose_process_died_is_asked_for_again() -> None:
    """
    Nobody knows how its first call ended: only what was handled to its end is answered as done.
    """
    clock = FakeClock()
    replays = MemoryReplays(clock=clock)
    told = Told()
    mailer = Mailer(Acme(), replays=replays, on_event=[told])
    request = WebhookRequest("POST", "/", {**KEY, "Acme-Id": "7"}, DELIVERED)
    told.error = SystemExit()  # type: ignore[assignment]  # the process ends at once
    replays.release = lambda token: None  # type: ignore[method-assign]  # and cleans nothing up
    with pytest.raises(SystemExit):
        answer_webhook(mailer, "acme", request)

    told.error = None
    early = answer_webhook(mailer, "acme", request)
    clock.advance(LEASE)
    late, again = (answer_webhook(mailer, "acme", request) for _ in range(2))

    assert [503, 200, 200] == [early.status, late.status, again.status]
    assert 1 == len(told.events)
