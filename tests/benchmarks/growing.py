"""
What a send costs with many links, and with many parked senders: no more than with few.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mailfailover import Mailer
from mailfailover.errors import SenderRefused
from tests.benchmarks.contenders import Instant, mail, mailgun
from tests.benchmarks.table import Row

if TYPE_CHECKING:
    from collections.abc import Iterator

LINKS = (3, 20, 100)
PARKED = 100_000
SENDS = 500
ROUNDS = 9
LIMIT = 1.2


def rows() -> Iterator[Row]:
    """
    Measure it in turns; the best of each counts.
    """
    with _mailers() as mailers:
        spent: dict[str, list[float]] = {name: [] for name in mailers}
        for _ in range(ROUNDS):
            for name, mailer in mailers.items():
                spent[name].append(_cost(mailer))
    few, *more = spent
    for name in more:
        yield Row.of(
            f"a send with {name}: CPU", min(spent[name]), min(spent[few]), f"x {few}", LIMIT
        )


@contextmanager
def _mailers() -> Iterator[dict[str, Mailer]]:
    url = "http://127.0.0.1:1"
    found = {f"{count} links": _mailer(url, count) for count in LINKS}
    parked = found[f"{PARKED:,} parked senders"] = _mailer(url, LINKS[0])
    for number in range(PARKED):
        ticket = parked.health.ask("link0", f"shop{number}.example", 10.0)
        parked.health.failed(ticket, SenderRefused(), count=True)  # type: ignore[arg-type]
    try:
        yield found
    finally:
        for mailer in found.values():
            mailer.close()


def _mailer(url: str, links: int) -> Mailer:
    chain = {f"link{number}": mailgun(url) for number in range(links)}
    return Mailer(chain, transport=Instant())


def _cost(mailer: Mailer) -> float:
    message = mail()
    began = time.process_time()
    for _ in range(SENDS):
        mailer.send(message)
    return (time.process_time() - began) / SENDS
