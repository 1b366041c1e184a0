"""
What a posted mail costs: the service, beside a bare view with one insert on the same database.
"""

from __future__ import annotations

import http.client
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest

from tests.benchmarks.receivers import RECEIVERS, SEND
from tests.benchmarks.table import Row
from tests.databases import fresh_database

if TYPE_CHECKING:
    from collections.abc import Iterator

CLIENTS = 8
POSTS = 200
"""Of each client, in each round."""

ROUNDS = 5
BODY = urlencode(
    {
        "to": "ann@example.org",
        "from_email": "shop@example.com",
        "subject": "Your order",
        "text": "It is on its way. " * 112,
    }
)
HEADERS = {"Content-Type": "application/x-www-form-urlencoded"}


def rows() -> Iterator[Row]:
    """
    Measure it on each database that is here.
    """
    with TemporaryDirectory() as directory:
        yield from _compare("SQLite", f"sqlite:///{Path(directory, 'mails.db')}")
    try:
        with fresh_database("postgresql") as url:
            yield from _compare("PostgreSQL", url)
    except pytest.skip.Exception:
        return


def _compare(title: str, database: str) -> Iterator[Row]:
    """
    Let both take turns, so that what else the machine does hits both.
    """
    with ExitStack() as stack:
        ports = {name: stack.enter_context(_receiving(name, database)) for name in RECEIVERS}
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in ports}
        for number in range(ROUNDS + 1):
            for name, port in ports.items():
                measured = _round(port)
                if number:  # the first round warms up
                    found[name].append(measured)
    rates = {name: statistics.median(rate for rate, _ in runs) for name, runs in found.items()}
    slow = {name: statistics.median(p99 for _, p99 in runs) for name, runs in found.items()}
    for name in RECEIVERS:
        yield Row(f"{title}, {name}: posts", rates[name], "/s")
        yield Row(f"{title}, {name}: p99", slow[name] * 1000, "ms")
    yield Row(f"{title}: a post", rates["bare"] / rates["service"], "x the bare view", 1.5)


@contextmanager
def _receiving(name: str, database: str) -> Iterator[int]:
    command = [sys.executable, "-m", "tests.benchmarks.receivers", name, database]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield int(process.stdout.readline())
        finally:
            process.kill()


def _round(port: int) -> tuple[float, float]:
    """
    Return posts a second of all clients, and the time that 99 of 100 posts stay under.
    """
    began = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        times = [one for found in pool.map(_client, [port] * CLIENTS) for one in found]
    rate = len(times) / (time.perf_counter() - began)
    return rate, statistics.quantiles(times, n=100)[98]


def _client(port: int) -> list[float]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    times = []
    for _ in range(POSTS):
        began = time.perf_counter()
        connection.request("POST", SEND, BODY, HEADERS)
        answer = connection.getresponse()
        answer.read()
        times.append(time.perf_counter() - began)
        if answer.status != http.HTTPStatus.ACCEPTED:
            message = f"a post ended in {answer.status}"
            raise AssertionError(message)
    connection.close()
    return times
