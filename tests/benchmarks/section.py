"""
A section of the benchmark, in a process of its own.

Run as ``python -m tests.benchmarks.section NAME``; prints each row as a line of JSON.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from importlib import import_module
from threading import Timer
from typing import TYPE_CHECKING

from tests.benchmarks.table import Row

if TYPE_CHECKING:
    from collections.abc import Iterator

SECTIONS = (
    "sending",
    "bodies",
    "loading",
    "failing",
    "growing",
    "posting",
    "port",
    "outbox",
    "deliveries",
)
LIMIT = 300.0
"""Seconds that a section may take."""


class SectionFailed(Exception):
    """
    A section ended before all of its rows were there.
    """


def measure(section: str, limit: float = LIMIT) -> Iterator[Row]:
    """
    Yield the rows of *section* as its process finds them.

    Raises:
        SectionFailed:
            If that process ends with an error or runs for more than *limit* seconds.
    """
    with _running(section) as process:
        is_late = Timer(limit, _end, [process])
        is_late.start()
        assert process.stdout is not None
        for line in process.stdout:
            yield Row(**json.loads(line))
        code = process.wait()
        has_time = is_late.is_alive()
        is_late.cancel()
    if not has_time:
        raise SectionFailed(f"took more than {limit:g} s")
    if code:
        raise SectionFailed(f"ended with code {code}; its traceback is above")


@contextmanager
def _running(section: str) -> Iterator[subprocess.Popen[str]]:
    """
    The process of *section*, which takes all processes that it started with it.
    """
    command = [sys.executable, "-m", "tests.benchmarks.section", section]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            yield process
        finally:
            _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def main() -> None:
    """
    Measure one section.
    """
    for row in import_module(f"tests.benchmarks.{sys.argv[1]}").rows():
        print(json.dumps(row._asdict()), flush=True)


if __name__ == "__main__":
    main()
