"""
The command that takes webhooks without the service: options and help.
"""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import Any

import click

from mailfailover.cli.database import add_table_commands, database_option, json_option, working
from mailfailover.cli.exits import OK, REFUSED
from mailfailover.cli.output import reporting, say, write_json
from mailfailover.errors import ConfigurationError

__all__ = ["add_webhook_commands"]

_LISTEN = "127.0.0.1:8026"


def add_webhook_commands(cli: click.Group) -> None:
    """
    Add them to *cli*.
    """
    cli.add_command(webhooks)


@click.group(invoke_without_command=True)
@click.option(
    "--listen",
    is_flag=False,
    flag_value=_LISTEN,
    metavar="[HOST:PORT]",
    help=f"Take webhooks there, {_LISTEN} if not given; port 0 is any free one.",
)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A TOML file; `mailfailover init` writes one.",
)
@click.option("--dsn", metavar="DSN", help="The providers; keys belong into MAILFAILOVER_DSN.")
@database_option
@click.option(
    "--callback-url",
    envvar="MAILFAILOVER_CALLBACK_URL",
    metavar="URL",
    help="Tell this address too; MAILFAILOVER_CALLBACK_SECRET signs the calls.",
)
@click.option(
    "--unsubscribe-url",
    envvar="MAILFAILOVER_UNSUBSCRIBE_URL",
    metavar="URL",
    help="Where the unsubscribe links lead that MAILFAILOVER_UNSUBSCRIBE_SECRET signs.",
)
@json_option
@click.pass_context
def webhooks(context: click.Context, /, *, listen: str | None, as_json: bool, **given: Any) -> None:
    """
    Take the webhooks of all providers, and show each event.

    A provider's webhooks come to the path that ends in its chain key: /webhooks/mailgun. Put a
    proxy with TLS in front of it. Events are recorded for `mailfailover status`, suppress
    recipients, and settle mails of the outbox that are in doubt.
    """
    if context.invoked_subcommand is not None:
        return
    from mailfailover.cli.webhook_server import run_webhooks

    with working(as_json=as_json):
        if listen is None:
            message = "say where webhooks come: --listen, or --listen HOST:PORT"
            raise ConfigurationError(message)
        run_webhooks(*_address(listen), as_json=as_json, **given)


@webhooks.command()
@click.argument("url")
@click.option("--via", "keys", multiple=True, metavar="KEY", help="Only at this provider.")
@click.option("--timeout", type=float, default=10.0, show_default=True, metavar="SECONDS")
@click.option("--config", type=click.Path(path_type=Path), metavar="FILE", help="A TOML file.")
@click.option("--dsn", metavar="DSN", help="The providers; keys belong into MAILFAILOVER_DSN.")
@json_option
def setup(
    *,
    url: str,
    keys: tuple[str, ...],
    timeout: float,
    config: Path | None,
    dsn: str | None,
    as_json: bool,
) -> None:
    """
    Register our webhooks at the vendors, each below URL: https://hooks.example.com/webhooks.

    A webhook that points there already stays as it is. What a vendor then wants to be set, such
    as a secret that it made, is printed once. The exit code is 1 if one could not be set.
    """
    from mailfailover.cli.source import open_mailer
    from mailfailover.cli.webhook_setup import FAILED, set_up_webhooks

    with working(as_json=as_json), open_mailer(dsn, config) as mailer:
        found = list(set_up_webhooks(mailer, url, keys, timeout))
    if as_json:
        write_json([dataclasses.asdict(one) for one in found])
    for one in () if as_json else found:
        say(f"{one.link}: {one.state}{f': {one.detail}' if one.detail else ''} ({one.url})")
        for name, value in one.options.items():
            say(f"  set its option {name} to {value}")
    sys.exit(REFUSED if any(one.state == FAILED for one in found) else OK)


@webhooks.command()
@click.argument("schemes", nargs=-1, metavar="[PROVIDER]...")
@json_option
def retries(*, schemes: tuple[str, ...], as_json: bool) -> None:
    """
    Show how vendors repeat a webhook that was not taken, of all providers or of these.

    It says how often and how long, which answers make a vendor drop a webhook or end all of
    them, with which status our own failures are answered so that it repeats, and which page
    says so. Nobody is called.
    """
    from mailfailover.cli.webhook_matrix import retry_data, retry_lines, webhook_providers

    with reporting(as_json=as_json):
        known = webhook_providers()
        if unknown := next((one for one in schemes if one not in known), None):
            message = f"{unknown!r} has no webhooks; known: {', '.join(known)}"
            raise ConfigurationError(message)
    found = {one: known[one] for one in schemes or known}
    if as_json:
        write_json({scheme: retry_data(one) for scheme, one in found.items()})
    for scheme, one in () if as_json else found.items():
        say("\n".join(retry_lines(scheme, one)))


def _address(listen: str) -> tuple[str, int]:
    host, _, port = listen.rpartition(":")
    if not host or not (port.isascii() and port.isdigit()) or int(port) > 0xFFFF:  # noqa: PLR2004 -- the last port
        message = f"--listen must be HOST:PORT, such as {_LISTEN}"
        raise ConfigurationError(message)
    return host.strip("[]"), int(port)


add_table_commands(webhooks, "webhooks.sql.SQLReplays")
