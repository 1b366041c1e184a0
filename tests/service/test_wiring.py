from __future__ import annotations

import dataclasses
import importlib.util
import logging
import os
import shlex
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import insert, text
from sqlalchemy.exc import OperationalError

from mailfailover import DeliveryEvent, EventType, Mailer, RecipientSuppressed, RejectReason
from mailfailover.cli.service import serve
from mailfailover.deliveries import DeliveryHealth
from mailfailover.errors import ConfigurationError
from mailfailover.outbox import OutboxWorker
from mailfailover.providers.preview import Preview
from mailfailover.service import wsgi
from mailfailover.service.background import purging, working
from mailfailover.service.tables import posts
from mailfailover.service.wiring import application, assemble, broker_of
from mailfailover.testing import PLAIN
from mailfailover.tracking import Tracking


@pytest.fixture(name="environment")
def _environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """
    The variables of a service with a mailbox.
    """
    found = {
        "MAILFAILOVER_DSN": f"failover(null:// preview:///{tmp_path}/preview.db)",
        "MAILFAILOVER_DATABASE": f"sqlite:///{tmp_path}/mails.db",
    }
    for name, value in found.items():
        monkeypatch.setenv(name, value)
    return found


@pytest.mark.usefixtures("environment")
def test_parts_know_each_other() -> None:
    """
    What is sent is tracked and counted; a bounce is shown, and no mail goes there again.
    """
    parts = assemble()
    parts.outbox.add(PLAIN)
    OutboxWorker(parts.outbox, parts.mailer).run_once()
    bounce = DeliveryEvent(
        event_id="1",
        type=EventType.BOUNCED,
        mail_id=PLAIN.id,
        recipient=PLAIN.to[0].email,
        reject_reason=RejectReason.INVALID,
    )
    for handler in parts.mailer.webhooks.handlers:
        handler(bounce)

    assert parts.tracking is not None
    status = parts.tracking.status(PLAIN.id)

    assert status is not None
    assert ["bounced"] == [event.type for event in status.events]
    assert parts.metrics is not None
    assert b'mailfailover_attempts_total{outcome="accepted",provider="null"} 1.0' in (
        parts.metrics.write(parts)
    )
    assert isinstance(parts.mailbox, Preview)
    with pytest.raises(RecipientSuppressed):
        parts.mailer.send(PLAIN.replace(id="next"))


@pytest.mark.parametrize(
    ("value", "before", "expected"),
    [(None, False, False), (None, True, True), ("1", False, True), ("off", True, False)],
)
def test_deliveries_can_be_switched(
    value: str | None, before: bool, expected: bool, environment: dict[str, str]
) -> None:
    """
    By a variable, which makes the tables; without it they are heeded where their tables are.
    """
    tracking = Tracking(environment["MAILFAILOVER_DATABASE"])
    if before:
        DeliveryHealth(tracking).init()
    variables = {} if value is None else {"MAILFAILOVER_DELIVERIES": value}

    parts = assemble(environ=variables)

    assert expected == (parts.deliveries is not None)
    assert parts.deliveries is parts.mailer.deliveries
    assert parts.suppressions is not None
    assert parts.deliveries is parts.suppressions.deliveries


def test_a_database_that_is_away_is_told_in_words() -> None:
    """
    With or without the switch.
    """
    away = "postgresql://nobody@127.0.0.1:1/mails"

    for environ in ({}, {"MAILFAILOVER_DELIVERIES": "1"}):
        with pytest.raises(ConfigurationError, match="the database cannot be used"):
            assemble(Mailer, away, environ=environ)


@pytest.mark.usefixtures("environment")
def test_a_switch_that_means_nothing() -> None:
    """
    Is told.
    """
    with pytest.raises(ConfigurationError, match="MAILFAILOVER_DELIVERIES must be 1 or 0"):
        assemble(environ={"MAILFAILOVER_DELIVERIES": "maybe"})


def test_service_without_preview_has_no_mailbox(tmp_path: Path) -> None:
    """
    Only a provider of the chain is shown.
    """

    def make(**options: Any) -> Mailer:
        return Mailer("null://", **options)

    assert assemble(make, f"sqlite:///{tmp_path}/mails.db").mailbox is None


