"""
The programs at the end of pages of the docs, run as their readers run them.

Such a block is marked ``program``: it is a whole file, run by a process of its own.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailfailover.testing import FaultServer

ROOT = Path(__file__).parents[1]
PROGRAM = re.compile(r"(?ms)^```python program\n(?P<code>.*?)^```$")
START_SECONDS = 60


def programs(page: str) -> list[str]:
    """
    The programs of ``docs/<page>.md``, in their order.
    """
    text = (ROOT / "docs" / f"{page}.md").read_text("utf-8")
    return [match["code"] for match in PROGRAM.finditer(text)]


def chain_of(first: FaultServer, second: FaultServer) -> str:
    """
    The DSN of a failover from Mailgun to SendGrid.
    """
    return (
        f"failover(mailgun://key:example.com@default?base_url={first.url} "
        f"sendgrid://key@default?base_url={second.url})"
    )


@contextmanager
def running(
    directory: Path, code: str, *command: str, name: str = "shop.py", **environ: str
) -> Iterator[subprocess.Popen[str]]:
    """
    Save *code* as *name* in *directory*, and run Python with *command* there.
    """
    (directory / name).write_text(code, "utf-8")
    path = os.pathsep.join([str(directory), str(ROOT)])
    log = directory / "log.txt"
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=directory,
            env={**os.environ, "PYTHONPATH": path, **environ},
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            yield process
        finally:
            process.terminate()
            process.wait(timeout=30)


def free_port() -> int:
    """
    A port of 127.0.0.1 on which nobody listens.
    """
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def post(url: str, **fields: str) -> Any:
    """
    Post a form, as soon as somebody listens there, and return the JSON that is answered.
    """
    data = urllib.parse.urlencode(fields).encode()
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(url, data, timeout=30) as response:  # noqa: S310 -- ours
                return json.load(response)
        except urllib.error.HTTPError as exc:
            raise AssertionError(f"{url} answered {exc.code}: {exc.read()!r}") from exc
        except urllib.error.URLError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
