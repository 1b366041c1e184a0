from __future__ import annotations

import re
import signal
import subprocess
import sys
from contextlib import contextmanager
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest
import requests

from mailfailover import Mailer
from mailfailover._sql.database import open_engine
from mailfailover._sql.database_file import DatabaseFile
from mailfailover.cli.health_server import answering
from mailfailover.errors import ConfigurationError
from mailfailover.outbox import Outbox, OutboxWorker
from mailfailover.outbox._health_server import check_worker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COMMANDS = [("worker",), ("serve", "--worker-only")]


@contextmanager
def working(*command: str) -> Iterator[str]:
    """
    Run a worker that can be asked; yield the URL of its health.
    """
    with subprocess.Popen(
        [sys.executable, "-m", "mailfailover", *command, "--dsn", "null://", "--health", "0"],
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stderr is not None
            for line in process.stderr:
                if found := re.search(r"health: (http://\S+)/healthz", line):
                    break
            assert found
            Thread(target=process.stderr.read, daemon=True).start()
            yield found[1]
        finally:
            process.send_signal(signal.SIGTERM)


def ask(url: str) -> tuple[int, Any]:
    """
    Ask for a health.
    """
    answer = requests.get(url, timeout=30)
    return answer.status_code, answer.json()


@pytest.mark.parametrize("command", COMMANDS)
def test_worker_and_sweeper_can_be_asked(command: tuple[str, ...], tmp_path: Path) -> None:
    """
    Each says that it works; that its database is there, and that it was taken away.
    """
    Outbox().init()

    with working(*command) as url:
        assert (200, {"status": "ok", "worker": "ok"}) == ask(f"{url}/healthz")
        assert "ok" == ask(f"{url}/readyz")[1]["database"]
        assert 404 == ask(f"{url}/")[0]

        (tmp_path / "mailfailover.db").rename(tmp_path / "away.db")
        status, found = ask(f"{url}/readyz")

    assert (503, "unavailable") == (status, found["status"])
    assert "taken away" in found["database"]


def test_worker_that_is_stuck_says_so() -> None:
    """
    Two minutes without a look for work are too many.
    """
    outbox = Outbox()
    outbox.init()
    worker = OutboxWorker(outbox, Mailer("null://"))
    worker.sweep()

    assert {"worker": "ok"} == check_worker(worker, lambda: worker.seen + 119)
    assert {"worker": "has not looked for work for 121 s"} == check_worker(
        worker, lambda: worker.seen + 121
    )


def test_no_address_is_no_server() -> None:
    """
    Without the option nothing listens.
    """
    with answering("", dict, dict) as url:
        assert "" == url


def test_address_must_be_one() -> None:
    """
    What means nothing, or is taken, is told before anything is sent.
    """
    for listen in ("here", "host:99999", "host:"):
        with (
            pytest.raises(ConfigurationError, match="is no address"),
            answering(listen, dict, dict),
        ):
            pass
    with (
        answering("0", dict, dict) as url,
        pytest.raises(ConfigurationError, match="give another port"),
        answering(url.removeprefix("http://"), dict, dict),
    ):
        pass


def test_database_file_is_known_again(tmp_path: Path) -> None:
    """
    A file that is gone, and another in its place, are told; a server has no file.
    """
    path = tmp_path / "a.db"
    file = DatabaseFile.of(open_engine(f"sqlite:///{path}"))
    assert "" == file.find_fault()

    path.rename(tmp_path / "b.db")
    assert "taken away" in file.find_fault()
    path.touch()
    assert "replaced by another" in file.find_fault()
    assert "" == DatabaseFile.of(open_engine("postgresql://host/name")).find_fault()
