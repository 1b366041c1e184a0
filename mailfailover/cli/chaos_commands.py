"""
The command line of the vendors that are played: options and help.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mailfailover.cli.output import reporting

__all__ = ["add_chaos_commands"]

_FILE = click.Path(path_type=Path)


def add_chaos_commands(cli: click.Group) -> None:
    """
    Add the command ``chaos`` to *cli*.
    """
    cli.add_command(chaos)


@click.command()
@click.option("--listen", default="127.0.0.1:9000", show_default=True, metavar="HOST:PORT")
@click.option("--smtp", default="127.0.0.1:9025", show_default=True, metavar="HOST:PORT")
@click.option("--anywhere", is_flag=True, help="Allow an address that others can reach.")
@click.option(
    "--own-ports",
    is_flag=True,
    help="Give each vendor a port of its own, after that of --listen, which it can close.",
)
@click.option("--name", "names", multiple=True, metavar="HOST", help="A name of the certificate.")
@click.option("--tls-cert", type=_FILE, metavar="FILE", help="Instead of a self-made certificate.")
@click.option("--tls-key", type=_FILE, metavar="FILE", help="Its key.")
@click.option("--ca-out", type=_FILE, metavar="FILE", help="Write the authority that to trust.")
@click.option(
    "--webhook",
    "webhooks",
    multiple=True,
    metavar="VENDOR=URL",
    help="Post the events of this vendor's mails there; * is every vendor.",
)
@click.option("--incident", default="", metavar="NAME", help="Play this outage of the drill.")
@click.option("--speed", type=click.FloatRange(min=0, min_open=True), default=1.0, metavar="TIMES")
@click.option(
    "--keep", type=click.IntRange(min=1), default=1000, show_default=True, metavar="MAILS"
)
@click.option("--print-dsn", is_flag=True, help="Write the DSN of each vendor.")
@click.option("--tls", is_flag=True, help="Write those of HTTPS.")
@click.option("--json", "as_json", is_flag=True, help="Write the DSNs as JSON.")
def chaos(*, as_json: bool, **options: Any) -> None:
    """
    Play every vendor on this machine, and let them fail on command.

    For programs in any language: the page and the API at --listen say what fails now, and list
    the mails that were accepted. Nothing is sent anywhere but to the webhooks that you name.
    """
    from mailfailover.cli.chaos import run_chaos

    with reporting(as_json=as_json):
        run_chaos(as_json=as_json, **options)
