"""
The command that takes bounces from a pipe or a mailbox: options and help.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from mailfailover.cli.database import database_option, json_option
from mailfailover.cli.exits import exit_table

__all__ = ["add_bounce_command"]


def add_bounce_command(cli: click.Group) -> None:
    """
    Add it to *cli*.
    """
    cli.add_command(bounce)


@click.command(epilog=exit_table())
@click.option(
    "--to",
    multiple=True,
    metavar="ADDRESS",
    help="Whom the mail came to, where its header does not say it. Repeatable.",
)
@click.option(
    "--imap",
    metavar="URL",
    help="Read the unread mails of imaps://user@host/INBOX instead of one mail; "
    "MAILFAILOVER_IMAP_PASSWORD is the password.",
)
@click.option("--move-to", default="", metavar="FOLDER", help="Move reports there once taken.")
@click.option(
    "--imap-ca-file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="PEM certificates to trust instead of the system's.",
)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A TOML file; `mailfailover init` writes one.",
)
@click.option("--dsn", metavar="DSN", help="The providers; keys belong into MAILFAILOVER_DSN.")
@database_option
@json_option
def bounce(**given: Any) -> None:
    """
    Take a bounce from standard input, or all of a mailbox.

    Its events are recorded for `mailfailover status`, suppress recipients, and settle mails of the
    outbox that are in doubt. A mail that came to no bounce address of ours is passed by.

    Whatever keeps a report from being stored ends in exit code 75: a mail server then keeps the
    mail and brings it again.
    """
    from mailfailover.cli.bounce_run import run_bounce

    sys.exit(run_bounce(**given))
