"""
What a vendor's death costs: 300 mails, the first provider dying after 50 in each way.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from mailfailover import Mailer, Message
from mailfailover.providers.mailgun import Mailgun
from mailfailover.providers.mandrill import Mandrill
from mailfailover.testing import FaultServer, faults
from tests.benchmarks.table import Row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailfailover.testing import Fault

MAILS = 300
HEALTHY = 50
THREADS = 32
ATTEMPT_TIMEOUT = 2.0

DEATHS: dict[str, Fault | str | None] = {
    "healthy": None,
    "refuse": faults.refuse(),
    "500": "internal",
    "slow 503": faults.slow(0.6 * ATTEMPT_TIMEOUT, "unavailable"),
    "429": "rate_limited",
    "401": "auth",
    "hang": faults.hang_after_read(),
}


def rows() -> Iterator[Row]:
    """
    Measure it all.
    """
    healthy = _run("healthy")
    for name in list(DEATHS)[1:]:
        allowed = 1.15 * healthy[0] + ATTEMPT_TIMEOUT
        took, wasted = _run(name)
        yield Row(f"first provider dies ({name}): wall", took / allowed, "x what is allowed", 1.0)
        yield Row(f"first provider dies ({name}): wasted calls", wasted, "of 300 mails")
    _, wasted = _run("hang", THREADS)
    yield Row("first provider dies (hang), 32 threads: wasted", wasted, "calls", THREADS)


def _run(name: str, threads: int = 1) -> tuple[float, int]:
    """
    Send all; return how long it took, and how many calls the dying provider got in vain.
    """
    fault = DEATHS[name]
    with FaultServer("mailgun") as first, FaultServer("mandrill") as second:
        mailer = Mailer(
            [
                Mailgun(api_key="key", domain="mg.example.com", base_url=first.url),
                Mandrill(api_key="key", base_url=second.url),
            ],
            from_email="shop@example.com",
            attempt_timeout=ATTEMPT_TIMEOUT,
        )
        started = time.perf_counter()
        with mailer, ThreadPoolExecutor(threads) as pool:
            list(pool.map(mailer.send, _mails(HEALTHY)))
            if fault is not None:
                first.fail(fault)
            attempts = [
                attempt
                for receipt in pool.map(mailer.send, _mails(MAILS - HEALTHY))
                for attempt in receipt.attempts
            ]
        took = time.perf_counter() - started
    return took, sum(attempt.outcome != "accepted" for attempt in attempts)


def _mails(count: int) -> list[Message]:
    return [Message(to="ann@example.org", subject="Hi", text="Hello") for _ in range(count)]
