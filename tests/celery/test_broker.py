from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import mailfailover.celery
from mailfailover import ConfigurationError
from mailfailover.celery import broker_url, is_reachable

if TYPE_CHECKING:
    from pathlib import Path


def test_the_broker_comes_from_the_environment() -> None:
    """
    From our own variable first, then from those of hosts.
    """
    environ = {
        "REDISTOGO_URL": "redis://togo",
        "CLOUDAMQP_URL": "amqp://cloud",
        "MAILFAILOVER_BROKER": " amqp://mine ",
    }

    assert "amqp://mine" == broker_url(environ)
    del environ["MAILFAILOVER_BROKER"]
    assert "amqp://cloud" == broker_url(environ)
    del environ["CLOUDAMQP_URL"]
    assert "redis://togo" == broker_url(environ)
    assert "" == broker_url({"MAILFAILOVER_BROKER": " "})


def test_without_a_broker_the_error_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    With examples.
    """
    for name in ("MAILFAILOVER_BROKER", "CLOUDAMQP_URL", "REDISTOGO_URL"):
        monkeypatch.delenv(name, raising=False)

    with pytest.raises(ConfigurationError, match="set MAILFAILOVER_BROKER, for example"):
        _ = mailfailover.celery.app


@pytest.mark.parametrize(
    ("url", "expected"),
    [("memory://", True), ("amqp://127.0.0.1:1//", False), ("redis://127.0.0.1:1", False)],
)
def test_whether_a_broker_answers(url: str, expected: bool) -> None:
    """
    It is asked, not believed.
    """
    assert expected is is_reachable(url)


def test_what_is_not_there_is_no_attribute() -> None:
    """
    As of any module.
    """
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = mailfailover.celery.nothing


def test_celery_finds_an_application_in_the_module(tmp_path: Path) -> None:
    """
    Made of the environment's variables, with a queue of its own.
    """
    environ = os.environ | {
        "MAILFAILOVER_BROKER": "memory://",
        "MAILFAILOVER_DSN": "null://",
        "MAILFAILOVER_DATABASE": f"sqlite:///{tmp_path / 'mails.db'}",
    }
    code = """
from celery.app.utils import find_app
app = find_app("mailfailover.celery")
assert app is find_app("mailfailover.celery:app")
app.finalize()
print(app.conf.task_default_queue, sorted(name for name in app.tasks if "celery." not in name))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, text=True, env=environ
    )

    assert "mailfailover ['mailfailover.send', 'mailfailover.sweep']" == done.stdout.strip()
