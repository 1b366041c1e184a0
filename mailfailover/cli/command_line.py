"""
The command line: options and help. What the commands do is in ``mailfailover.cli``.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mailfailover.cli.bounce import add_bounce_command
from mailfailover.cli.chaos_commands import add_chaos_commands
from mailfailover.cli.deliveries import add_delivery_commands
from mailfailover.cli.drill import add_drill_command
from mailfailover.cli.exits import EXIT_CODES, OK, REFUSED, exit_table
from mailfailover.cli.framework_lines import FRAMEWORKS, Lines
from mailfailover.cli.outbox import add_outbox_commands
from mailfailover.cli.output import reporting, say, write_json
from mailfailover.cli.service import add_service_commands
from mailfailover.cli.suppressions import add_suppression_commands
from mailfailover.cli.tracking import add_tracking_commands
from mailfailover.cli.webhooks import add_webhook_commands

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["EXIT_CODES", "cli"]

Command = TypeVar("Command", bound="Callable[..., Any]")

_as_json = click.option("--json", "as_json", is_flag=True, help="Write JSON to standard output.")
_timeout = click.FloatRange(min=0, min_open=True)


def _configured(command: Command) -> Command:
    """
    Add the options that say where the configuration is.
    """
    config = click.option(
        "--config",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="A TOML file; `mailfailover init` writes one.",
    )
    dsn = click.option(
        "--dsn",
        metavar="DSN",
        help="The providers, such as console://. Others on this machine can see a command line: "
        "keys belong into MAILFAILOVER_DSN or a file.",
    )
    return dsn(config(command))


def _repeatable(
    *names: str, metavar: str, text: str = "", kind: Any = None
) -> Callable[[Command], Command]:
    return click.option(*names, multiple=True, metavar=metavar, help=text, type=kind)


@click.group(epilog=exit_table(), context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="mailfailover", prog_name="mailfailover")
def cli() -> None:
    """
    Send e-mail through whichever provider is up.

    Without --dsn and --config, the providers are those of the environment: MAILFAILOVER_DSN,
    or the file that MAILFAILOVER_DSN_FILE names.
    """


@cli.command()
@_as_json
def demo(*, as_json: bool) -> None:
    """
    Watch three vendors fail and recover, on this machine.

    The vendors listen on local sockets; no mail leaves the machine. All mails are counted at
    the vendors, and the exit code is 1 if one was lost, or sent twice without being flagged.
    """
    from mailfailover.cli.demo_run import run_demo

    with reporting(as_json=as_json):
        sys.exit(run_demo(as_json=as_json).exit_code)


@cli.command(epilog=exit_table())
@click.argument("recipients", nargs=-1)
@_repeatable("--to", metavar="ADDRESS", text="A recipient. Repeatable, as all lists are.")
@_repeatable("--cc", metavar="ADDRESS")
@_repeatable("--bcc", metavar="ADDRESS")
@_repeatable("--reply-to", metavar="ADDRESS")
@click.option("--from", "from_email", default="", metavar="ADDRESS", help="Who it is from.")
@click.option("--subject", default="", metavar="TEXT")
@click.option("--text", default="", metavar="TEXT", help="The text; - reads standard input.")
@click.option("--html", default="", metavar="TEXT", help="The HTML; - reads standard input.")
@_repeatable("--attach", metavar="FILE", kind=click.Path(exists=True, dir_okay=False))
@_repeatable("--header", "headers", metavar="'NAME: VALUE'")
@_repeatable("--tag", "tags", metavar="TAG")
@_repeatable("--metadata", metavar="KEY=VALUE")
@_repeatable("--via", metavar="KEY", text="Use these providers of the chain only.")
@click.option(
    "--after",
    default="",
    metavar="ID",
    help="This mail repeats an earlier one, which did not arrive: avoid the provider that still "
    "owes it, by what the database knows.",
)
@click.option("-t", "from_header", is_flag=True, help="The mail's header names the recipients.")
@click.option("-f", "-r", "sender", default="", metavar="ADDRESS", help="Where bounces go.")
@click.option("-F", "name", default="", metavar="NAME", help="The sender's, if From is missing.")
@click.option("-i", "_dot", is_flag=True, help="No effect: a lone dot never ends a mail.")
@_repeatable("-o", "_option", metavar="X", text="No effect: for -oi, -oem and their like.")
@click.option("-B", "_body", metavar="TYPE", help="No effect.")
@click.option("--local-to", default="", metavar="ADDRESS", help="Who gets mail to local users.")
@click.option("--timeout", type=_timeout, metavar="SECONDS", help="For all attempts together.")
@click.option("--database", metavar="URL", help="Where --after looks the earlier mail up.")
@click.option("--dry-run", is_flag=True, help="Show what would be sent first; send nothing.")
@_configured
@_as_json
def send(
    *,
    dsn: str | None,
    config: Path | None,
    from_header: bool,
    timeout: float | None,
    database: str | None,
    dry_run: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """
    Send one mail, made of options or read from standard input.

    With --subject, --text or --html the options make the mail. Otherwise it is read from
    standard input as sendmail takes it, an RFC 5322 message: RECIPIENTS get it, or, with -t,
    those whom its header names. Options then replace what it says; --attach and --header add.
    """
    from mailfailover.cli.compose import compose
    from mailfailover.cli.dry_run import try_run
    from mailfailover.cli.known_deliveries import read_deliveries
    from mailfailover.cli.letter import Letter
    from mailfailover.cli.receipt import report
    from mailfailover.cli.sendmail import Envelope
    from mailfailover.cli.source import open_mailer

    with reporting(as_json=as_json):
        envelope = Envelope(**{name: given.pop(name) for name in Envelope.__slots__})
        letter = Letter(**{name: given[name] for name in Letter.__slots__})
        message = compose(letter, envelope, from_header=from_header)
        known = read_deliveries(database) if message.after else {}
        with open_mailer(dsn, config, **known) as mailer:
            if dry_run:
                _show(try_run(mailer, message), as_json=as_json)
                return
            receipt = mailer.send(message, timeout=timeout)
        sys.exit(report(receipt, as_json=as_json))


def _show(found: Any, *, as_json: bool) -> None:
    """
    Write *found*, which has ``to_dict()`` and ``lines()``.
    """
    if as_json:
        write_json(found.to_dict())
        return
    for line in found.lines():
        say(line)


@cli.command()
@click.option("--markdown", is_flag=True, help="Write the matrix of the documentation.")
@_as_json
def providers(*, markdown: bool, as_json: bool) -> None:
    """
    List the installed providers and what each can express.
    """
    from mailfailover.cli import matrix

    found = matrix.entries()
    if markdown:
        click.echo(matrix.markdown(found), nl=False)
    elif as_json:
        write_json([entry.to_dict() for entry in found])
    else:
        for entry in found:
            _show(entry, as_json=False)


@cli.command()
@click.option("--timeout", type=_timeout, default=10.0, show_default=True, metavar="SECONDS")
@click.option(
    "--webhook-url",
    envvar="MAILFAILOVER_WEBHOOK_URL",
    default="",
    metavar="URL",
    help="Where webhooks arrive, without the provider's key: https://hooks.example.com/webhooks.",
)
@_configured
@_as_json
def doctor(
    *, timeout: float, webhook_url: str, dsn: str | None, config: Path | None, as_json: bool
) -> None:
    """
    Find what is wrong with the set-up, and whether each account is ready to send.

    Each vendor is asked whether it knows the key, the sender's domain, the templates and the
    webhook, and what is left of the quota; SPF, DKIM and DMARC are looked up. Nothing is sent.
    --timeout is for each call. The exit code is 1 if there is a problem.
    """
    from mailfailover.cli.doctor import examine, readiness
    from mailfailover.cli.finding import COLORS, PROBLEM
    from mailfailover.cli.finding import OK as FINE

    findings = []
    with reporting(as_json=as_json):
        for finding in examine(dsn, config, timeout, webhook_url):
            findings.append(finding)
            for line in () if as_json else finding.lines():
                say(line, color=COLORS[finding.severity])
    ready = all(one.severity != PROBLEM for one in findings)
    links = readiness(findings)
    if as_json:
        found = [finding.to_dict() for finding in findings]
        write_json({"ready": ready, "links": links, "findings": found})
    elif links:
        words = ", ".join(f"{key} {'yes' if ok else 'no'}" for key, ok in links.items())
        say(f"Ready: {words}", color=COLORS[FINE if all(links.values()) else PROBLEM])
    sys.exit(OK if ready else REFUSED)


@cli.command()
@click.argument("path", type=click.Path(path_type=Path), required=False)
@click.option(
    "--framework",
    type=click.Choice(["none", *FRAMEWORKS]),
    help="Write the few lines of a framework instead; a terminal is asked.",
)
@click.option("--force", is_flag=True, help="Replace a file that exists.")
@_as_json
def init(*, path: Path | None, framework: str | None, force: bool, as_json: bool) -> None:
    """
    Write a commented configuration to PATH, mailfailover.toml if not given.

    For a framework it is the lines that send its mail: mail.py, or mail_settings.py for Django,
    if PATH is not given.
    """
    from mailfailover._setup.sources import CONFIG_TEMPLATE
    from mailfailover.cli.template import write_template

    if framework is None:
        framework = "none" if as_json or path or not sys.stdin.isatty() else _ask_framework()
    lines = FRAMEWORKS.get(framework) or Lines(
        "mailfailover.toml",
        CONFIG_TEMPLATE,
        f"Fill it in, then try it: mailfailover doctor --config {path or 'mailfailover.toml'}",
    )
    path = path or Path(lines.filename)
    with reporting(as_json=as_json):
        write_template(path, lines.text, force=force)
    if as_json:
        write_json({"path": str(path)})
    else:
        say(f"{path} is written. {lines.next}")


def _ask_framework() -> str:
    """
    Ask which framework the mail is sent from.
    """
    found = "django" if Path("manage.py").exists() else "none"
    choice = click.Choice(["none", *FRAMEWORKS])
    answer: str = click.prompt("Which framework do you use?", type=choice, default=found)
    return answer


add_bounce_command(cli)
add_chaos_commands(cli)
add_delivery_commands(cli)
add_drill_command(cli)
add_outbox_commands(cli)
add_service_commands(cli)
add_suppression_commands(cli)
add_tracking_commands(cli)
add_webhook_commands(cli)
