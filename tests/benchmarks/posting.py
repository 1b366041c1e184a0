"""
What a posted mail costs: the service, beside a bare view with one insert on the same database.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlencode

import pytest

from tests.benchmarks.receivers import RECEIVERS, SEND
from tests.benchmarks.table import Row
from tests.databases import fresh_database

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

CLIENTS = 8
SECONDS = 1.0
"""How long each client posts in a round: a count would take minutes on a disk that syncs slowly."""

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
        receivers = {name: stack.enter_context(_receiving(name, database)) for name in RECEIVERS}
        found: dict[str, list[Round]] = {name: [] for name in receivers}
        for number in range(ROUNDS + 1):
            for name, receiver in receivers.items():
                measured = _round(receiver)
                if number:  # the first round warms up
                    found[name].append(measured)
    middle = {name: Round.median(runs) for name, runs in found.items()}
    for name in RECEIVERS:
        yield Row(f"{title}, {name}: posts", middle[name].rate, "/s")
        yield Row(f"{title}, {name}: p99", middle[name].p99 * 1000, "ms")
    ours, theirs = middle["service"], middle["bare"]
    yield Row.of(f"{title}: a post: CPU", ours.cpu, theirs.cpu, "x the bare view")
    yield Row(f"{title}: a post: wall", theirs.rate / ours.rate, "x the bare view", 1.2)


class Round(NamedTuple):
    """
    Posts a second of all clients, the time that 99 of 100 stay under, and the CPU of each post.
    """

    rate: float
    p99: float
    cpu: float

    @classmethod
    def median(cls, runs: Iterable[Round]) -> Round:
        """
        The middle of several rounds, each column by itself.
        """
        return cls(*(statistics.median(column) for column in zip(*runs, strict=True)))


class Receiver(NamedTuple):
    """
    A process that takes posts by open connections, and tells of its CPU when it is asked.
    """

    process: subprocess.Popen[str]
    clients: tuple[HTTPConnection, ...]

    def cpu(self) -> float:
        """
        The seconds of CPU that it has spent.
        """
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(file=self.process.stdin, flush=True)
        return float(self.process.stdout.readline())


@contextmanager
def _receiving(name: str, database: str) -> Iterator[Receiver]:
    command = [sys.executable, "-m", "tests.benchmarks.receivers", name, database]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline())
            with ExitStack() as stack:
                clients = [HTTPConnection("127.0.0.1", port, timeout=60) for _ in range(CLIENTS)]
                for client in clients:
                    stack.callback(client.close)
                yield Receiver(process, tuple(clients))
        finally:
            process.kill()


def _round(receiver: Receiver) -> Round:
    cpu, began = receiver.cpu(), time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        times = [one for found in pool.map(_posts, receiver.clients) for one in found]
    rate = len(times) / (time.perf_counter() - began)
    p99 = statistics.quantiles(times, n=100)[98]
    return Round(rate, p99, (receiver.cpu() - cpu) / len(times))


def _posts(client: HTTPConnection) -> list[float]:
    times: list[float] = []
    end = time.perf_counter() + SECONDS
    while time.perf_counter() < end or not times:
        began = time.perf_counter()
        client.request("POST", SEND, BODY, HEADERS)
        answer = client.getresponse()
        answer.read()
        times.append(time.perf_counter() - began)
        if answer.status != HTTPStatus.ACCEPTED:
            message = f"a post ended in {answer.status}"
            raise AssertionError(message)
    return times
