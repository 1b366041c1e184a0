"""
The SMTP port beside Postfix: mails a second into the outbox, and into Postfix's queue.

The load is Postfix's own ``smtp-source``: mails of 4 kB over connections that stay open. Nothing is
delivered on either side. Without Postfix there are no rows.
"""

from __future__ import annotations

import os
import shutil
import smtplib
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from tests.benchmarks.table import Row
from tests.programs import free_port
from tests.services import postfix

if TYPE_CHECKING:
    from collections.abc import Iterator

MAILS = 400
ROUNDS = 3
QUEUE_ONLY = """
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_sender_restrictions =
smtpd_recipient_restrictions =
smtpd_client_connection_count_limit = 0
defer_transports = discard, virtual, smtp
"""


def rows() -> Iterator[Row]:
    """
    Measure both in turns, with 1, 8 and 32 clients.
    """
    if postfix.why_not() or shutil.which("smtp-source") is None:
        return
    with postfix.running(QUEUE_ONLY) as other, _relay() as port:
        for clients in (1, 8, 32):
            found = [
                (_rate(port, clients), _rate(other.submission, clients)) for _ in range(ROUNDS)
            ]
            ours, theirs = (median(rates) for rates in zip(*found, strict=True))
            name = f"the SMTP port, {clients} clients: mails a second"
            yield Row(name, ours / theirs, "x Postfix", 0.5, True, 1 / ours, 1 / theirs)


def _rate(port: int, clients: int) -> float:
    began = time.perf_counter()
    load = ["-d", f"-s{clients}", f"-m{MAILS}", "-l4096", "-fa@example.com", "-tb@example.info"]
    subprocess.run(["smtp-source", *load, f"127.0.0.1:{port}"], check=True, timeout=60)
    return MAILS / (time.perf_counter() - began)


@contextmanager
def _relay() -> Iterator[int]:
    """
    The port of ``mailfailover relay`` without a worker.
    """
    with TemporaryDirectory() as folder, (Path(folder) / "log").open("w") as log:
        port = free_port()
        env = os.environ | {
            "MAILFAILOVER_DATABASE": f"sqlite:///{folder}/mails.db",
            "MAILFAILOVER_DSN": "null://",
        }
        command = ["relay", "--workers=0", f"--listen=127.0.0.1:{port}"]
        with subprocess.Popen(
            [sys.executable, "-m", "mailfailover", *command], env=env, stderr=log
        ) as process:
            try:
                deadline = time.monotonic() + 30
                while time.monotonic() < deadline:
                    with suppress(OSError):
                        smtplib.SMTP("127.0.0.1", port, timeout=5).quit()
                        break
                    time.sleep(0.1)
                yield port
            finally:
                process.terminate()
