"""
Real clients and the real command: what was answered 250 is at the provider, whatever dies.
"""

from __future__ import annotations

import os
import shutil
import signal
import smtplib
import sqlite3
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.programs import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

KILLS = 5
MAIL = "From: a@example.com\r\nTo: b@example.org\r\nSubject: {}\r\n\r\nHello\r\n"


@contextmanager
def relay(
    folder: Path, port: int, *options: str, command: Sequence[str] = ("relay", "--listen")
) -> Iterator[subprocess.Popen[bytes]]:
    """
    The command, until it answers; it is killed at the end.
    """
    started = [sys.executable, "-m", "mailfailover", *command, f"127.0.0.1:{port}"]
    env = os.environ | {
        "MAILFAILOVER_DATABASE": f"sqlite:///{folder}/mails.db",
        "MAILFAILOVER_DSN": f"preview://{folder}/preview.db?max_messages=0",
    }
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen([*started, *options], env=env, stderr=log, cwd=folder)
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                smtplib.SMTP("127.0.0.1", port, timeout=20).quit()
                break
            except OSError:
                assert process.poll() is None, (folder / "log").read_text()
                assert time.monotonic() < deadline
                time.sleep(0.1)
        yield process
    finally:
        process.kill()
        process.wait()


def subjects(folder: Path, count: int) -> list[str]:
    """
    What the provider got, as soon as it is so many.
    """
    import json

    deadline = time.monotonic() + 60
    while True:
        found: list[str] = []
        if (folder / "preview.db").exists():
            with sqlite3.connect(folder / "preview.db") as mailbox:
                rows = mailbox.execute("SELECT data FROM mails").fetchall()
            found = sorted(str(json.loads(data).get("subject", "")) for (data,) in rows)
        if len(set(found)) >= count or time.monotonic() > deadline:
            return found
        time.sleep(0.2)


CLIENTS = {
    "curl": "curl -sS --url smtp://127.0.0.1:{port} --mail-from a@example.com "
    "--mail-rcpt b@example.org -T {mail}",
    "swaks": "swaks --server 127.0.0.1:{port} --from a@example.com --to b@example.org "
    "--data {mail}",
    "msmtp": "msmtp --host=127.0.0.1 --port={port} --from=a@example.com b@example.org",
}


@pytest.fixture(scope="module", name="port")
def _port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, int]]:
    folder, port = tmp_path_factory.mktemp("relay"), free_port()
    with relay(folder, port):
        yield folder, port


@pytest.mark.parametrize("name", CLIENTS)
def test_client_of_others(name: str, port: tuple[Path, int], tmp_path: Path) -> None:
    """
    Its mail is at the provider.
    """
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    folder, number = port
    mail = tmp_path / "mail.eml"
    mail.write_text(MAIL.format(name))

    command = CLIENTS[name].format(port=number, mail=mail).split()
    with mail.open() as given:
        subprocess.run(command, stdin=given, check=True, capture_output=True, timeout=60)

    deadline = time.monotonic() + 30
    while name not in subjects(folder, 1) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert name in subjects(folder, 1)
    assert "example.org" not in (folder / "log").read_text()


def test_every_250_survives_a_kill(tmp_path: Path) -> None:
    """
    The process is killed while clients send; what it accepted is sent by the next.
    """
    port, accepted = free_port(), []
    for round_ in range(KILLS):
        with relay(tmp_path, port, "--workers", "0") as process:
            smtp = smtplib.SMTP("127.0.0.1", port, timeout=20)
            for number in range(10):
                subject = f"{round_}-{number}"
                smtp.sendmail("a@example.com", ["b@example.org"], MAIL.format(subject))
                accepted.append(subject)
            process.send_signal(signal.SIGKILL)
            smtp.close()

    with relay(tmp_path, port):
        found = subjects(tmp_path, len(accepted))

    assert set(accepted) <= set(found)


def test_service_with_a_port(tmp_path: Path) -> None:
    """
    ``serve --smtp`` takes mails beside the service.
    """
    port = free_port()

    with relay(tmp_path, port, command=["serve", "--port", "0", "--smtp"]):
        with smtplib.SMTP("127.0.0.1", port, timeout=20) as smtp:
            smtp.sendmail("a@example.com", ["b@example.org"], MAIL.format("beside"))
        found = subjects(tmp_path, 1)

    assert ["beside"] == found
