from __future__ import annotations

import json
import logging
import os
import pty
import signal
import subprocess
import sys
from contextlib import suppress
from io import StringIO
from typing import TYPE_CHECKING

import pytest
from rich.console import Console
from sqlalchemy import text

from mailfailover import Mailer
from mailfailover.cli.json_logs import JSONFormatter
from mailfailover.cli.work_view import WorkView
from mailfailover.deliveries import Cell, CellState, DeliveryHealth
from mailfailover.deliveries._cell_rows import write_cells
from mailfailover.errors import AuthenticationFailed, ProviderUnavailable
from mailfailover.outbox import Outbox, OutboxWorker, State
from mailfailover.testing import FaultServer, faults
from mailfailover.tracking import Tracking
from tests.chains import MAIL, Scripted, World
from tests.cli.running import dsn_of, run

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def outbox() -> Iterator[Outbox]:
    """
    The outbox of the current directory, with one mail.
    """
    outbox = Outbox()
    outbox.init()
    outbox.add(MAIL)
    yield outbox
    outbox.close()


def start(vendor: FaultServer, **options: int) -> subprocess.Popen[str]:
    """
    The command as a process of its own, which sends through *vendor*.
    """
    return subprocess.Popen(
        [sys.executable, "-m", "mailfailover", "worker", "--dsn", dsn_of(vendor), "--poll", "0.05"],
        stderr=options.get("stderr", subprocess.PIPE),
        text=True,
        # Under a shell's background job Ctrl-C is ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )


def test_once_sends_what_is_due(outbox: Outbox, vendor: FaultServer) -> None:
    """
    And logs in JSON where there is no terminal, without a word of the mail.
    """
    done = run("worker", "--once", "--dsn", dsn_of(vendor))

    assert (0, "") == (done.exit_code, done.stdout)
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [
        ("the worker begins: sendgrid", None, None),
        ("mail m1: sent: by sendgrid", "m1", "sent"),
        ("the worker ends: 1 sent", None, None),
    ] == [
        (one["message"], one.get("mail_id"), one.get("state"))
        for one in lines
        if "accepted" not in one["message"]
    ]
    assert "ann@example.org" not in done.stderr
    assert {"m1": 1} == dict(vendor.accepted_ids())


def test_without_mails_there_is_nothing_to_do(outbox: Outbox) -> None:
    """
    It says so.
    """
    outbox.cancel("m1")

    done = run("worker", "--once", "--dsn", "null://")

    assert "the worker ends: nothing was to do" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["TERM", "INT"])
def test_a_signal_lets_it_finish(
    outbox: Outbox, vendor: FaultServer, number: signal.Signals
) -> None:
    """
    What is being sent is sent, and written down; then it ends well.
    """
    vendor.fail(faults.slow(0.5))
    with start(vendor) as worker:
        vendor.wait_for(1, timeout=30)
        worker.send_signal(number)
        _, text = worker.communicate(timeout=30)

    assert 0 == worker.returncode
    assert "the worker ends: 1 sent" in text
    assert State.SENT == outbox.list()[0].state


def test_a_second_signal_ends_it_at_once(outbox: Outbox, vendor: FaultServer) -> None:
    """
    The mail that was being sent is in doubt then, and written down as such before.
    """
    vendor.fail("hang_after_read")
    with start(vendor) as worker:
        vendor.wait_for(1, timeout=30)
        while worker.poll() is None:
            worker.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                worker.wait(0.3)

    assert 130 == worker.returncode
    assert [State.SENDING] == [one.state for one in outbox.list()]


def test_on_a_terminal_it_draws(outbox: Outbox, vendor: FaultServer) -> None:
    """
    What is drawn goes; a line that tells what was done stays.
    """
    leader, follower = pty.openpty()
    with start(vendor, stderr=follower) as worker:
        os.close(follower)
        vendor.wait_for(1, timeout=30)
        worker.send_signal(signal.SIGTERM)
        assert 0 == worker.wait(30)
    shown = b""
    with suppress(OSError):  # nobody writes any more
        while chunk := os.read(leader, 1 << 16):
            shown += chunk
    os.close(leader)

    assert b"mailfailover worker: sendgrid" in shown
    assert b"mailfailover worker: 1 sent" in shown


