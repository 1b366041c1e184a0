from __future__ import annotations

import json
import os
import signal
import socket
from typing import TYPE_CHECKING
from urllib.request import urlopen

import pytest

from mailfailover.cli.listening import import_service, listen
from mailfailover.errors import ConfigurationError
from mailfailover.providers.preview import Preview
from mailfailover.testing import PLAIN
from tests.cli.running import listening, run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_mailbox_is_served_until_told_to_end(number: signal.Signals, tmp_path: Path) -> None:
    """
    The mails of other processes are there, and the end is orderly.
    """
    Preview(tmp_path / "mails.db").send(PLAIN)

    with listening("preview", "--file", str(tmp_path / "mails.db")) as (process, url):
        with urlopen(f"{url}/json", timeout=60) as answer:  # noqa: S310 -- our own server
            (found,) = json.load(answer)
        process.send_signal(number)
        code = process.wait(60)

    assert PLAIN.id == found["id"]
    assert 0 == code


def test_mailbox_is_the_users_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Without a file it is the one that ``preview://`` uses.
    """
    monkeypatch.setitem(os.environ, "MAILFAILOVER_PREVIEW", str(tmp_path / "own.db"))
    Preview().send(PLAIN)

    with listening("preview") as (_, url), urlopen(f"{url}/json", timeout=60) as answer:  # noqa: S310
        assert 1 == len(json.load(answer))


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_port_that_is_taken_is_told(host: str) -> None:
    """
    The error names another way.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(ConfigurationError, match=f"port {port} of {host} cannot be had"):
            listen(None, host, port, name="test")


def test_command_reports_a_taken_port() -> None:
    """
    The command ends with the exit code of a wrong configuration.
    """
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = run("preview", "--port", str(taken.getsockname()[1]))

    assert 2 == done.exit_code
    assert "give another --port" in done.stderr


def test_missing_extra_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Who lacks Flask is told what to install; a module of ours that is missing is a bug.
    """
    with pytest.raises(ModuleNotFoundError):
        import_service("nothing")

    monkeypatch.setattr("mailfailover.cli.listening.import_module", _without_flask)
    with pytest.raises(ConfigurationError, match=r"needs flask: pip install"):
        import_service("preview")


def _without_flask(name: str) -> None:
    raise ModuleNotFoundError(name="flask")
