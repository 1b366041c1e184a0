"""
What the outbox can do, beside what the disk and the database can on the same machine.
"""

from __future__ import annotations

import os
import statistics
import time
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from mailfailover import Mailer, Message
from mailfailover.outbox import Outbox, OutboxWorker, State
from mailfailover.outbox._tables import METADATA
from tests.benchmarks.table import Row
from tests.benchmarks.vendor import vendor
from tests.databases import fresh_database
from tests.outbox.programs import Nursery

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Engine

SECONDS = 2.0
"""How long each thing is done."""

GROUP = 100
MANY = 1000
DRAINED = 6000
DELAY = 0.1
"""After so many seconds the vendor answers to whom the outbox is drained."""

WAITING = (1, 10_000, 1_000_000)
CLAIMS = 200
BODY = "It is on its way. " * 112

_BARE = """
INSERT INTO bare (sender, body) VALUES ('shop@example.com', :body)
"""
_FILL = """
INSERT INTO outbox_mails (id, state, lane, flow, stream, sender, merge, created, turn, token, owner,
    tries, lost, blocked_by, digest, provider, provider_message_id, reason, possible_duplicate)
SELECT 'm' || n, 'pending', 0, 'sender' || (n % 100), 'transactional', 'sender' || (n % 100),
    {false}, '2026-11-24 12:00:00', n / 100, 0, '', 0, 0, '', '', '', '', '', {false}
FROM {numbers}
"""
_NUMBERS = {
    "postgresql": "generate_series(1, {count}) AS numbers (n)",
    "sqlite": "(WITH RECURSIVE numbers (n) AS "
    "(SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {count}) SELECT n FROM numbers)",
}


def rows() -> Iterator[Row]:
    """
    Measure it on each database that is here.
    """
    with TemporaryDirectory() as directory:
        yield Row("the disk: writes of 4 kB, each synced", _syncs(Path(directory, "file")), "/s")
        url = f"sqlite:///{Path(directory, 'mails.db')}"
        yield from _all("SQLite", url, (1, 2))
    try:
        with fresh_database("postgresql") as url:
            yield from _all("PostgreSQL", url, (1, 2, 4))
    except pytest.skip.Exception:
        return


def _all(title: str, url: str, workers: tuple[int, ...]) -> Iterator[Row]:
    outbox = Outbox(url)
    outbox.init()
    bare = _rate(_bare_insert(outbox.engine))
    alone = _rate(lambda: outbox.add(_mail()))
    groups = _rate(lambda: _add_group(outbox)) * GROUP
    many = _rate(lambda: outbox.add_many([_mail() for _ in range(MANY)])) * MANY
    yield Row(f"{title}: a bare INSERT, each committed", bare, "/s")
    yield Row(f"{title}: adds alone", alone, "/s")
    yield Row(f"{title}: adds in groups of {GROUP}", groups, "/s")
    yield Row(f"{title}: adds by add_many, {MANY} each", many, "/s")
    yield Row(f"{title}: an add alone", bare / alone, "x a bare INSERT")
    with vendor(delay=DELAY) as where, Nursery() as nursery:
        dsn = f"mailgun://key:example.com@default?base_url={where}"
        for count in workers:
            rate, spent = _drain(outbox, nursery, dsn, count)
            yield Row(f"{title}: drain with {count} workers", rate, "/s")
            yield Row(f"{title}: the same, by the workers' CPU time", DRAINED / spent, "/s")
    claims = {}
    for count in WAITING:
        claims[count] = _claim(outbox, count)
        yield Row(f"{title}: a claim, {count:,} waiting", claims[count] * 1e6, "us")
    growth = claims[WAITING[-1]] / claims[WAITING[0]]
    yield Row(f"{title}: a claim, {WAITING[-1]:,} waiting", growth, "x one waiting", 2.0)
    outbox.close()


def _mail() -> Message:
    return Message(
        to="ann@example.org", from_email="shop@example.com", subject="Your order", text=BODY
    )


def _rate(act: Callable[[], object]) -> float:
    """
    How often a second *act* can be done.
    """
    act()
    count, began = 0, time.perf_counter()
    while time.perf_counter() - began < SECONDS:
        act()
        count += 1
    return count / (time.perf_counter() - began)


def _syncs(path: Path) -> float:
    page = b"\7" * 4096
    file = os.open(path, os.O_RDWR | os.O_CREAT)

    def sync() -> None:
        os.write(file, page)
        os.fdatasync(file)

    rate = _rate(sync)
    os.close(file)
    return rate


def _bare_insert(engine: Engine) -> Callable[[], None]:
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE bare (sender TEXT, body TEXT)"))
    statement = text(_BARE)

    def insert() -> None:
        with engine.begin() as connection:
            connection.execute(statement, {"body": BODY})

    return insert


def _add_group(outbox: Outbox) -> None:
    with outbox.engine.begin() as connection:
        for _ in range(GROUP):
            outbox.add(_mail(), connection)


@contextmanager
def _emptied(outbox: Outbox) -> Iterator[None]:
    _empty(outbox)
    yield
    _empty(outbox)


def _empty(outbox: Outbox) -> None:
    with outbox.engine.begin() as connection:
        for table in METADATA.sorted_tables:
            connection.execute(table.delete())


def _drain(outbox: Outbox, nursery: Nursery, dsn: str, workers: int) -> tuple[float, float]:
    """
    How many mails a second so many worker processes send, and the seconds of CPU that it takes.
    """
    with _emptied(outbox):
        for _ in range(DRAINED // MANY):
            outbox.add_many([_mail() for _ in range(MANY)])
        url = outbox.engine.url.render_as_string(hide_password=False)
        began = time.perf_counter()
        crew = [nursery.start("work", url=url, dsn=dsn) for _ in range(workers)]
        while outbox.stats().counts[State.SENT] < DRAINED:
            time.sleep(0.05)
        seconds = time.perf_counter() - began
        spent = sum(map(_cpu, crew))
        for pid in crew:
            nursery.kill(pid)
    return DRAINED / seconds, spent


def _cpu(pid: int) -> float:
    """
    The seconds of CPU that a process has spent, by the system's books.
    """
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _claim(outbox: Outbox, waiting: int) -> float:
    """
    The time of one claim with so many mails waiting, in seconds.
    """
    name = outbox.engine.dialect.name
    false = "false" if name == "postgresql" else "0"
    worker = OutboxWorker(outbox, Mailer("null://"))
    times = []
    with _emptied(outbox):
        with outbox.engine.begin() as connection:
            numbers = _NUMBERS[name].format(count=waiting)
            connection.execute(text(_FILL.format(false=false, numbers=numbers)))
        for _ in range(CLAIMS):
            began = time.perf_counter()
            leases = worker.claim(1)
            times.append(time.perf_counter() - began)
            worker.give_back(leases)
    return statistics.median(times)
