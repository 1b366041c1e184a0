from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy.exc import OperationalError

from mailfailover import Mailer
from mailfailover.errors import ProviderUnavailable
from mailfailover.service.app import create_app
from mailfailover.service.metrics import Metrics
from mailfailover.testing import PLAIN

if TYPE_CHECKING:
    from pathlib import Path

    from flask.testing import FlaskClient

    from mailfailover.plugin import Message
    from mailfailover.service.parts import Service
    from mailfailover.testing import FakeClock


class Failing:
    name = "failing"

    def send(self, message: Message) -> None:
        raise ProviderUnavailable("down")


@pytest.fixture(name="service")
def _service(service: Service) -> Service:
    metrics = Metrics()
    mailer = Mailer([Failing(), "null://"], observers=[metrics])
    return dataclasses.replace(service, mailer=mailer, metrics=metrics)


@pytest.fixture(name="client")
def _client(service: Service) -> FlaskClient:
    return create_app(service).test_client()


def read(client: FlaskClient) -> dict[tuple[str, ...], float]:
    """
    Every sample, by its name and the values of its labels, in the order of their names.
    """
    return samples(client.get("/metrics").text)


def samples(text: str) -> dict[tuple[str, ...], float]:
    """
    The same of a text.
    """
    return {
        (sample.name, *(sample.labels[name] for name in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_attempts_are_counted(client: FlaskClient, service: Service) -> None:
    """
    By provider and outcome, with how long they took.
    """
    for _ in range(2):
        service.mailer.send(PLAIN)

    found = read(client)

    assert 2 == found["mailfailover_attempts_total", "ProviderUnavailable", "failing"]
    assert 2 == found["mailfailover_attempts_total", "accepted", "null"]
    assert 2 == found["mailfailover_attempt_seconds_count", "null"]


def test_states_of_providers_are_shown(client: FlaskClient, service: Service) -> None:
    """
    Each provider is in one state.
    """
    service.mailer.health.isolate("failing")

    found = read(client)

    assert 1 == found["mailfailover_provider_state", "failing", "isolated"]
    assert 1 == found["mailfailover_provider_state", "null", "closed"]


def test_outbox_is_measured(client: FlaskClient, service: Service, clock: FakeClock) -> None:
    """
    How many mails wait, and for how long the oldest does.
    """
    assert 0 == read(client)["mailfailover_outbox_oldest_seconds",]
    service.outbox.clock = clock
    service.outbox.add(PLAIN)
    clock.advance(60)

    found = read(client)

    assert (1, 1, 60) == (
        found["mailfailover_outbox_mails", "pending"],
        found["mailfailover_outbox_ready",],
        found["mailfailover_outbox_oldest_seconds",],
    )


def test_outbox_that_is_away_is_told(
    client: FlaskClient, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The rest is still told.
    """
    assert 1 == read(client)["mailfailover_outbox_up",]

    def fails(_: object) -> None:
        raise OperationalError("SELECT", {}, OSError("away"))

    monkeypatch.setattr(type(service.outbox), "stats", fails)

    found = read(client)
    assert 0 == found["mailfailover_outbox_up",]
    assert ("mailfailover_provider_state", "null", "closed") in found


def test_requests_are_counted(client: FlaskClient) -> None:
    """
    By what was asked and how it ended, those that were turned away too.
    """
    client.get("/healthz")
    client.get("/nothing")
    client.get("/mails", environ_base={"REMOTE_ADDR": "192.0.2.1"})

    found = read(client)

    assert [1, 1, 1] == [
        found["mailfailover_requests_total", endpoint, status]
        for endpoint, status in (("health.alive", "200"), ("none", "404"), ("page.mails", "403"))
    ]


def test_metrics_are_for_administrators(client: FlaskClient, service: Service) -> None:
    """
    With keys, Prometheus needs one with the grant admin.
    """
    headers = {"Authorization": f"Bearer {service.keys.add('shop')}"}

    assert 403 == client.get("/metrics", headers=headers).status_code


COUNT = """
from mailfailover import Mailer, Message
from mailfailover.service.metrics import Metrics

mailer = Mailer("null://", observers=[Metrics()])
mailer.send(from_email="a@example.com", to="b@example.com", subject="Hi", text="Hi")
"""
SHOW = """
import sys
from mailfailover import Mailer
from mailfailover.outbox import Outbox
from mailfailover.service.keys import Keys
from mailfailover.service.metrics import Metrics
from mailfailover.service.parts import Service

outbox = Outbox(sys.argv[1])
outbox.init()
metrics = Metrics()
parts = Service(mailer=Mailer("null://"), outbox=outbox, keys=Keys(outbox.engine), metrics=metrics)
print(metrics.write(parts).decode())
"""


def test_processes_can_count_together(tmp_path: Path) -> None:
    """
    Workers of this machine count into the directory that the service reads.
    """
    (tmp_path / "counts").mkdir()
    environment = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "counts")}
    url = f"sqlite:///{tmp_path / 'mails.db'}"

    for _ in range(2):
        subprocess.run([sys.executable, "-c", COUNT], env=environment, check=True)
    done = subprocess.run(
        [sys.executable, "-c", SHOW, url],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )

    found = samples(done.stdout)
    assert 2 == found["mailfailover_attempts_total", "accepted", "null"]
    assert 1 == found["mailfailover_outbox_up",]
