"""
The command ``mailfailover relay`` as a process, and what its provider got.
"""

from __future__ import annotations

import json
import os
import smtplib
import sqlite3
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


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
        "MAILFAILOVER_WORKER_UNKNOWN_AFTER": "1",  # for mails whose call was cut by a kill
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


def run(command: Sequence[str], folder: Path) -> None:
    """
    Run a client, which must say that all went well.
    """
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    assert 0 == done.returncode, done.stdout + done.stderr


def arrives(subject: str, folder: Path) -> bool:
    """
    Whether the provider gets a mail with this subject in time.
    """
    deadline = time.monotonic() + 30
    while subject not in subjects(folder, 1):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True