@pytest.mark.usefixtures("environment")
def test_proxies_are_believed_if_told_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Whose forwarding header is not expected, is not believed.
    """
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "mail.example.com"}
    parts = assemble()
    key = parts.keys.add("shop")
    form = {"to": "a@example.com", "from_email": "b@example.com", "subject": "Hi", "text": "Hi"}
    headers["Authorization"] = f"Bearer {key}"
    monkeypatch.setenv("MAILFAILOVER_PROXIES", "1")

    urls = [
        app.test_client().post("/email/api/1.0/send", data=form, headers=headers).location
        for app in (application(parts), wsgi())
    ]

    assert [url.partition("/email")[0] for url in urls if url] == [
        "http://localhost",
        "https://mail.example.com",
    ]


@pytest.mark.usefixtures("environment")
def test_requests_are_logged_without_addresses(caplog: pytest.LogCaptureFixture) -> None:
    """
    A line tells the rule that was asked for, never what a stranger wrote into it.
    """
    client = application(assemble()).test_client()

    with caplog.at_level(logging.INFO, "mailfailover.access"):
        client.get("/email/api/1.0/messages/ann@example.com?before=ann@example.com")
        client.get("/ann@example.com")

    found = [record for record in caplog.records if record.name == "mailfailover.access"]
    assert [("GET /email/api/1.0/messages/<mail_id> 404"), ("GET none 404")] == [
        record.getMessage() for record in found
    ]
    assert "ann@example.com" not in str([vars(record) for record in found])


@pytest.mark.usefixtures("environment")
def test_nothing_is_logged_where_nobody_reads(caplog: pytest.LogCaptureFixture) -> None:
    """
    Above INFO there is no line for a request.
    """
    client = application(assemble()).test_client()

    with caplog.at_level(logging.WARNING, "mailfailover.access"):
        client.get("/healthz")

    assert [] == caplog.records


def test_gunicorn_runs_it(environment: dict[str, str], tmp_path: Path) -> None:
    """
    As the documentation starts it, with a worker beside it.
    """
    log = tmp_path / "log"
    with (
        log.open("w") as output,
        subprocess.Popen(
            [sys.executable, "-m", "gunicorn", *GUNICORN],
            env=os.environ | environment | {"WEB_CONCURRENCY": "1"},
            stderr=output,
        ) as process,
    ):
        try:
            url = _listening_at(log)
            assert {"status": "ok"} == requests.get(f"{url}/healthz", timeout=60).json()
        finally:
            process.terminate()
        assert 0 == process.wait(20)


GUNICORN = (
    "--config=python:mailfailover.service.gunicorn",
    "--bind=127.0.0.1:0",
    "mailfailover.service:wsgi()",
)


def _listening_at(log: Path) -> str:
    """
    Where gunicorn says that it listens.
    """
    for _ in range(200):
        for line in log.read_text().splitlines():
            if "Listening at: " in line:
                return line.partition("Listening at: ")[2].partition(" ")[0]
        time.sleep(0.1)
    raise AssertionError(log.read_text())


SECRET = "whsec_c2VjcmV0LW9mLXRoZS1jYWxsYmFja3M="


@pytest.mark.usefixtures("environment")
def test_events_are_told_where_the_post_says() -> None:
    """
    At the address of its own post, else at that for all mails.
    """
    found = assemble(
        environ={
            "MAILFAILOVER_CALLBACK_SECRET": SECRET,
            "MAILFAILOVER_CALLBACK_URL": "https://all.example.com/",
        }
    )
    callbacks = found.callbacks
    assert callbacks is not None
    with found.outbox.engine.begin() as connection:
        row = {"mail": "m1", "key": "k", "callback_url": "https://own.example.com/"}
        connection.execute(insert(posts).values(row))
        connection.execute(insert(posts).values(row | {"mail": "m2", "callback_url": ""}))

    for mail_id in ("m1", "m2", "m3"):
        found.mailer.webhooks.tell(DeliveryEvent(event_id=mail_id, mail_id=mail_id))

    with found.outbox.engine.connect() as connection:
        urls = connection.execute(text("SELECT url FROM webhook_callbacks ORDER BY url")).scalars()
        assert ["https://all.example.com/"] * 2 + ["https://own.example.com/"] == list(urls)


@pytest.mark.usefixtures("environment")
def test_links_are_those_of_the_environment() -> None:
    """
    An address and a secret make unsubscribe links.
    """
    found = assemble(
        environ={
            "MAILFAILOVER_UNSUBSCRIBE_URL": "https://mail.example.com/u",
            "MAILFAILOVER_UNSUBSCRIBE_SECRET": "secret of the links",
        }
    )

    assert found.links is not None
    assert "https://mail.example.com/u" == found.links.url


@pytest.mark.usefixtures("environment")
def test_broker_is_woken() -> None:
    """
    A service with a broker tells it of each mail.
    """
    parts = assemble(environ={"CLOUDAMQP_URL": "memory://"})

    application(parts)

    assert "memory://" == parts.broker
    assert ["Waker"] == [type(one).__name__ for one in parts.outbox.on_add]


def test_broker_needs_celery(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Who names a broker and has no Celery is told; variables of other programs do no harm.
    """
    monkeypatch.setitem(sys.modules, "mailfailover.celery", None)

    assert "" == broker_of({"REDISTOGO_URL": "redis://localhost"})
    with pytest.raises(ConfigurationError, match=r"MAILFAILOVER_BROKER needs .*celery"):
        broker_of({"MAILFAILOVER_BROKER": "redis://localhost"})


