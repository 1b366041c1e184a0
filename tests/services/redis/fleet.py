"""
Worker processes that share their health in Redis.

``python -m tests.services.redis.fleet URL FIRST SECOND WORKERS SPEED`` forks so many workers.
A line ``NUMBER MAILS`` of its input lets one of them send so many mails; its output has a line
for each mail: who took it.
"""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Any

from mailfailover import Mailer, ProviderChain
from mailfailover.providers.mailgun import Mailgun
from mailfailover.providers.mandrill import Mandrill
from mailfailover.redis import RedisHealth

if TYPE_CHECKING:
    from collections.abc import Callable


def fast(clock: Callable[[], float], speed: float) -> Callable[[], float]:
    """
    Return a clock on which time runs at *speed*.
    """
    return lambda: clock() * speed


def vendors(first: str, second: str) -> dict[str, Any]:
    """
    The providers of the chain, at these URLs.
    """
    return {
        "first": Mailgun(api_key="key-first", domain="example.com", base_url=first),
        "second": Mandrill(api_key="key-second", base_url=second),
    }


def work(chain: ProviderChain, orders: int) -> None:
    """
    Send as ordered until there are no more orders.
    """
    with (
        Mailer(chain, from_email="fleet@example.com", timeout=600) as mailer,
        open(orders) as lines,
    ):
        os.write(1, b"ready\n")
        for line in lines:
            for _ in range(int(line)):
                receipt = mailer.send(to="ann@example.org", subject="Hi", text="Hello")
                os.write(1, f"{receipt.provider}\n".encode())


def main() -> None:
    """
    Fork the workers, and hand out the orders. Time runs at *speed* for the chain.
    """
    url, first, second, workers, factor = sys.argv[1:]
    speed = float(factor)
    clock = fast(time.monotonic, speed)
    chain = ProviderChain(
        vendors(first, second),
        health=RedisHealth(url, timeout=10.0, clock=clock, now=fast(time.time, speed)),
        clock=clock,
        sleep=lambda seconds: time.sleep(seconds / speed),
    )
    desks = []
    for _ in range(int(workers)):
        reading, writing = os.pipe()
        if not os.fork():
            os.closerange(3, reading)
            os.close(writing)
            os.close(0)
            work(chain, reading)
            os._exit(0)
        os.close(reading)
        desks.append(writing)
    for line in sys.stdin:
        number, mails = line.split()
        os.write(desks[int(number)], f"{mails}\n".encode())


if __name__ == "__main__":
    main()
