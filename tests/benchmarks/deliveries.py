"""
What deliveries cost: the chain's question, the judge's look, and the tables after a million sends.
"""

from __future__ import annotations

import tempfile
import time
import timeit
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import create_engine

from mailfailover import Message
from mailfailover._chain.candidate import Candidate
from mailfailover._provider.link import Link
from mailfailover._sql import schema
from mailfailover.deliveries import Cell, CellState
from mailfailover.deliveries._apart import Apart
from mailfailover.deliveries._cell_rows import write_cells
from mailfailover.deliveries._count_rows import (
    compact,
    read_changes,
    read_ledger,
    write_counts,
)
from mailfailover.deliveries._counts import HOUR, SENT, SLICE, Buffer
from mailfailover.deliveries._judge import Judge
from mailfailover.deliveries._routing import Routing
from mailfailover.deliveries._situation import Situation
from mailfailover.deliveries._tables import PART
from mailfailover.deliveries._turns import take_turn, turn_number
from mailfailover.providers.null import Null
from mailfailover.receivers import receiver_of
from tests.benchmarks.table import Row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Engine

    from mailfailover.deliveries._cell import Place

LINKS = ("one", "two", "three", "four", "five")
RECEIVERS = tuple(f"{number}.example" for number in range(20))
MAILS = 1_000_000
DAYS = 8
NOW = 20_000 * 86400
_MAIL = Message(to="ann@gmail.com", from_email="shop@example.com", subject="s", text="t")


def rows() -> Iterator[Row]:
    """
    Measure it all.
    """
    yield from _questions()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "mails.db")
        engine = create_engine(f"sqlite:///{path}")
        schema.init(engine, PART)
        _send(engine)
        yield Row("deliveries: tables after a million sends", path.stat().st_size / 1e6, "MB", 20)
        yield from _looks(engine)
        engine.dispose()


def _questions() -> Iterator[Row]:
    """
    What a send asks, beyond taking the first candidate of a list.
    """
    apart, now = Apart(), time.time()
    routing = Routing(
        lambda domain: apart.name(receiver_of(domain), time.time()), Buffer().sent, time.time
    )
    candidates = [Candidate(Link(Null(), key), "example.com") for key in LINKS[:3]]
    ill = Cell(CellState.BLOCKED, since=now)
    plenty = {("two", "gmail"): 1e9}
    base = _each(lambda: next(iter(candidates)))
    for name, situation in (
        ("nothing is wrong", None),
        ("another receiver is", Situation({("one", "yahoo"): ill})),
        ("its first link is", Situation({("one", "gmail"): ill}, plenty)),
    ):
        routing.situation = situation
        each = _each(lambda: next(iter(routing.order(_MAIL, iter(candidates)))))
        yield Row(f"deliveries: a send asks, {name}", 1e6 * (each - base), "us", 3)


def _each(ask: Callable[[], object], number: int = 2000) -> float:
    """
    Seconds of one call, in the quietest of many moments.
    """
    return min(timeit.repeat(ask, number=number, repeat=50)) / number


def _send(engine: Engine) -> None:
    """
    A million sends over eight days, written and compacted as a process does, by the hour.
    """
    buffer = Buffer()
    cells = [(link, receiver) for link in LINKS for receiver in RECEIVERS]
    slices = DAYS * 86400 // SLICE
    each = MAILS / (slices * len(cells))
    for number in range(slices):
        start = NOW - (slices - number) * SLICE
        for place, (link, receiver) in enumerate(cells):
            turn = number * len(cells) + place
            mails = int((turn + 1) * each) - int(turn * each)
            buffer.add(start, link, receiver, SENT, mails)
            buffer.add(start, link, receiver, "300", mails - 1)
            buffer.add(start, link, receiver, "1800" if number % 3 else "900")
        if start % HOUR == HOUR - SLICE:
            with engine.begin() as connection:
                write_counts(connection, buffer.take())
                compact(connection, start)


def _looks(engine: Engine) -> Iterator[Row]:
    """
    The judge's look at a hundred cells: the first one of an hour, and each minute after it.
    """
    before: dict[Place, Cell] = {}
    with engine.begin() as connection:
        started = time.process_time()
        ledger = read_ledger(connection, NOW)
        yield Row("deliveries: 100 cells, once an hour", _since(started), "ms")
        take_turn(connection, "judge", NOW, 60)
        turn = turn_number(connection, "judge") + 1
    took = []
    for minute in range(1, 6):
        buffer = Buffer()
        for link in LINKS:
            for receiver in RECEIVERS:
                buffer.add(NOW, link, receiver, SENT)
                buffer.add(NOW, link, receiver, "300")
        with engine.begin() as connection:
            take_turn(connection, "judge", NOW + 60 * minute, 60)
            write_counts(connection, buffer.take())
        with engine.begin() as connection:
            started = time.process_time()
            read_changes(connection, ledger, turn + minute)
            read = _since(started)
            verdicts = Judge(ledger, NOW + 60 * minute, before).verdicts()
            judged = _since(started) - read
            write_cells(connection, before, verdicts.cells, {})
            took.append((read, judged, _since(started) - read - judged))
        before = dict(verdicts.cells)
    parts = ("read changes", "judge", "write")
    for name, values in zip(parts, zip(*took, strict=True), strict=True):
        yield Row(f"deliveries: 100 cells, each minute: {name}", min(values), "ms")


def _since(started: float) -> float:
    return 1000 * (time.process_time() - started)
