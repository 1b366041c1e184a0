"""
A PostgreSQL server of a test's own, which may be stopped and started.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Cluster:
    """
    Programs, data, and a port of 127.0.0.1.
    """

    programs: Path
    directory: Path
    port: int

    @property
    def url(self) -> str:
        """
        Its first database.
        """
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def run(self, program: str, *arguments: str) -> None:
        """
        Run one of its programs as somebody who is not root, as it wants.
        """
        command = [str(self.programs / program), *arguments]
        if os.geteuid() == 0:
            command = ["runuser", "-u", "postgres", "--", *command]
        subprocess.run(command, check=True, capture_output=True, timeout=60, cwd="/")

    def start(self) -> None:
        """
        Start the server, and wait until it answers.
        """
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -k {self.directory}"
        log = str(self.directory / "log")
        self.run(
            "pg_ctl", "-D", str(self.directory / "data"), "-w", "-l", log, "-o", options, "start"
        )

    def stop(self) -> None:
        """
        Stop it at once, as when the power fails: it recovers when it starts again.
        """
        self.run("pg_ctl", "-D", str(self.directory / "data"), "-m", "immediate", "stop")

    def say(self, statement: str) -> None:
        """
        Execute *statement* as its owner.
        """
        self.run("psql", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-c", statement)

    def promote(self) -> None:
        """
        Make a standby the primary, and wait until it is.
        """
        self.run("pg_ctl", "-D", str(self.directory / "data"), "-w", "promote")

    @contextmanager
    def standby(self) -> Iterator[Cluster]:
        """
        A server that copies this one as it runs, until it is promoted.
        """
        with _directory() as (directory, port):
            other = Cluster(self.programs, directory, port)
            source = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres"]
            data = str(directory / "data")
            self.run("pg_basebackup", *source, "-D", data, "-R", "-X", "stream", "-c", "fast")
            other.start()
            try:
                yield other
            finally:
                other.stop()


@contextmanager
def _directory() -> Iterator[tuple[Path, int]]:
    """
    An empty directory of the server's user, and a port that nobody listens on.
    """
    with tempfile.TemporaryDirectory(prefix="mailfailover-") as name:
        directory = Path(name)
        if os.geteuid() == 0:
            shutil.chown(directory, "postgres", "postgres")
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        yield directory, port


@contextmanager
def running_cluster() -> Iterator[Cluster]:
    """
    A cluster that runs; skips where PostgreSQL is not installed.
    """
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    initdb = found[-1] if found else Path(shutil.which("initdb") or "")
    if not initdb.is_file():
        pytest.skip("PostgreSQL's server is not installed on this machine")
    with _directory() as (directory, port):
        cluster = Cluster(initdb.parent, directory, port)
        data = str(directory / "data")
        cluster.run(
            "initdb", "-D", data, "-U", "postgres", "-A", "trust", "--no-locale", "-E", "UTF8"
        )
        cluster.start()
        try:
            yield cluster
        finally:
            cluster.stop()
