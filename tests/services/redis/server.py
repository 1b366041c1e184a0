"""
A Redis of the tests' own, which they may kill.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Self

import pytest
from redis import Redis
from redis.exceptions import RedisError

from tests.services.ports import free_ports

if TYPE_CHECKING:
    from pathlib import Path


class RedisServer:
    """
    A ``redis-server`` on a port of its own that keeps nothing on disk.
    """

    def __init__(self, folder: Path, query: str = "") -> None:
        program = shutil.which("redis-server")
        if program is None:
            pytest.skip("redis-server is not installed")
        self.port = free_ports(1)[0]
        self.url = f"redis://127.0.0.1:{self.port}/0{query}"
        options = {"--port": self.port, "--dir": folder, "--save": "", "--bind": "127.0.0.1"}
        self._command = [program, *(str(part) for pair in options.items() for part in pair)]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """
        Start it and wait until it answers; nothing if it runs.
        """
        if self._process is not None:
            return
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        until = time.monotonic() + 20
        with self.client() as client:
            while time.monotonic() < until:
                with suppress(RedisError):
                    client.ping()
                    return
                time.sleep(0.01)
        raise TimeoutError("redis-server does not answer")

    def kill(self) -> None:
        """
        End it at once, with all that it knows.
        """
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def lose(self, queue: str) -> None:
        """
        Lose everything, and *queue* with it.
        """
        with self.client() as client:
            client.flushall()

    def client(self) -> Redis:
        """
        A client of it.
        """
        return Redis.from_url(self.url)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
