"""
Runs each recipe for a task queue by the queue's own worker, while a vendor dies.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING
from uuid import uuid4

import pika
import pika.exceptions
import pytest
import redis

from mailfailover.outbox import Outbox, State
from mailfailover.testing import FaultServer
from tests.databases import fresh_database
from tests.programs import ROOT, chain_of, programs, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.services

RQ, DRAMATIQ, PROCRASTINATE, DJANGO = range(4)
REDIS_URL = os.environ.get("MAILFAILOVER_TEST_REDIS", "redis://127.0.0.1:6379/0")
RABBIT_URL = os.environ.get("MAILFAILOVER_TEST_RABBITMQ", "amqp://guest:guest@127.0.0.1:5672")
SECONDS = 60.0


@pytest.fixture
def queue() -> Iterator[str]:
    """
    The name of a queue in Redis that nobody else uses; its keys are removed.
    """
    client = redis.Redis.from_url(REDIS_URL)
    try:
        client.ping()
    except redis.ConnectionError:
        pytest.skip("no Redis runs on this machine")
    name = f"mail-{uuid4().hex}"
    yield name
    for key in client.scan_iter(f"*{name}*"):
        client.delete(key)
    client.close()


def _code(number: int, queue: str) -> str:
    return programs("task-queues")[number].replace('"mail"', f'"{queue}"')


def _run(directory: Path, *command: str, **environ: str) -> None:
    path = os.pathsep.join([str(directory), str(ROOT)])
    done = subprocess.run(
        [sys.executable, *command],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": path, **environ},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert 0 == done.returncode, done.stdout + done.stderr


@contextmanager
def _vendors() -> Iterator[tuple[str, FaultServer]]:
    """
    The chain of a vendor that is down and one that is up, and the latter.
    """
    with FaultServer("mailgun") as first, FaultServer("sendgrid") as second:
        first.fail("refuse")
        yield chain_of(first, second), second


def _wait_until_sent(database: str) -> list[State]:
    outbox = Outbox(database)
    deadline = time.monotonic() + SECONDS
    while True:
        states = [mail.state for mail in outbox.list()]
        if states == [State.SENT] or time.monotonic() > deadline:
            outbox.close()
            return states
        time.sleep(0.2)


def test_rq_sends(tmp_path: Path, queue: str) -> None:
    """
    The mail that ``on_add`` tells RQ of is sent by RQ's worker, through the second vendor.
    """
    database = f"sqlite:///{tmp_path / 'mails.db'}"
    with _vendors() as (chain, second):
        environ = {
            "MAILFAILOVER_DSN": chain,
            "MAILFAILOVER_DATABASE": database,
            "REDIS_URL": REDIS_URL,
        }
        worker = ("-m", "rq.cli", "worker", queue, "--path", ".", "--url", REDIS_URL)
        with running(tmp_path, _code(RQ, queue), *worker, **environ):
            _run(tmp_path, "shop.py", "ann@example.org", **environ)
            states = _wait_until_sent(database)

        assert ([State.SENT], 1) == (states, len(second.accepted))


@pytest.fixture
def rabbit() -> str:
    """
    The URL of RabbitMQ.
    """
    try:
        pika.BlockingConnection(pika.URLParameters(RABBIT_URL)).close()
    except pika.exceptions.AMQPConnectionError:
        pytest.skip("no RabbitMQ runs on this machine")
    return RABBIT_URL


def _of_rabbit(code: str) -> str:
    """
    A recipe of Dramatiq with the other broker.
    """
    return (
        code.replace("brokers.redis", "brokers.rabbitmq")
        .replace("RedisBroker", "RabbitmqBroker")
        .replace("REDIS_URL", "RABBITMQ_URL")
    )


def test_dramatiq_sends(tmp_path: Path, queue: str) -> None:
    """
    The same by Dramatiq's workers.
    """
    environ = {"REDIS_URL": REDIS_URL}

    _check_dramatiq(_code(DRAMATIQ, queue), queue, tmp_path, environ)


def test_dramatiq_sends_over_rabbitmq(tmp_path: Path, rabbit: str) -> None:
    """
    The same by Dramatiq's workers with the other broker.
    """
    queue = f"mail-{uuid4().hex}"
    code = _of_rabbit(_code(DRAMATIQ, queue))
    try:
        _check_dramatiq(code, queue, tmp_path, {"RABBITMQ_URL": rabbit})
    finally:
        with pika.BlockingConnection(pika.URLParameters(rabbit)) as connection:
            for name in (queue, f"{queue}.DQ", f"{queue}.XQ"):
                connection.channel().queue_delete(name)


def _check_dramatiq(code: str, queue: str, tmp_path: Path, broker: dict[str, str]) -> None:
    database = f"sqlite:///{tmp_path / 'mails.db'}"
    with _vendors() as (chain, second):
        environ = {
            "MAILFAILOVER_DSN": chain,
            "MAILFAILOVER_DATABASE": database,
            **broker,
        }
        worker = ("-m", "dramatiq", "shop", "--queues", queue, "-p", "1", "-t", "2")
        with running(tmp_path, code, *worker, **environ):
            _run(tmp_path, "shop.py", "ann@example.org", **environ)
            states = _wait_until_sent(database)

        assert ([State.SENT], 1) == (states, len(second.accepted))


def test_procrastinate_sends(tmp_path: Path) -> None:
    """
    The same by Procrastinate's worker, outbox and queue in one PostgreSQL.
    """
    with fresh_database("postgresql") as url, _vendors() as (chain, second):
        database = url.replace("postgresql+psycopg://", "postgresql://")
        environ = {"MAILFAILOVER_DSN": chain, "MAILFAILOVER_DATABASE": database}
        code = programs("task-queues")[PROCRASTINATE]
        (tmp_path / "shop.py").write_text(code, "utf-8")
        cli = ("-m", "procrastinate", "--app=shop.app")
        _run(tmp_path, *cli, "schema", "--apply", **environ)
        with running(tmp_path, code, *cli, "worker", "--queues=mail", **environ):
            _run(tmp_path, "shop.py", "ann@example.org", **environ)
            states = _wait_until_sent(database)

        assert ([State.SENT], 1) == (states, len(second.accepted))


def test_djangos_tasks_send(tmp_path: Path) -> None:
    """
    The same by a worker of Django's tasks, all in Django's database.
    """
    with _vendors() as (chain, second):
        environ = {"MAILFAILOVER_DSN": chain}
        code = programs("task-queues")[DJANGO]
        (tmp_path / "shop.py").write_text(code, "utf-8")
        _run(tmp_path, "shop.py", "migrate", **environ)
        worker = ("shop.py", "db_worker", "--queue-name", "mail", "--interval", "0.2")
        with running(tmp_path, code, *worker, **environ):
            _run(tmp_path, "shop.py", "sendtestemail", "ann@example.org", **environ)
            states = _wait_until_sent(f"sqlite:///{tmp_path / 'shop.db'}")

        assert ([State.SENT], 1) == (states, len(second.accepted))
