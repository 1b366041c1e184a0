"""
The health of a Celery worker, asked by HTTP.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import requests

from mailfailover.celery._health import Health
from mailfailover.celery._sweeper import Sweeping
from mailfailover.testing import FakeClock

if TYPE_CHECKING:
    from pathlib import Path

    from mailfailover.outbox import Outbox

MEMORY = "memory://"


def make(outbox: Outbox, listen: str = "0", broker: str = MEMORY) -> Health:
    """
    The health of a worker that sweeps every ten seconds.
    """
    return Health(listen, Sweeping(lambda: None, (), 10.0), outbox, broker)


def ask(url: str) -> tuple[int, Any]:
    """
    Ask for a health.
    """
    answer = requests.get(url, timeout=30)
    return answer.status_code, answer.json()


def test_it_tells_what_is_well(outbox: Outbox) -> None:
    """
    As long as it is started.
    """
    health = make(outbox)
    health.start()
    url = health.url

    found = [ask(f"{url}/healthz"), ask(f"{url}/readyz")]
    health.stop()

    assert [
        (200, {"status": "ok", "worker": "ok"}),
        (200, {"status": "ok", "database": "ok", "broker": "ok"}),
    ] == found
    with pytest.raises(requests.ConnectionError):
        ask(f"{url}/healthz")


def test_a_worker_that_no_longer_looks_is_unwell(outbox: Outbox) -> None:
    """
    It is given the time of two sweeps more than a worker that waits for its database.
    """
    sweeping = Sweeping(lambda: None, (), 10.0)
    clock = FakeClock(sweeping.seen + 139)
    health = Health("", sweeping, outbox, MEMORY, clock)
    before = health.alive()
    clock.advance(2)

    assert {"worker": "ok"} == before
    assert {"worker": "has not looked at the outbox for 141 s"} == health.alive()


def test_what_is_away_makes_it_unready(outbox: Outbox, tmp_path: Path) -> None:
    """
    Its broker, and the tables of its database.
    """
    health = make(outbox, broker="redis://127.0.0.1:1")
    outbox.close()
    (tmp_path / "mails.db").unlink()

    found = health.ready()

    assert "does not answer" == found["broker"]
    assert "mailfailover outbox init" in found["database"]


def test_an_address_that_is_taken_is_logged(
    outbox: Outbox, caplog: pytest.LogCaptureFixture
) -> None:
    """
    The worker works all the same.
    """
    with socket.create_server(("127.0.0.1", 0)) as other:
        make(outbox, listen=f"127.0.0.1:{other.getsockname()[1]}").start()

    (record,) = caplog.records
    assert "CRITICAL" == record.levelname
    assert "nobody can ask for the health of this worker" in record.message


def test_without_an_address_it_does_not_listen(
    outbox: Outbox, caplog: pytest.LogCaptureFixture
) -> None:
    """
    A program that has the tasks only to add mails must not take a port.
    """
    health = make(outbox, listen="")
    with caplog.at_level("INFO"):
        health.start()
    health.stop()

    assert ("", []) == (health.url, caplog.records)


def test_a_worker_of_the_environment_can_be_asked(outbox: Outbox, tmp_path: Path) -> None:
    """
    A process as users run it, from its first sweep to its end.
    """
    command = [sys.executable, "-m", "celery", "-A", "mailfailover.celery", "worker", "-P", "solo"]
    command += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    with subprocess.Popen(
        command,
        env=os.environ
        | {
            "MAILFAILOVER_BROKER": MEMORY,
            "MAILFAILOVER_DATABASE": str(outbox.engine.url),
            "MAILFAILOVER_DSN": "null://",
            "MAILFAILOVER_WORKER_HEALTH": "0",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=tmp_path,
    ) as process:
        try:
            assert process.stdout is not None
            found = (re.search(r"health: (http://\S+)/healthz", line) for line in process.stdout)
            url = next(filter(None, found))[1]

            answers = [ask(f"{url}/{name}") for name in ("healthz", "readyz")]
        finally:
            process.send_signal(signal.SIGKILL)

    assert [200, 200] == [status for status, _ in answers]
    assert "ok" == answers[1][1]["broker"]
