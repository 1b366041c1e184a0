"""
The commands that tell of mails: options and help.
"""

from __future__ import annotations

import sys
from datetime import timedelta

import click

from mailfailover.cli.database import (
    add_table_commands,
    database_option,
    json_option,
    load,
    opened,
    working,
)
from mailfailover.cli.exits import REFUSED
from mailfailover.cli.output import say, write_json

__all__ = ["add_tracking_commands"]

_KIND = "tracking.Tracking"


def add_tracking_commands(cli: click.Group) -> None:
    """
    Add them to *cli*.
    """
    cli.add_command(status)
    cli.add_command(events)
    cli.add_command(tracking)


@click.command()
@click.argument("mail_id")
@database_option
@json_option
def status(*, mail_id: str, database: str | None, as_json: bool) -> None:
    """
    Tell which way a mail went and what became of it.

    The exit code is 1 if nothing is known of it.
    """
    from mailfailover.cli.track_lines import status_lines

    with working(as_json=as_json), opened(_KIND, database) as tracking:
        found = tracking.status(mail_id)
    if as_json:
        write_json(found and found.to_dict())
    if found is None:
        say(f"mailfailover: nothing is known of mail {mail_id}", err=True)
        sys.exit(REFUSED)
    for line in () if as_json else status_lines(found):
        say(line)


@click.command()
@click.option("--mail", "mail_id", metavar="ID", help="Only those of this mail.")
@click.option("--recipient", metavar="ADDRESS", help="Only those about this one.")
@click.option("--provider", metavar="KEY", help="Only those of this provider of the chain.")
@click.option("--type", "type_", metavar="TYPE", help="Only those, such as bounced or delivered.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True)
@database_option
@json_option
def events(
    *, type_: str | None, database: str | None, as_json: bool, limit: int, **wanted: str | None
) -> None:
    """
    List the last events that vendors told, the latest one last.
    """
    from mailfailover.cli.track_lines import event_line, event_type

    with working(as_json=as_json):
        kind = event_type(type_)
        with opened(_KIND, database) as tracking:
            found = tracking.events(type=kind, limit=limit, **wanted)
    if as_json:
        write_json([event.to_dict() for event in found])
        return
    for event in found:
        say(f"{event_line(event)}{event.mail_id and f'  mail {event.mail_id}'}")


@click.group()
def tracking() -> None:
    """
    Keep the database of tracking.
    """


add_table_commands(tracking, _KIND)


@tracking.command()
@database_option
@json_option
@click.option("--bodies", type=float, default=7, show_default=True, metavar="DAYS")
@click.option("--addresses", type=float, default=90, show_default=True, metavar="DAYS")
@click.option("--mails", type=float, default=365, show_default=True, metavar="DAYS")
def purge(*, database: str | None, as_json: bool, **days: float) -> None:
    """
    Forget what mails say, whom they went to, and mails at all, after so many days.
    """
    with working(as_json=as_json):
        ages = {name: timedelta(days=one) for name, one in days.items()}
        retention = load("mailfailover.tracking").Retention(**ages)
        with opened(_KIND, database, retention=retention) as tracking:
            done = tracking.purge()
    if as_json:
        write_json(done._asdict())
    else:
        say(f"forgotten: {done.bodies} bodies, {done.addresses} addresses, {done.mails} mails")
