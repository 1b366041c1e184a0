"""
The service with everything killed that can be; MAILFAILOVER_MAILS is how many mails are posted.

What it counted is shown by ``--log-cli-level=INFO``.
"""

from __future__ import annotations

import logging
import os
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
import requests

from mailfailover import EventType
from mailfailover.outbox import State
from tests.databases import fresh_database
from tests.services.celery.rabbit import RabbitServer
from tests.services.deployed.deployment import API, Deployment
from tests.services.deployed.webhooks import RECIPIENT, Telling
from tests.services.redis.server import RedisServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.services, pytest.mark.slow]

_LOG = logging.getLogger(__name__)
MAILS = int(os.environ.get("MAILFAILOVER_MAILS", "64"))
CLIENTS = 16
AWAY = 10.0 if MAILS > 1000 else 1.0
"""Seconds for which the broker is away."""


@pytest.fixture(name="deployment")
def _deployment(tmp_path: Path) -> Iterator[Deployment]:
    """
    The service on PostgreSQL, RabbitMQ and Redis.
    """
    folders = {name: tmp_path / name for name in ("rabbit", "redis", "service")}
    for folder in folders.values():
        folder.mkdir()
    with (
        fresh_database("postgresql") as database,
        RabbitServer(folders["rabbit"]) as rabbit,
        RedisServer(folders["redis"]) as redis,
        Deployment(database, rabbit, redis, folders["service"]) as found,
    ):
        yield found


class Clients:
    """
    Programs that post mails, and post again what was not answered.
    """

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self.ids: list[str] = []
        self.statuses: Counter[int] = Counter()

    def run(self, number: int) -> None:
        """
        Post one client's part.
        """
        with requests.Session() as session:
            session.headers["Authorization"] = f"Bearer {self.deployment.key}"
            for mail in range(number, MAILS, CLIENTS):
                self.ids.append(self._post(session, mail))

    def _post(self, session: requests.Session, mail: int) -> str:
        form = {
            "to": RECIPIENT,
            "from_email": "shop@example.com",
            "subject": f"Mail {mail}",
            "text": "Hello",
        }
        while True:
            try:
                answer = session.post(
                    f"{self.deployment.url}{API}/send",
                    data=form,
                    headers={"Idempotency-Key": f"mail-{mail}"},
                    timeout=30,
                )
            except requests.RequestException:
                time.sleep(0.2)  # the service is down
                continue
            self.statuses[answer.status_code] += 1
            if answer.status_code == requests.codes.accepted:
                return str(answer.json()["id"])
            time.sleep(0.2)


def test_every_202_is_kept(deployment: Deployment) -> None:
    """
    Each posted mail is sent once, or is flagged; each webhook reaches its mail; no 5xx.

    Meanwhile a vendor dies, a worker and the service are killed, and the broker is away.
    """
    clients = Clients(deployment)

    with Telling(deployment) as telling, ThreadPoolExecutor(CLIENTS) as pool:
        posting = [pool.submit(clients.run, number) for number in range(CLIENTS)]
        for share, disaster in enumerate(DISASTERS, start=1):
            goal = share * MAILS // (len(DISASTERS) + 1)
            deployment.wait_until(lambda goal=goal: len(clients.ids) >= goal, 600)  # type: ignore[misc]  # a lambda has no types
            disaster(deployment)
        for one in posting:
            one.result()
        deployment.wait_until(lambda: not deployment.on_the_way(), 600)
        deployment.wait_until(telling.all_told, 600)

    accepted = deployment.mailgun.accepted_ids() + deployment.mandrill.accepted_ids()
    twice = {mail_id for mail_id, times in accepted.items() if times > 1}
    mails = {one.id: one for one in deployment.outbox.list(limit=2 * MAILS)}
    _LOG.info("%d mails: %s, %d of them twice", MAILS, clients.statuses, len(twice))
    assert {requests.codes.accepted} == set(clients.statuses)
    assert MAILS == len(set(clients.ids)) == len(mails)
    assert {State.SENT} == {mail.state for mail in mails.values()}
    assert set(clients.ids) == accepted.keys()
    assert twice <= {mail.id for mail in mails.values() if mail.possible_duplicate}
    assert [] == telling.refused
    told = deployment.tracking.events(type=EventType.DELIVERED, limit=4 * MAILS)
    assert set(clients.ids) == {event.mail_id for event in told}


def kill_vendor(deployment: Deployment) -> None:
    """
    The first vendor dies, for good.
    """
    deployment.mailgun.stop()


def kill_worker(deployment: Deployment) -> None:
    """
    A node of workers dies, and is started again.
    """
    deployment.kill("one")
    deployment.start("one")


def kill_service(deployment: Deployment) -> None:
    """
    The service dies, and is started again.
    """
    deployment.kill("web")
    deployment.start("web")


def stop_broker(deployment: Deployment) -> None:
    """
    The broker is away for a while.
    """
    deployment.rabbit.kill()
    time.sleep(AWAY)
    deployment.rabbit.start()


DISASTERS = (kill_vendor, kill_worker, kill_service, stop_broker)
