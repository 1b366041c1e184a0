"""
A shop that adds mails to an outbox, and Celery's workers that send them.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

from mailfailover import Message
from mailfailover.celery import waker
from mailfailover.outbox import Outbox, State
from mailfailover.testing import FaultServer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.services.celery.rabbit import RabbitServer
    from tests.services.redis.server import RedisServer

CONCURRENCY = 2
QUEUE = "mailfailover"


class Shop:
    """
    The outbox, two vendors on real sockets, and nodes of workers.
    """

    def __init__(self, broker: RedisServer | RabbitServer, folder: Path) -> None:
        self.broker = broker
        self.folder = folder
        self.database = f"sqlite:///{folder / 'mails.db'}"
        self.first = FaultServer("mailgun")
        self.second = FaultServer("mandrill")
        self.wake = waker(broker.url)
        self.outbox = Outbox(self.database, on_add=[self.wake])
        self.lease = 4.0
        self.nodes: dict[str, subprocess.Popen[bytes]] = {}
        self.ids: list[str] = []
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._stack.enter_context(self.first)
        self._stack.enter_context(self.second)
        self.outbox.init()
        return self

    def __exit__(self, *_: object) -> None:
        for name in list(self.nodes):
            self.kill(name)
        self.broker.start()
        self.broker.lose(QUEUE)
        self.outbox.close()
        self._stack.close()

    def start(self, name: str) -> None:
        """
        Start a node with some processes.
        """
        command = [sys.executable, "-m", "celery", "-A", "tests.services.celery.shop", "worker"]
        command += ["-n", name, "-Q", QUEUE, "-c", str(CONCURRENCY), "-l", "WARNING"]
        command += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
        with (self.folder / f"{name}.log").open("ab") as log:
            self.nodes[name] = subprocess.Popen(
                command,
                env=os.environ
                | {
                    "BROKER": self.broker.url,
                    "DATABASE": self.database,
                    "FIRST": self.first.url,
                    "SECOND": self.second.url,
                    "LEASE": str(self.lease),
                },
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self, name: str) -> None:
        """
        End a node and all its processes at once.
        """
        process = self.nodes.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def kill_child(self, name: str) -> None:
        """
        End one of the processes of a node that send; the node starts another.
        """
        parent = self.nodes[name].pid
        done = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(parent)], capture_output=True, check=True, text=True
        )
        os.kill(int(done.stdout.split()[0]), signal.SIGKILL)

    def add(self, mails: int, subject: str = "Hello") -> None:
        """
        Add so many mails.
        """
        for _ in range(mails):
            message = Message(
                to="ann@example.org", from_email="shop@example.com", subject=subject, text="Hi"
            )
            self.ids.append(self.outbox.add(message))

    def count(self, *states: State) -> int:
        """
        How many mails are in one of these states.
        """
        counts = self.outbox.stats().counts
        return sum(counts[state] for state in states)

    def wait_until(self, condition: Callable[[], bool], seconds: float = 120) -> None:
        """
        Wait, but not for ever.
        """
        until = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < until, self.report()
            time.sleep(0.1)

    def wait(self) -> None:
        """
        Wait until every mail is sent or given up.
        """
        self.wait_until(lambda: self.count(State.SENT, State.DEAD) == len(self.ids))

    def report(self) -> str:
        """
        How the mails stand, and the ends of the logs.
        """
        logs = [path.read_text()[-2000:] for path in sorted(self.folder.glob("*.log"))]
        return "\n".join([str(self.outbox.stats()), *logs])
