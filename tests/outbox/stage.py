"""
A stage for an outbox: vendors on real sockets, processes that can be killed, and a verdict.
"""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

from mailfailover.outbox import Outbox
from mailfailover.testing import FaultServer, faults
from tests.outbox.history import complaints, settle_down

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mailfailover.testing import Fault
    from tests.outbox.programs import Nursery

ROUNDS = int(os.environ.get("MAILFAILOVER_ROUNDS", "12"))
SEED = int(os.environ.get("MAILFAILOVER_SEED", "7"))

PATIENCE = 60.0 + ROUNDS
"""Seconds until all has settled down: mails whose worker was killed are sent one by one."""

QUICK: dict[str, Any] = {
    "lease": 0.5,
    "poll": 0.05,
    "pause": 0.1,
    "unknown_after": 0.2,
    "max_lost": 6,
}
"""A worker that has little patience."""

WAYS: list[Fault | str] = [
    "unavailable",
    "internal",
    "bad_gateway",
    "rate_limited",
    faults.reset_before_read(),
    faults.reset_after_read(),
    faults.accept_then(faults.reset_after_read()),
    faults.accept_then("bad_gateway"),
    faults.slow(0.2),
    faults.accept_then(faults.slow(1.0)),
    "bad_recipient",
]


@dataclass
class Vendors:
    """
    Three vendors on real sockets.
    """

    servers: dict[str, FaultServer] = field(
        default_factory=lambda: {
            name: FaultServer(name) for name in ("sendgrid", "mailgun", "mandrill")
        }
    )

    @property
    def dsn(self) -> str:
        """
        A chain of all of them.
        """
        urls = {name: f"base_url={server.url}" for name, server in self.servers.items()}
        return (
            f"failover(sendgrid://key@default?{urls['sendgrid']} "
            f"mailgun://key:example.com@default?{urls['mailgun']} "
            f"mandrill://key@default?{urls['mandrill']})"
        )

    def fail(self, rng: Random) -> None:
        """
        Let one of them fail for a few mails, in one way or another.
        """
        server = rng.choice(list(self.servers.values()))
        server.fail(rng.choice(WAYS), times=rng.randint(1, 5))

    def heal(self) -> None:
        """
        Let all be well.
        """
        for server in self.servers.values():
            server.heal()

    def accepted(self) -> Counter[str]:
        """
        How often they took a mail for each address.
        """
        found: Counter[str] = Counter()
        for server in self.servers.values():
            found += server.accepted_recipients()
        return found


@dataclass
class Stage:
    """
    An outbox, vendors, and a place where processes come from.
    """

    url: str
    vendors: Vendors
    nursery: Nursery
    notes: Path
    outbox: Outbox

    def work(self, **settings: Any) -> int:
        """
        Start a worker.
        """
        options = {"url": self.url, "dsn": self.vendors.dsn} | QUICK | settings
        return self.nursery.start("work", **options)

    def add(self, name: str, pause: float = 0.03) -> int:
        """
        Start a process that adds mails.
        """
        return self.nursery.start(
            "add", url=self.url, name=name, acknowledged=str(self.notes), pause=pause
        )

    def verdict(self) -> list[str]:
        """
        Let everything come to its end, and say what is wrong then.
        """
        self.vendors.heal()
        workers = [self.work() for _ in range(2)]
        settle_down(self.outbox, PATIENCE)
        for worker in workers:
            self.nursery.kill(worker)
        return complaints(self.outbox, self.notes.read_text().split(), self.vendors.accepted())


@contextmanager
def on_stage(url: str, directory: Path, nursery: Nursery) -> Iterator[Stage]:
    """
    Everything for a test, in the database *url*.
    """
    with ExitStack() as stack:
        vendors = Vendors()
        for server in vendors.servers.values():
            stack.enter_context(server)
        notes = directory / "acknowledged"
        notes.touch()
        outbox = Outbox(url)
        stack.callback(outbox.close)
        outbox.init()
        yield Stage(url, vendors, nursery, notes, outbox)


def play(stage: Stage, workers: int, rounds: int) -> None:
    """
    Kill one process after the other at random moments, and start it anew; stop some instead.
    """
    rng = Random(SEED)
    crew = [stage.work() for _ in range(workers)]
    adder = stage.add("mail-0")
    for number in range(1, rounds + 1):
        stage.vendors.fail(rng)
        time.sleep(rng.uniform(0.02, 0.4))
        victim = rng.randrange(workers + 1)
        if victim == workers:
            stage.nursery.kill(adder)
            adder = stage.add(f"mail-{number}")
        elif rng.random() < 0.2:
            os.kill(crew[victim], signal.SIGSTOP)
            time.sleep(QUICK["lease"] * rng.uniform(0.5, 1.5))
            os.kill(crew[victim], signal.SIGCONT)
        else:
            stage.nursery.kill(crew[victim])
            crew[victim] = stage.work()
    for pid in (adder, *crew):
        stage.nursery.kill(pid)
