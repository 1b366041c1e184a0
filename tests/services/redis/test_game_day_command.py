"""
The command of a game day, on a real Redis.
"""

from __future__ import annotations

import json
import os
import signal
import threading
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from mailfailover import ConfigurationError, Mailer
from mailfailover.cli.command_line import cli
from mailfailover.cli.game_day import run_game_day
from mailfailover.outbox import Outbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.services.redis.server import RedisServer

pytestmark = pytest.mark.services

SHORT = 0.4 / 60


@pytest.fixture
def mailer(redis: RedisServer) -> Iterator[Mailer]:
    """
    A chain of two accounts with shared health.
    """
    with Mailer("failover(a=null:// b=memory://)", health=redis.url) as one:
        yield one


def test_a_game_day_passes(mailer: Mailer, capsys: pytest.CaptureFixture[str]) -> None:
    """
    Each look is a line, and the end says that the link is back.
    """
    code = run_game_day(mailer, "a", minutes=SHORT, budget=200, database=None, as_json=False)

    said = capsys.readouterr()
    assert code == 0
    assert said.out == (
        "The time is over. a was out for 0 s and is in use again; about 0 mails went another way.\n"
    )
    assert said.err == (
        "    0 s: 0 mails went another way; 0 of 0 calls of the last minute failed; "
        "1 links are in use\n"
    )


def test_a_game_day_is_json(
    mailer: Mailer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    With an outbox mails are counted.
    """
    database = f"sqlite:///{tmp_path}/mails.db"
    outbox = Outbox(database)
    outbox.init()
    outbox.close()

    code = run_game_day(mailer, "a", minutes=SHORT, budget=200, database=database, as_json=True)

    written = json.loads(capsys.readouterr().out)
    assert code == 0
    assert (written["end"], written["counted"], len(written["looks"])) == ("time", True, 3)


def test_trouble_is_told_by_the_exit_code(
    redis: RedisServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    1 where the link had to be put back early: both links are one account here.
    """
    with Mailer("failover(a=null:// b=null://)", health=redis.url) as mailer:
        code = run_game_day(mailer, "a", minutes=1, budget=200, database=None, as_json=False)

    assert code == 1
    assert capsys.readouterr().out.startswith("The other links fail. a was out for 0 s and is in")


def test_sigterm_ends_it_as_ctrl_c_does(mailer: Mailer) -> None:
    """
    The link is in use again, and the exit code is that of an interruption.
    """

    def end_when_it_is_out() -> None:
        # A signal before the command listens for it would end these tests.
        while not over.wait(0.05):
            if mailer.health.snapshot()["a"].state == "isolated":
                os.kill(os.getpid(), signal.SIGTERM)
                return

    over = threading.Event()
    thread = threading.Thread(target=end_when_it_is_out)
    thread.start()
    try:
        code = run_game_day(mailer, "a", minutes=1, budget=200, database=None, as_json=False)
    finally:
        over.set()
        thread.join()

    assert code == 130
    assert mailer.health.snapshot()["a"].state == "closed"


def test_a_link_must_be_named(mailer: Mailer) -> None:
    """
    Nothing is taken out by chance.
    """
    with pytest.raises(ConfigurationError, match="--live needs --isolate KEY"):
        run_game_day(mailer, "", minutes=1, budget=200, database=None, as_json=False)


def test_the_command_holds_a_game_day(redis: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    With the chain and the Redis of the environment, as the workers have them.
    """
    monkeypatch.setenv("MAILFAILOVER_DSN", "failover(a=null:// b=memory://)")
    monkeypatch.setenv("MAILFAILOVER_REDIS", redis.url)

    done = CliRunner().invoke(
        cli, ["drill", "--live", "--isolate", "a", "--minutes", "0.005", "--json"]
    )

    assert done.exit_code == 0
    assert json.loads(done.stdout)["passed"]
