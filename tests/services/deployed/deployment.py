"""
The service as it is deployed: processes that can be killed, before vendors that count.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Self

import requests

from mailfailover._sql.database import open_engine
from mailfailover.outbox import Outbox, State
from mailfailover.service.keys import Keys
from mailfailover.service.rules import Rules
from mailfailover.testing import FaultServer
from mailfailover.tracking import Tracking
from tests.services.ports import free_ports

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.services.celery.rabbit import RabbitServer
    from tests.services.redis.server import RedisServer

API = "/email/api/1.0"
SIGNING_KEY = "signing-key"
WEBHOOK_KEY = "webhook-key"
ON_THE_WAY = (State.PENDING, State.LEASED, State.SENDING, State.UNKNOWN)


class Deployment:
    """
    A web process, two workers and a sweeper over one database, broker and Redis.
    """

    def __init__(
        self, database: str, rabbit: RabbitServer, redis: RedisServer, folder: Path
    ) -> None:
        self.folder = folder
        self.rabbit = rabbit
        self.mailgun, self.mandrill = FaultServer("mailgun"), FaultServer("mandrill")
        self.port = free_ports(1)[0]
        self.url = f"http://127.0.0.1:{self.port}"
        engine = open_engine(database)
        self.outbox, self.tracking, self.keys = Outbox(engine), Tracking(engine), Keys(engine)
        self._database, self._redis = database, redis.url
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        self.mailgun.start()
        self.mandrill.start()
        for part in (self.outbox, self.tracking, self.keys):
            part.init()
        self.key = self.keys.add("clients", Rules(grants=("admin",)))
        for name in COMMANDS:
            self.start(name)
        self.wait_until(self.is_up)
        return self

    def __exit__(self, *_: object) -> None:
        for name in list(self._processes):
            self.kill(name)
        self.mailgun.close()
        self.mandrill.close()
        self.outbox.close()

    def start(self, name: str) -> None:
        """
        Start one of the processes; its log goes on.
        """
        with (self.folder / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                [sys.executable, "-m", *COMMANDS[name]],
                env=os.environ | self._environment(),
                cwd=self.folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self, name: str) -> None:
        """
        End a process with all its children at once.
        """
        process = self._processes.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def is_up(self) -> bool:
        """
        Tell whether the service answers.
        """
        with suppress(requests.ConnectionError):
            return requests.get(f"{self.url}/readyz", timeout=20).ok
        return False

    def on_the_way(self) -> int:
        """
        How many mails are not settled yet.
        """
        counts = self.outbox.stats().counts
        return sum(counts[state] for state in ON_THE_WAY)

    def wait_until(self, condition: Callable[[], bool], seconds: float = 120) -> None:
        """
        Wait, but not for ever.
        """
        until = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < until, self.report()
            time.sleep(0.1)

    def report(self) -> str:
        """
        How the mails stand, and the ends of the logs.
        """
        logs = [path.read_text()[-1500:] for path in sorted(self.folder.glob("*.log"))]
        return "\n".join([str(self.outbox.stats()), *logs])

    def _environment(self) -> dict[str, str]:
        hook = f"{self.url}{API}/webhooks/mandrill"
        first = f"mailgun://KEY:mg.example.com@default?base_url={self.mailgun.url}"
        second = f"mandrill://KEY@default?base_url={self.mandrill.url}"
        return {
            "MAILFAILOVER_DSN": (
                f"failover({first}&webhook_signing_key={SIGNING_KEY} "
                f"{second}&webhook_key={WEBHOOK_KEY}&webhook_url={hook})"
            ),
            "MAILFAILOVER_DATABASE": self._database,
            "MAILFAILOVER_BROKER": self.rabbit.url,
            "MAILFAILOVER_HEALTH": self._redis,
            "MAILFAILOVER_ATTEMPT_TIMEOUT": "3",
            "MAILFAILOVER_TIMEOUT": "10",
            "PORT": str(self.port),
            "PYTHONPATH": os.pathsep.join(sys.path),
            "WEB_CONCURRENCY": "1",
        }


_WORKER = ("celery", "-A", "tests.services.deployed.workers", "worker", "-Q", "mailfailover")
_QUIET = ("-c", "2", "-l", "WARNING", "--without-gossip", "--without-mingle")
COMMANDS = {
    "web": (
        "gunicorn",
        "--config=python:mailfailover.service.gunicorn",
        "mailfailover.service:wsgi()",
    ),
    "one": (*_WORKER, "-n", "one", *_QUIET),
    "two": (*_WORKER, "-n", "two", *_QUIET),
    "sweeper": ("mailfailover", "serve", "--worker-only"),
}
