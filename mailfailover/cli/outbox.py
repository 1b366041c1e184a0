"""
The commands of the outbox: options and help.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mailfailover.cli.output import reporting

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["add_outbox_commands"]

Command = TypeVar("Command", bound="Callable[..., Any]")

STATES = ("pending", "leased", "sending", "sent", "unknown", "dead")

_database = click.option(
    "--database",
    metavar="URL",
    help="Where the mails are: SQLite, PostgreSQL or MariaDB. MAILFAILOVER_DATABASE by default, "
    "else sqlite:///mailfailover.db.",
)
_as_json = click.option("--json", "as_json", is_flag=True, help="Write JSON to standard output.")
_ids = click.argument("mail_ids", metavar="ID...", nargs=-1)


def add_outbox_commands(cli: click.Group) -> None:
    """
    Add them to *cli*.
    """
    cli.add_command(worker)
    cli.add_command(outbox)


@click.command()
@click.option("--threads", type=click.IntRange(1), default=4, show_default=True)
@click.option(
    "--lease",
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="After so long without a sign of life its mails are free for others.",
)
@click.option(
    "--max-tries",
    type=click.IntRange(1),
    default=12,
    show_default=True,
    help="After so many tries a mail that no provider took is dead.",
)
@click.option(
    "--poll",
    default=1.0,
    show_default=True,
    metavar="SECONDS",
    help="How often it looks for mails when it has nothing to do.",
)
@click.option("--once", is_flag=True, help="Send what is due now, and end.")
@click.option(
    "--health",
    default="",
    metavar="HOST:PORT",
    envvar="MAILFAILOVER_WORKER_HEALTH",
    help="Where /healthz and /readyz are answered.",
)
@click.option("--dsn", metavar="DSN", help="The providers; those of the environment by default.")
@click.option("--config", type=click.Path(path_type=Path), metavar="FILE", help="A TOML file.")
@_database
@click.option("--json", "as_json", is_flag=True, help="Log JSON on a terminal too.")
def worker(
    *, dsn: str | None, config: Path | None, database: str | None, as_json: bool, **settings: Any
) -> None:
    """
    Send the mails of the outbox, until Ctrl-C or SIGTERM.

    Then it finishes what it has begun; a second signal ends it at once. On a terminal it shows
    its progress; elsewhere it logs, a line of JSON for each thing that happens, to standard
    error. Run as many as you like, also on other machines.
    """
    from mailfailover.cli.working import run_worker

    with reporting(as_json=as_json):
        run_worker(database, dsn, config, as_json=as_json, **settings)


@click.group()
def outbox() -> None:
    """
    Make the outbox, and look after its mails.
    """


@outbox.command()
@_database
@_as_json
def init(*, database: str | None, as_json: bool) -> None:
    """
    Make its tables; where they are there already, do nothing.
    """
    from mailfailover.cli.outbox_commands import init_outbox

    with reporting(as_json=as_json):
        init_outbox(database, as_json=as_json)


@outbox.command()
@_database
@_as_json
def upgrade(*, database: str | None, as_json: bool) -> None:
    """
    Bring its tables to this version of the library.
    """
    from mailfailover.cli.outbox_commands import upgrade_outbox

    with reporting(as_json=as_json):
        upgrade_outbox(database, as_json=as_json)


@outbox.command(name="list")
@click.option("--state", type=click.Choice(STATES), help="Only mails in this state.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True)
@click.option("--before", metavar="ID", help="Only mails that were added before this one.")
@_database
@_as_json
def list_(*, database: str | None, as_json: bool, **which: Any) -> None:
    """
    List mails, the newest first.
    """
    from mailfailover.cli.outbox_commands import list_mails

    with reporting(as_json=as_json):
        list_mails(database, as_json=as_json, **which)


@outbox.command()
@click.argument("mail_id", metavar="ID")
@_database
@_as_json
def show(*, mail_id: str, database: str | None, as_json: bool) -> None:
    """
    Show one mail: its recipients, and every attempt. What it says is not shown.
    """
    from mailfailover.cli.outbox_commands import show_mail

    with reporting(as_json=as_json):
        show_mail(database, mail_id, as_json=as_json)


@outbox.command()
@_ids
@click.option("--all", "state", type=click.Choice(["dead", "unknown"]), help="All in this state.")
@_database
@_as_json
def retry(
    *, mail_ids: tuple[str, ...], state: str | None, database: str | None, as_json: bool
) -> None:
    """
    Let mails be sent now that wait, are unknown or dead.

    An unknown mail may have been sent already: look it up at its provider first.
    """
    from mailfailover.cli.outbox_commands import retry_mails

    with reporting(as_json=as_json):
        retry_mails(database, mail_ids, state, as_json=as_json)


@outbox.command()
@_ids
@_database
@_as_json
def cancel(*, mail_ids: tuple[str, ...], database: str | None, as_json: bool) -> None:
    """
    Give mails up that are not sent yet.
    """
    from mailfailover.cli.outbox_commands import cancel_mails

    with reporting(as_json=as_json):
        cancel_mails(database, mail_ids, as_json=as_json)


@outbox.command()
@click.option(
    "--older-than",
    type=click.FloatRange(0),
    default=30.0,
    show_default=True,
    metavar="DAYS",
    help="Since they were sent or given up.",
)
@_database
@_as_json
def purge(*, older_than: float, database: str | None, as_json: bool) -> None:
    """
    Forget mails that were sent or are dead.
    """
    from mailfailover.cli.outbox_commands import purge_mails

    with reporting(as_json=as_json):
        purge_mails(database, timedelta(days=older_than), as_json=as_json)


@outbox.command()
@_database
@_as_json
def stats(*, database: str | None, as_json: bool) -> None:
    """
    Count the mails in each state.
    """
    from mailfailover.cli.outbox_commands import show_stats

    with reporting(as_json=as_json):
        show_stats(database, as_json=as_json)
