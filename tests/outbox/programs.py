"""
Programs that add mails and send them, as processes that a test may kill.

A *nursery* is a process that has loaded all they need and forks one of them for each line of
its standard input, so that a thousand of them can be started and killed in minutes.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from mailfailover import Mailer, Message
from mailfailover._sql.database import open_engine
from mailfailover.deliveries import DeliveryHealth
from mailfailover.outbox import Outbox, OutboxWorker
from mailfailover.tracking import Tracking

if TYPE_CHECKING:
    from collections.abc import Callable

SENDER = "shop@example.com"


def mail(name: str, number: int) -> Message:
    """
    One of many: most are for one recipient, some for two, some a merge for three.

    No two have a recipient in common, so that each acceptance can be told from the others.
    """
    mail_id = f"{name}-{number}"
    kind = number % 5
    emails = [f"{mail_id}-{place}@example.org".lower() for place in range((1, 1, 2, 1, 3)[kind])]
    merge = {one: {"name": one.partition("@")[0]} for one in emails} if kind == 4 else {}
    return Message(
        to=emails,
        from_email=SENDER,
        subject="Hello {{name}}" if merge else "Hello",
        text="Hello!",
        merge_data=merge,
        id=mail_id,
    )


def add(*, url: str, name: str, acknowledged: str, pause: float, **_: Any) -> None:
    """
    Add mails for ever, and write down the id of each that :meth:`Outbox.add` acknowledged.
    """
    outbox = Outbox(url)
    with Path(acknowledged).open("a", encoding="utf-8", buffering=1) as file:
        for number in range(1_000_000):
            with suppress(Exception):  # not acknowledged then
                file.write(outbox.add(mail(name, number)) + "\n")
            time.sleep(pause)


def tracked(url: str) -> dict[str, Any]:
    """
    The options of a mailer that knows what becomes of its mails, in the database *url*.
    """
    tracking = Tracking(url)
    return {"observers": [tracking], "deliveries": DeliveryHealth(tracking, every=None)}


def work(
    *,
    url: str,
    dsn: str,
    crash: str = "",
    once: bool = False,
    is_tracked: bool = False,
    **settings: Any,
) -> None:
    """
    Send mails, until it is killed, or comes to the point *crash*.
    """
    outbox = Outbox(url)
    timeout = settings.pop("timeout", 3.0)
    known = tracked(url) if is_tracked else {}
    mailer = Mailer(
        dsn, timeout=timeout, attempt_timeout=settings.pop("attempt_timeout", 0.5), **known
    )
    if crash:
        from tests.outbox.crashing import crash_at

        crash_at(crash, outbox, mailer)
    worker = OutboxWorker(outbox, mailer, **settings)
    if once:
        worker.run_once()
    else:
        worker.run()


PROGRAMS: dict[str, Callable[..., None]] = {"add": add, "work": work}


class Nursery:
    """
    Where the processes come from; leave it, and all of them are gone.
    """

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.outbox.programs"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        self._alive: set[int] = set()

    def start(self, program: str, **options: Any) -> int:
        """
        Start one of :data:`PROGRAMS`; return its process id.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([program, options]) + "\n")
        self._process.stdin.flush()
        pid = int(self._process.stdout.readline())
        self._alive.add(pid)
        return pid

    def kill(self, pid: int) -> None:
        """
        Kill it, and see that it is dead.
        """
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        self.wait(pid)

    def wait(self, pid: int, seconds: float = 30.0) -> None:
        """
        Wait until it is dead.
        """
        end = time.monotonic() + seconds
        while _is_alive(pid):
            assert time.monotonic() < end, "the process does not end"
            time.sleep(0.002)
        self._alive.discard(pid)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for pid in tuple(self._alive):
            self.kill(pid)
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)
        assert self._process.stdout is not None
        self._process.stdout.close()


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _nurse() -> None:
    """
    Fork a program for each line that comes.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the dead are buried by the system
    Mailer("null://").close()  # these load what the programs need
    open_engine("postgresql://127.0.0.1/none").dispose()
    for line in sys.stdin:
        program, options = json.loads(line)
        pid = os.fork()
        if not pid:
            try:
                PROGRAMS[program](**options)
            finally:
                os._exit(0)
        print(pid, flush=True)  # noqa: T201 -- to the test


if __name__ == "__main__":
    _nurse()