def test_the_picture_tells_how_it_stands(outbox: Outbox) -> None:
    """
    The states, this worker's share and speed, who is passed by, and the last warnings.
    """
    world = World()
    a = Scripted("a", AuthenticationFailed("the key was revoked"))
    worker = OutboxWorker(outbox, Mailer(world.chain(a, Scripted("b"))))
    outbox.add(MAIL.replace(id="m2"))
    view = WorkView(worker, console := Console(file=StringIO(), width=80, record=True))
    logger = logging.getLogger("mailfailover")
    logger.addHandler(view.handler)
    worker.run_once(1)
    logger.removeHandler(view.handler)
    worker.stop()

    console.print(view.draw())

    drawn = console.export_text()
    assert "mailfailover worker: a, b" in drawn
    assert "1  pending" in drawn
    assert "1  sent     1 by this worker, 1.0/s" in drawn
    assert "1 wait, the oldest for" in drawn
    assert "a is passed by (account, 900 s left)" in drawn
    assert "mail m1: a: AuthenticationFailed: the key was revoked" in drawn
    assert "stopping: finishing what is being sent" in drawn
    assert "mailfailover worker: 1 sent" == view.summary()


def test_the_picture_stays_when_the_database_is_away(outbox: Outbox) -> None:
    """
    The worker logs that, and goes on; so does the view.
    """
    world = World()
    worker = OutboxWorker(outbox, Mailer(world.chain(Scripted("a", ProviderUnavailable("503")))))
    with outbox.engine.begin() as connection:
        connection.execute(text("DROP TABLE outbox_mails"))
    view = WorkView(worker, console := Console(file=StringIO(), width=80, record=True))

    for _ in range(2):  # the second picture is drawn without counting anew
        console.print(view.draw())

    assert 2 == console.export_text().count("mailfailover worker: a")
    assert "mailfailover worker: nothing was to do" == view.summary()


def test_an_isolated_provider_has_no_time(outbox: Outbox) -> None:
    """
    It is passed by until the operator says otherwise.
    """
    mailer = Mailer(World().chain(Scripted("a"), Scripted("b")))
    mailer.health.isolate("a")
    mailer.health.reset("b")
    view = WorkView(OutboxWorker(outbox, mailer), console := Console(file=StringIO(), record=True))

    console.print(view.draw())

    drawn = console.export_text()
    assert "a is passed by (isolated)" in drawn
    assert "b is passed by" not in drawn


def test_a_log_line_is_json() -> None:
    """
    With what our loggers know of the mail.
    """
    record = logging.LogRecord("mailfailover", logging.WARNING, "", 1, "mail %s", ("m1",), None)
    record.created = 1795512600.5
    record.mail_id = "m1"

    assert {
        "time": "2026-11-24T09:30:00.500+00:00",
        "level": "warning",
        "logger": "mailfailover",
        "message": "mail m1",
        "mail_id": "m1",
    } == json.loads(JSONFormatter().format(record))


def test_it_knows_of_deliveries_what_its_database_holds(
    outbox: Outbox, vendor: FaultServer
) -> None:
    """
    A receiver that is down keeps its mails here, and what it sends is tracked.
    """
    tracking = Tracking(outbox.engine)
    tracking.init()
    deliveries = DeliveryHealth(tracking)
    deliveries.init()
    down = {("*", "gmail"): Cell(CellState.LATE, 1000.0, "nobody reaches it")}
    with outbox.engine.begin() as connection:
        write_cells(connection, {}, down, {})
    mail_id = outbox.add(MAIL.replace(to="ann@gmail.com", id="m2"))

    done = run("worker", "--once", "--dsn", dsn_of(vendor))

    assert 0 == done.exit_code
    status = tracking.status("m1")
    assert status
    assert "sendgrid" == status.provider
    listed = run("outbox", "list", "--state", "pending").stdout
    assert f"{mail_id}  pending" in listed
    assert "held back: receiver down (gmail)" in listed
    assert "1 are held back: receiver down" in run("outbox", "stats").stdout
