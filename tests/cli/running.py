"""
The command line, run in this process or as one of its own.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from contextlib import contextmanager
from threading import Thread
from typing import TYPE_CHECKING

from click.testing import CliRunner, Result

from mailfailover.cli.command_line import cli

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mailfailover.testing import FaultServer

KEY = "SG.top-secret"
MAIL = ("--from", "a@example.com", "--to", "b@example.com", "--subject", "Hi", "--text", "Hello")


def run(*arguments: str, stdin: str | bytes | None = None) -> Result:
    """
    Run the command in this process.
    """
    return CliRunner().invoke(cli, arguments, input=stdin)


def process(
    *arguments: str, code: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    """
    Run the command, or *code* in its place, as a process with more *environment*.
    """
    command = ["-c", code] if code else ["-m", "mailfailover"]
    return subprocess.run(
        [sys.executable, *command, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=os.environ | environment,
    )


@contextmanager
def listening(*arguments: str, **environment: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """
    Run a command that listens, on a free port; yield its process and its URL.

    Its log is read to the end in the background, or it would stop when the pipe is full.
    """
    command = [sys.executable, "-m", "mailfailover", *arguments, "--port", "0"]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env=os.environ | environment
    ) as process:
        try:
            assert process.stderr is not None
            seen = []
            for line in process.stderr:
                seen.append(line)
                if found := re.search(r": (http://[^ ]+:[0-9]+)  ", line):
                    Thread(target=process.stderr.read, daemon=True).start()
                    yield process, found[1]
                    return
            raise AssertionError("".join(seen))
        finally:
            process.terminate()


def dsn_of(vendor: FaultServer, key: str = "sendgrid") -> str:
    """
    Return the DSN of *vendor*, which speaks as SendGrid.
    """
    return f"{key}=sendgrid://{KEY}@default?base_url={vendor.url}"


def install_plugin(directory: Path, code: str = "") -> None:
    """
    Put a distribution into *directory* that registers ``acme``, with *code* or without any.
    """
    if code:
        (directory / "acme_mail.py").write_text(code)
    info = directory / "acme_mail-2.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-mail\nVersion: 2.0\n")
    (info / "entry_points.txt").write_text("[mailfailover.providers]\nacme = acme_mail:Acme\n")
