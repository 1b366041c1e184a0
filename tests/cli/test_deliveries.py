"""
``mailfailover deliveries``.
"""

from __future__ import annotations

import json

from mailfailover import MailSent, Receipt, RecipientStatus, WebhookRefused
from mailfailover._values.frozen import FrozenDict
from mailfailover.deliveries import Cell, CellState, DeliveryHealth
from mailfailover.deliveries._cell_rows import write_cells
from mailfailover.tracking import Tracking
from tests.chains import MAIL
from tests.cli.running import run

CELLS = {
    ("one", "gmail"): Cell(CellState.BLOCKED, 1000.0, "7 of 9 recipients were refused"),
    ("two", "gmail"): Cell(),
}


def write() -> None:
    """
    Write some cells into the database of the working directory.
    """
    deliveries = DeliveryHealth(Tracking())
    with deliveries.engine.begin() as connection:
        write_cells(connection, {}, CELLS, {})


def test_list_shows_where_mails_do_not_arrive() -> None:
    """
    And what is well only if it is asked for.
    """
    made = run("deliveries", "init")
    write()

    ill, everything = run("deliveries", "list"), run("deliveries", "list", "--all")

    assert (0, "the tables are there\n") == (made.exit_code, made.stdout)
    assert ["one", "gmail", "blocked", "7"] == ill.stdout.split()[:4]
    assert ["one", "two"] == [line.split()[0] for line in everything.stdout.splitlines()]


def test_list_writes_json() -> None:
    """
    All that a cell holds.
    """
    run("deliveries", "init", "--json")
    write()

    (cell,) = json.loads(run("deliveries", "list", "--json").stdout)

    assert ("one", "gmail", "blocked", 1000.0) == tuple(
        cell[name] for name in ("key", "receiver", "state", "since")
    )


def test_list_names_silent_webhooks() -> None:
    """
    On standard error, beside the cells.
    """
    run("deliveries", "init")
    run("tracking", "init")
    deliveries = DeliveryHealth(Tracking(), every=None)
    for _ in range(3):
        deliveries(WebhookRefused("one"))
    accepted = FrozenDict({"ann@gmail.com": RecipientStatus.ACCEPTED})
    deliveries(MailSent(MAIL, Receipt("m1", "one", "", accepted, ())))
    deliveries.close()

    done = run("deliveries", "list")

    assert ("", True) == (done.stdout, done.stderr.startswith("webhooks of one: 3 webhooks had"))


def test_without_tables_it_says_what_to_run() -> None:
    """
    And after an upgrade of nothing, that they are those of this program.
    """
    missing = run("deliveries", "list")
    run("deliveries", "init")
    upgraded = run("deliveries", "upgrade")

    assert (2, True) == (missing.exit_code, "mailfailover deliveries init" in missing.stderr)
    assert "they had version 1" in upgraded.stdout
