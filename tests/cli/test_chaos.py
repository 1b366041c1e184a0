from __future__ import annotations

import json
import os
import signal
import ssl
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.running import run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FREE = ("--listen", "127.0.0.1:0", "--smtp", "127.0.0.1:0")


@contextmanager
def playing(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], Any]]:
    """
    Run the command; yield its process and what it wrote as JSON.
    """
    command = [sys.executable, "-m", "mailfailover", "chaos", *FREE, "--json", *arguments]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=os.environ
    ) as process:
        assert process.stdout is not None
        try:
            lines: list[str] = []
            for line in process.stdout:
                lines.append(line)
                if line == "}\n":
                    break
            yield process, json.loads("".join(lines))
        finally:
            process.terminate()


def ask(url: str, context: ssl.SSLContext | None = None) -> Any:
    """
    The JSON at *url*.
    """
    with urllib.request.urlopen(url, timeout=10, context=context) as answer:  # noqa: S310 -- of this machine
        return json.load(answer)


def test_the_command_plays_until_it_is_told_to_end(tmp_path: Path) -> None:
    """
    With a DSN for each vendor, an outage, webhooks, TLS; SIGTERM is an orderly end.
    """
    authority = tmp_path / "ca.pem"
    with playing(
        *("--incident", "mandrill-2019-shard", "--webhook", "brevo=http://127.0.0.1:1/"),
        *("--ca-out", str(authority)),
    ) as (process, written):
        url = written["url"]
        trusting = ssl.create_default_context(cafile=str(authority))
        found = ask(url.replace("http:", "https:") + "/api/vendors", trusting)
        process.send_signal(signal.SIGTERM)
        code = process.wait(20)

    webhooks = {one["name"]: one["webhook"] for one in found["vendors"] if one["webhook"]}
    assert found["incident"] == "mandrill-2019-shard"
    assert webhooks == {"brevo": "http://127.0.0.1:1/"}
    assert written["dsns"]["mailgun"].endswith(f"base_url={url}/mailgun")
    assert code == 0


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--listen", "9000"), "--listen must be HOST:PORT, such as 127.0.0.1:9000, not 9000"),
        (("--smtp", "localhost:99999"), "--smtp must be HOST:PORT"),
        (("--listen", "0.0.0.0:9000"), "--listen 0.0.0.0:9000 can be reached by others: add --any"),
        (("--listen", "localhost:0", "--smtp", "127.0.0.1:0"), "must name the same host"),
        ((*FREE, "--tls-cert", "x.pem"), "TLS needs both --tls-cert and --tls-key"),
        ((*FREE, "--incident", "none"), "incident 'none' is unknown"),
        ((*FREE, "--webhook", "gmail=http://127.0.0.1:1/"), "gmail has no webhooks"),
    ],
)
def test_what_is_wrong_is_said(arguments: tuple[str, ...], problem: str) -> None:
    """
    The option, the problem and the remedy; exit code 2.
    """
    done = run("chaos", *arguments)

    assert done.exit_code == 2
    assert problem in done.output


def test_a_port_that_is_taken() -> None:
    """
    Another one is asked for.
    """
    with playing() as (_, written):
        address = written["url"].removeprefix("http://")
        done = run("chaos", "--listen", address, "--smtp", "127.0.0.1:0")

    assert done.exit_code == 2
    assert "the ports cannot be had (Address already in use)" in done.output