@pytest.mark.usefixtures("environment")
def test_celery_finds_the_workers_application(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Its command looks for the attribute ``app``.
    """
    monkeypatch.setenv("MAILFAILOVER_BROKER", "memory://")
    module = importlib.import_module("mailfailover.service.celery")

    assert {"mailfailover.send", "mailfailover.sweep"} <= set(module.app.tasks)
    assert module.app is module.celery
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = module.nothing


@pytest.mark.usefixtures("environment")
def test_background_sends_calls_and_ends() -> None:
    """
    Beside a worker, callbacks are made; all of it ends with the service.
    """
    parts = assemble(environ={"MAILFAILOVER_CALLBACK_SECRET": SECRET})
    before = threading.active_count()

    with working(parts, 2):
        parts.outbox.add(PLAIN)
        for _ in range(200):
            if parts.outbox.list("sent"):
                break
            time.sleep(0.05)

    assert ["sent"] == [mail.state for mail in parts.outbox.list()]
    assert before == threading.active_count()


@pytest.mark.usefixtures("environment")
def test_the_last_deliveries_are_written(caplog: pytest.LogCaptureFixture) -> None:
    """
    When the service ends; where the database is away by then, the log says so.
    """
    parts = assemble(environ={"MAILFAILOVER_DELIVERIES": "1"})
    before = threading.active_count()

    with working(parts, 0):
        parts.mailer.send(PLAIN)
    assert parts.deliveries is not None
    sent = parts.deliveries.report().cells
    with working(parts, 0), parts.outbox.engine.begin() as connection:
        connection.execute(text("DROP TABLE delivery_turns"))

    assert [("null", "other")] == list(sent)
    assert before == threading.active_count()
    assert "the last deliveries could not be written: OperationalError" in caplog.text


@pytest.mark.usefixtures("environment")
def test_what_is_old_is_forgotten(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """
    Now and then, also after the database was away; without tracking there is nothing to forget.
    """
    parts = assemble(environ={})
    answers = iter([OperationalError("DELETE", {}, OSError()), None])
    purged = []

    def purge(_: object) -> None:
        purged.append(True)
        if problem := next(answers):
            raise problem

    monkeypatch.setattr(Tracking, "purge", purge)

    for one in (parts, parts, dataclasses.replace(parts, tracking=None)):
        purging(one, _once(), every=0)

    assert [True, True] == purged
    assert "could not be forgotten now: OperationalError" in caplog.text


def _once() -> threading.Event:
    """
    What is not over at the first look, and over at the second.
    """
    looks = iter([False, True])

    class Once(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            return next(looks)

    return Once()


DEPLOYMENT = Path(__file__).parents[2] / "docs" / "deployment"


def test_processes_of_the_procfile_exist() -> None:
    """
    Each line starts what there is: a module, an application in it, a command with its options.
    """
    lines = (DEPLOYMENT / "Procfile").read_text("utf-8").splitlines()
    commands = {name: shlex.split(command) for name, command in (x.split(": ", 1) for x in lines)}

    assert ["web", "worker", "sweeper"] == list(commands)
    for module in ("mailfailover.service.gunicorn", "mailfailover.service.celery"):
        assert any(module in word for command in commands.values() for word in command)
        assert importlib.util.find_spec(module)
    assert "mailfailover.service:wsgi()" == commands["web"][-1]
    assert {"serve", "--worker-only"} <= set(commands["sweeper"])
    assert {"--worker-only"} <= {option for one in serve.params for option in one.opts}
