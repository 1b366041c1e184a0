"""
What one mail costs, as ratios to ``requests.Session.post`` of the same mail.

Run by ``make bench``; prints a table and writes it as JSON. The contenders take turns in one
process, so that a busy machine slows them alike; CPU ratios are the ones to judge by.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import requests

from mailfailover import Mailer, Message
from mailfailover.plugin import Response
from mailfailover.providers.mailgun import Mailgun
from mailfailover.transports.http import HTTPTransport
from tests.benchmarks.vendor import vendor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mailfailover.plugin import HTTPRequest

ROUNDS = 15
SENDS = 100
TEXT = "It is on its way. " * 112  # 2 kB
MICRO = 1e6


class Row(NamedTuple):
    """
    One line of the table.
    """

    name: str
    value: float
    unit: str
    goal: float | None = None


class Instant:
    """
    A transport that costs nothing.
    """

    answer = Response(200, {}, b'{"id": "1", "message": "Queued."}')

    def send(self, request: HTTPRequest, timeout: float) -> Response:
        """
        Answer at once.
        """
        return self.answer

    def close(self) -> None:
        """
        Nothing is open.
        """


class Spent(NamedTuple):
    """
    Seconds per send.
    """

    cpu: float
    wall: float


def chain_of_three(url: str) -> dict[str, Mailgun]:
    """
    Three accounts at one vendor.
    """
    return dict.fromkeys("abc", Mailgun(api_key="key", domain="mg.example.com", base_url=url))


def mail() -> Message:
    """
    The mail that all contenders send.
    """
    return Message(
        to="ann@example.org", from_email="shop@example.com", subject="Your order", text=TEXT
    )


def spend(send: Callable[[], object]) -> Spent:
    """
    Measure *send*, per call.
    """
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(SENDS):
        send()
    return Spent((time.process_time() - cpu) / SENDS, (time.perf_counter() - wall) / SENDS)


def take_turns(contenders: dict[str, Callable[[], object]]) -> dict[str, Spent]:
    """
    Measure all in turns; the median of each.
    """
    runs: dict[str, list[Spent]] = {name: [] for name in contenders}
    for _ in range(ROUNDS):
        for name, send in contenders.items():
            runs[name].append(spend(send))
    return {
        name: Spent(*(statistics.median(column) for column in zip(*spent, strict=True)))
        for name, spent in runs.items()
    }


def one_send(url: str) -> Iterable[Row]:
    """
    A validated mail through a chain of three, against the same fields posted by requests.
    """
    fields = {
        "from": "shop@example.com",
        "to": "ann@example.org",
        "subject": "Your order",
        "text": TEXT,
    }
    session = requests.Session()
    target = f"{url}/v3/mg.example.com/messages"
    transport = HTTPTransport()
    provider = Mailgun(api_key="key", domain="mg.example.com", base_url=url)
    with Mailer(chain_of_three(url), from_email="shop@example.com") as mailer:
        spent = take_turns(
            {
                "post": lambda: session.post(target, data=fields, auth=("api", "key")).json(),
                "mailer": lambda: mailer.send(
                    to="ann@example.org", subject="Your order", text=TEXT
                ),
                "hand": lambda: _by_hand(provider, transport, mail()),
            }
        )
    session.close()
    transport.close()
    post = spent["post"]
    for name, label, goal in (
        ("mailer", "Mailer.send, chain of three", 0.45),
        ("hand", "provider and transport by hand", None),
    ):
        yield Row(f"{label}: CPU", spent[name].cpu / post.cpu, "x Session.post", goal)
        yield Row(f"{label}: wall", spent[name].wall / post.wall, "x Session.post")
    yield Row("Session.post: CPU", post.cpu * MICRO, "µs")


def _by_hand(provider: Mailgun, transport: HTTPTransport, message: Message) -> object:
    response = transport.send(provider.build_request(message), 10)
    return provider.parse_response(response, message)


def overhead() -> Iterable[Row]:
    """
    Chain, policy, health and receipt, over the provider and a transport that does nothing.
    """
    transport = Instant()
    message, provider = mail(), chain_of_three("http://127.0.0.1")["a"]
    mailer = Mailer(chain_of_three("http://127.0.0.1"), transport=transport)
    spent = take_turns(
        {
            "mailer": lambda: mailer.send(message),
            "hand": lambda: provider.parse_response(
                transport.send(provider.build_request(message), 10), message
            ),
        }
    )
    cost = (spent["mailer"].cpu - spent["hand"].cpu) * MICRO
    yield Row("chain, policy, health, receipt", cost, "µs", 8.0)


def imports() -> Iterable[Row]:
    """
    What an application pays for the import alone.
    """
    ours, theirs = (
        statistics.median(_import_seconds(name) for _ in range(7))
        for name in ("mailfailover", "requests")
    )
    yield Row("import mailfailover", ours / theirs, "x import requests", 0.15)


def _import_seconds(module: str) -> float:
    code = f"import time; t = time.process_time(); import {module}; print(time.process_time() - t)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    return float(done.stdout)


def main() -> None:
    """
    Measure everything, print it and write it down.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("json", nargs="?", type=Path, default=Path("bench.json"))
    path: Path = parser.parse_args().json
    with vendor() as url:
        rows = [*one_send(url), *overhead(), *imports()]
    for row in rows:
        goal = "" if row.goal is None else f"   goal: at most {row.goal:g}"
        print(f"{row.name:<44}{row.value:>9.2f} {row.unit:<18}{goal}")
    path.write_text(json.dumps([row._asdict() for row in rows], indent=2) + "\n")


if __name__ == "__main__":
    main()
