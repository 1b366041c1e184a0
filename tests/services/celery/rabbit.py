"""
A RabbitMQ of the tests' own, which they may kill.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from typing import TYPE_CHECKING, Self

import pytest
from celery import Celery

from tests.services.ports import free_ports

if TYPE_CHECKING:
    from pathlib import Path

# Debian's command changes the user; what it calls does not.
PROGRAMS = ("/usr/lib/rabbitmq/bin/rabbitmq-server", "rabbitmq-server")


class RabbitServer:
    """
    A RabbitMQ node on ports of its own, with its files in *folder*.
    """

    def __init__(self, folder: Path) -> None:
        programs = [found for one in PROGRAMS if (found := shutil.which(one))]
        if not programs:
            pytest.skip("rabbitmq-server is not installed")
        port, distribution = free_ports(2)
        self.url = f"amqp://guest:guest@127.0.0.1:{port}//"
        self._app = Celery(broker=self.url, set_as_current=False)
        self._program = programs[0]
        self._environment = os.environ | {
            "HOME": str(folder),  # for its cookie
            "RABBITMQ_NODENAME": f"mailfailover{port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(port),
            "RABBITMQ_DIST_PORT": str(distribution),
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_PID_FILE": str(folder / "pid"),
            "RABBITMQ_CONFIG_FILE": str(folder / "none"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """
        Start it and wait until it answers; nothing if it runs.
        """
        if self._process is not None:
            return
        self._process = subprocess.Popen(
            [self._program],
            env=self._environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        until = time.monotonic() + 60
        while not self._answers():
            assert time.monotonic() < until, "rabbitmq-server does not answer"
            time.sleep(0.1)

    def kill(self) -> None:
        """
        End it at once. What is on its disk is there again when it starts.
        """
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def lose(self, queue: str) -> None:
        """
        Lose all messages of *queue*.
        """
        with self._app.connection() as connection, connection.channel() as channel:
            channel.queue_purge(queue)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def _answers(self) -> bool:
        with self._app.connection() as connection:
            try:
                connection.connect()
            except OSError:
                return False
            return True
