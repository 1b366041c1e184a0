"""
The commands of the service: options and help.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mailfailover.cli.output import reporting

__all__ = ["add_service_commands"]

_database = click.option(
    "--database",
    metavar="URL",
    help="Where mails and keys are: SQLite or PostgreSQL. MAILFAILOVER_DATABASE by default, "
    "else sqlite:///mailfailover.db.",
)
_as_json = click.option("--json", "as_json", is_flag=True, help="Write JSON to standard output.")
_port = click.IntRange(0, 65535)
_tls_cert = click.option(
    "--tls-cert",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The certificate of the SMTP port, PEM; read again when it changes.",
)
_tls_key = click.option(
    "--tls-key", type=click.Path(path_type=Path), metavar="FILE", help="Its key, PEM."
)


def add_service_commands(cli: click.Group) -> None:
    """
    Add them to *cli*.
    """
    cli.add_command(preview)
    cli.add_command(keys)
    cli.add_command(serve)
    cli.add_command(relay)


@click.command()
@click.option("--port", type=_port, default=8025, show_default=True, help="0 is any free one.")
@click.option(
    "--file",
    "path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The mailbox, if it is not the user's own.",
)
def preview(*, port: int, path: Path | None) -> None:
    """
    Show the mailbox of preview:// in a browser.

    It listens on 127.0.0.1. Tests find the mails as JSON under /json.
    """
    from mailfailover.cli.preview import run_preview

    with reporting(as_json=False):
        run_preview(path, port)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, envvar="MAILFAILOVER_HOST")
@click.option("--port", type=_port, default=8000, show_default=True, envvar="PORT")
@click.option("--dsn", metavar="DSN", help="The providers, if not those of the environment.")
@click.option("--config", type=click.Path(path_type=Path), metavar="FILE", help="A TOML file.")
@_database
@click.option(
    "--preview",
    is_flag=True,
    help="Keep mails in the mailbox of preview:// if no provider is configured.",
)
@click.option(
    "--workers",
    type=click.IntRange(0),
    help="How many mails it sends at the same time: 4, or 0 if there is a broker.",
)
@click.option(
    "--worker-only",
    is_flag=True,
    help="Do not listen: send, make callbacks, and find what a broker lost.",
)
@click.option("--threads", type=click.IntRange(4), default=16, show_default=True)
@click.option(
    "--proxies",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    envvar="MAILFAILOVER_PROXIES",
    help="How many proxies in front of it add headers that are to be believed.",
)
@click.option(
    "--prefix",
    default="",
    metavar="PATH",
    envvar=["MAILFAILOVER_PREFIX", "SCRIPT_NAME"],
    help="The path below which a proxy shows it, such as /mail.",
)
@click.option(
    "--trust-proxy",
    is_flag=True,
    envvar="MAILFAILOVER_TRUST_PROXY",
    help="Let the proxy in front decide who may send, until there is an API key.",
)
@click.option(
    "--health",
    default="",
    metavar="HOST:PORT",
    envvar="MAILFAILOVER_WORKER_HEALTH",
    help="With --worker-only: where /healthz and /readyz are answered.",
)
@click.option(
    "--smtp",
    multiple=True,
    metavar="HOST:PORT",
    help="Take mails by SMTP there, too; see `mailfailover relay`. May be repeated.",
)
@click.option("--smtp-tls", multiple=True, metavar="HOST:PORT", help="The same with implicit TLS.")
@_tls_cert
@_tls_key
def serve(*, dsn: str | None, config: Path | None, database: str | None, **options: Any) -> None:
    """
    Run the e-mail service: an API, a page, and a worker that sends.

    Until you create an API key (mailfailover keys add), only this machine may send. With
    MAILFAILOVER_BROKER, a URL of RabbitMQ or Redis, it wakes the workers of Celery.
    """
    from mailfailover.cli.serve import run_serve

    with reporting(as_json=False):
        run_serve(dsn, config, database, **options)


@click.command()
@click.option(
    "--listen",
    multiple=True,
    default=("127.0.0.1:2525",),
    show_default=True,
    metavar="HOST:PORT",
    help="Where to listen, with STARTTLS if there is a certificate. May be repeated.",
)
@click.option(
    "--listen-tls", multiple=True, metavar="HOST:PORT", help="Where to listen with implicit TLS."
)
@_tls_cert
@_tls_key
@click.option("--dsn", metavar="DSN", help="The providers, if not those of the environment.")
@click.option("--config", type=click.Path(path_type=Path), metavar="FILE", help="A TOML file.")
@_database
@click.option(
    "--idle-timeout",
    type=click.FloatRange(min=1),
    default=300.0,
    show_default=True,
    metavar="S",
    help="Seconds that a client may be silent, or take for one mail.",
)
@click.option(
    "--max-bytes",
    type=click.IntRange(1000),
    default=40 * 1024 * 1024,
    show_default=True,
    metavar="N",
    help="The largest mail.",
)
@click.option(
    "--max-connections",
    type=click.IntRange(1),
    default=200,
    show_default=True,
    metavar="N",
    help="How many clients may be connected at once.",
)
@click.option("--bounce-from", default="", metavar="ADDRESS", help="Whom bounces are from.")
@click.option("--workers", type=click.IntRange(0), default=4, show_default=True)
def relay(*, dsn: str | None, config: Path | None, database: str | None, **options: Any) -> None:
    """
    Take mails by SMTP and send them through whichever provider is up.

    A mail is accepted when it is on the disk. Clients log in with an API key as the password;
    until there is one (mailfailover keys add), only this machine may send. Without providers,
    mails are kept in the mailbox of preview://.
    """
    from mailfailover.cli.relay import run_relay

    with reporting(as_json=False):
        run_relay(dsn, config, database, **options)


@click.group()
def keys() -> None:
    """
    Create, list and revoke the API keys of the service.

    Until you create an API key, only this machine may send.
    """


@keys.command()
@click.argument("name")
@click.option(
    "--from",
    "senders",
    multiple=True,
    metavar="ADDRESS",
    help="An address or domain that its mails may come from. Repeatable; any if not given.",
)
@click.option(
    "--to",
    "recipients",
    multiple=True,
    metavar="ADDRESS",
    help="An address or domain that they may go to. Repeatable; any if not given.",
)
@click.option("--rate", default="", metavar="COUNT/UNIT", help="Recipients, such as 10/s.")
@click.option("--quota", default="", metavar="COUNT/UNIT", help="Recipients, such as 50000/d.")
@click.option(
    "--callback",
    "callbacks",
    multiple=True,
    metavar="HOST",
    help="A host that may be told what becomes of its mails. Repeatable; none if not given.",
)
@click.option("--max-recipients", default=1000, show_default=True, help="Of one mail.")
@click.option(
    "--grant",
    "grants",
    multiple=True,
    metavar="GRANT",
    help="admin, envelope_from, headers or provider_options. Repeatable.",
)
@_database
@_as_json
def add(*, name: str, database: str | None, as_json: bool, **rules: Any) -> None:
    """
    Create a key called NAME, and show it once.
    """
    from mailfailover.cli.keys import add_key

    with reporting(as_json=as_json):
        add_key(database, name, rules, as_json=as_json)


@keys.command(name="list")
@_database
@_as_json
def list_(*, database: str | None, as_json: bool) -> None:
    """
    List all keys, without their secrets.
    """
    from mailfailover.cli.keys import list_keys

    with reporting(as_json=as_json):
        list_keys(database, as_json=as_json)


@keys.command()
@_database
@_as_json
def upgrade(*, database: str | None, as_json: bool) -> None:
    """
    Bring the tables of the service to this version.
    """
    from mailfailover.cli.keys import upgrade_keys

    with reporting(as_json=as_json):
        upgrade_keys(database, as_json=as_json)


@keys.command()
@click.argument("key_id", metavar="ID")
@_database
@_as_json
def revoke(*, key_id: str, database: str | None, as_json: bool) -> None:
    """
    Make the key with this ID worthless, at once and for ever.
    """
    from mailfailover.cli.keys import revoke_key

    with reporting(as_json=as_json):
        revoke_key(database, key_id, as_json=as_json)
