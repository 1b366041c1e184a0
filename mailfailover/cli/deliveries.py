"""
The commands of deliveries: options and help.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import click

from mailfailover.cli.database import database_option, json_option, working
from mailfailover.cli.known_deliveries import open_deliveries
from mailfailover.cli.output import say, write_json

if TYPE_CHECKING:
    from mailfailover.deliveries import Cell

__all__ = ["add_delivery_commands"]


def add_delivery_commands(cli: click.Group) -> None:
    """
    Add them to *cli*.
    """
    cli.add_command(deliveries)


@click.group()
def deliveries() -> None:
    """
    See which provider reaches which receiver.
    """


@deliveries.command()
@database_option
@json_option
def init(*, database: str | None, as_json: bool) -> None:
    """
    Make the tables; where they are there already, do nothing.
    """
    with working(as_json=as_json):
        open_deliveries(database).init()
    _done({"ready": True}, "the tables are there", as_json=as_json)


@deliveries.command()
@database_option
@json_option
def upgrade(*, database: str | None, as_json: bool) -> None:
    """
    Bring the tables to the version of this program.
    """
    with working(as_json=as_json):
        had = open_deliveries(database).upgrade()
    text = f"the tables are those of this program; they had version {had}"
    _done({"ready": True, "had": had}, text, as_json=as_json)


@deliveries.command(name="list")
@click.option("--all", "with_well", is_flag=True, help="Also where all is well.")
@database_option
@json_option
def list_(*, with_well: bool, database: str | None, as_json: bool) -> None:
    """
    List the providers and receivers where mails do not arrive as they should.
    """
    with working(as_json=as_json):
        found = open_deliveries(database)
        found.check_tables()
        report = found.report()
    cells = {place: cell for place, cell in report.cells.items() if cell.is_ill or with_well}
    if as_json:
        write_json(
            [
                {"key": key, "receiver": receiver} | dataclasses.asdict(cell)
                for (key, receiver), cell in sorted(cells.items())
            ]
        )
        return
    for key, detail in sorted(report.silent.items()):
        whose = "all providers" if key == "*" else key
        say(f"webhooks of {whose}: {detail}", err=True)
    for (key, receiver), cell in sorted(cells.items()):
        say(_line(key, receiver, cell))


def _line(key: str, receiver: str, cell: Cell) -> str:
    detail = f"  {cell.detail}" if cell.detail else ""
    return f"{key:<12}  {receiver:<16}  {cell.state:<8}{detail}"


def _done(data: object, text: str, *, as_json: bool) -> None:
    if as_json:
        write_json(data)
    else:
        say(text)
