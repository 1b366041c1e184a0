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


_SECONDS = click.FloatRange(0, min_open=True)


def _rule(option: str, **settings: Any) -> Callable[[Command], Command]:
    """
    An option of a worker, which a variable of the environment can say too.
    """
    variable = f"MAILFAILOVER_WORKER_{option.removeprefix('--').replace('-', '_').upper()}"
    return click.option(option, envvar=variable, show_envvar=True, **settings)


def add_outbox_commands(cli: click.Group) -> None:
    """
    Add them to *cli*.
    """
    cli.add_command(worker)
    cli.add_command(outbox)


@click.command()
@_rule(
    "--threads",
    type=click.IntRange(1),
    help="How many mails it sends at the same time: as many as pay by default, up to 256.",
)
@_rule(
    "--lease",
    type=_SECONDS,
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="After so long without a sign of life its mails are free for others.",
)
@_rule(
    "--poll",
    type=_SECONDS,
    default=0.5,
    show_default=True,
    metavar="SECONDS",
    help="How often it looks for mails when it has nothing to do.",
)
@_rule(
    "--max-tries",
    type=click.IntRange(1),
    help="After so many tries a mail that no provider took is dead. Without a limit by default: "
    "until it expires.",
)
@_rule(
    "--pause",
    type=_SECONDS,
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="From the first try to the second; then doubled each time, up to four hours.",
)
@_rule(
    "--max-lost",
    type=click.IntRange(1),
    default=3,
    show_default=True,
    help="After so many workers died while they sent nothing but it, a mail is dead.",
)
@_rule(
    "--unknown-after",
    type=_SECONDS,
    default=600.0,
    show_default=True,
    metavar="SECONDS",
    help="After so long a mail that may have been sent is sent again.",
)
@_rule(
    "--keep",
    type=click.FloatRange(0),
    default=30.0,
    show_default=True,
    metavar="DAYS",
    help="How long a mail that was sent or given up is remembered.",
)
@_rule(
    "--keep-content",
    type=click.FloatRange(0),
    default=0.0,
    show_default=True,
    metavar="DAYS",
    help="How long what a sent mail said is kept.",
)
@_rule(
    "--name",
    default="",
    help="A name that no other worker has: it takes at once what the last one with this name held.",
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
@click.option(
    "--all",
    "state",
    type=click.Choice(["pending", "unknown", "dead"]),
    help="All in this state; of the pending ones those that were tried before.",
)
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
