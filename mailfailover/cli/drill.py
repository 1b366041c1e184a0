"""
The command that plays real outages against the configured chain: options and help.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mailfailover._message.message import Message
from mailfailover.cli.database import working
from mailfailover.cli.exits import OK, REFUSED
from mailfailover.cli.game_day import game_day_options, run_game_day
from mailfailover.cli.output import reporting, say, write_json
from mailfailover.cli.source import open_mailer
from mailfailover.errors import ConfigurationError, InvalidMessage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["add_drill_command"]

_EXITS = """\b
Exit codes:
    0  The chain survived all incidents.
    1  In one of them mails were lost, or came too late.
    2  The command line, the configuration or an incident file is wrong."""
_HOUR = 3600.0
_PERCENT = 100.0


def add_drill_command(cli: click.Group) -> None:
    """
    Add it to *cli*.
    """
    cli.add_command(drill)


@click.command(epilog=_EXITS)
@click.option("--config", type=click.Path(path_type=Path), metavar="FILE", help="A TOML file.")
@click.option("--dsn", metavar="DSN", help="The providers, if not those of the environment.")
@click.option(
    "--incident",
    "names",
    multiple=True,
    metavar="NAME",
    help="Only this one, or that of a TOML file of yours. Repeatable.",
)
@click.option("--list", "as_list", is_flag=True, help="List the incidents and play none.")
@click.option("--rate", default="10/s", show_default=True, metavar="N/s", help="Mails you send.")
@click.option("--deliveries", is_flag=True, help="Let delivery events feed the chain's health.")
@click.option("--outbox", is_flag=True, help="Send through an outbox.")
@click.option(
    "--message",
    "paths",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="A mail like yours: .eml, or .json as `Message.to_dict` writes it. Repeatable.",
)
@click.option("--strike", default="", metavar="KEY", help="The link that plays each vendor.")
@click.option("--seed", type=int, default=0, show_default=True, help="Another one, other chances.")
@click.option("--max-lost", default="0%", show_default=True, help="What may be lost of the mails.")
@click.option("--max-late", metavar="TIME", help="How late a mail may be, such as 10m.")
@click.option(
    "--html",
    "page",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write a page with pictures.",
)
@game_day_options
@click.option("--json", "as_json", is_flag=True, help="Write JSON to standard output.")
def drill(
    *,
    config: Path | None,
    dsn: str | None,
    names: tuple[str, ...],
    as_list: bool,
    paths: tuple[Path, ...],
    page: Path | None,
    as_json: bool,
    live: bool,
    isolate: str,
    minutes: float,
    budget: int,
    database: str | None,
    **given: Any,
) -> None:
    """
    Play outages that really happened against your providers, without any network.

    Each is played on a virtual clock with your own chain: lost, late and twice, when it was told
    and by what, and what the standby carried; beside it a program that has one provider, and one
    that retries three times. Configured are your providers as for `send`.

    With --live nothing is played: a link of the fleet that runs is taken out of use for a while,
    through the health that its processes share in Redis.
    """
    from mailfailover.drill import Suite, find, load_incident, load_incidents, run_all
    from mailfailover.drill.view import finding_lines, list_lines, report_lines

    if live:
        reported = working if database else reporting
        with reported(as_json=as_json), open_mailer(dsn, config) as mailer:
            code = run_game_day(
                mailer, isolate, minutes=minutes, budget=budget, database=database, as_json=as_json
            )
        sys.exit(code)
    with reporting(as_json=as_json):
        incidents = [load_incident(one) for one in names] or list(load_incidents().values())
        if as_list:
            _write_list(incidents, list_lines, as_json=as_json)
            return
        options = _options(given)
        limits = {name: options.pop(name) for name in ("max_lost", "max_late")}
        messages = tuple(map(read_message, paths))
        mailer = open_mailer(dsn, config)
        for line in () if as_json else finding_lines(find(mailer, messages)):
            say(line)

        def show(report: Any) -> None:
            survived = report.survived(**limits)
            for line in () if as_json else report_lines(report, survived=survived):
                say(line, color=None if survived else "red")

        suite: Suite = run_all(
            mailer, incidents, messages=messages, on_report=show, **limits, **options
        )
        if page is not None:
            page.write_text(suite.to_html(), "utf-8")
    if as_json:
        write_json(suite.to_dict())
    else:
        say(list(suite.lines())[-1])
    sys.exit(REFUSED if suite.losses else OK)


def read_message(path: Path) -> Message:
    """
    Read a mail from a file: a MIME message, or JSON.

    Raises:
        ConfigurationError: If it is neither.
    """
    try:
        if path.suffix == ".json":
            return Message.from_dict(json.loads(path.read_text("utf-8")))
        return Message.from_email_message(path.read_bytes())
    except InvalidMessage as exc:
        problem = str(exc)
    except (OSError, ValueError) as exc:
        problem = f"it cannot be read ({type(exc).__name__})"
    message = f"message {path}: {problem}"
    raise ConfigurationError(message)


def _write_list(incidents: list[Any], lines: Callable[..., Any], *, as_json: bool) -> None:
    if as_json:
        write_json([_listed(one) for one in incidents])
        return
    for line in lines(incidents):
        say(line)


def _listed(incident: Any) -> Mapping[str, Any]:
    return {
        "name": incident.name,
        "begin": incident.begin.isoformat(),
        "lasts": incident.lasts,
        "vendor": incident.vendor,
        "receiver": incident.receiver,
        "title": incident.title,
        "faults": [str(one) for one in incident.faults],
        "assumed": list(incident.assumed),
        "sources": [one.url for one in incident.sources],
    }


def _options(given: Mapping[str, Any]) -> dict[str, Any]:
    """
    Read what is written as text.

    Raises:
        ConfigurationError: If a rate, a part or a time is none.
    """
    from mailfailover.drill.incident_table import rate_of, seconds_of

    options = dict(given)
    rate = rate_of(options["rate"])
    if rate is None:
        _refuse("rate", options["rate"], "10/s")
    options["rate"] = float(rate or 0.0) / _HOUR
    late = options["max_late"]
    options["max_late"] = None if late is None else seconds_of(late)
    if late is not None and options["max_late"] is None:
        _refuse("max-late", late, "10m")
    options["max_lost"] = _part(options["max_lost"])
    return options


def _part(text: str) -> float:
    try:
        part = float(text.removesuffix("%")) / (_PERCENT if text.endswith("%") else 1.0)
    except ValueError:
        part = -1.0
    if not 0 <= part <= 1:
        _refuse("max-lost", text, "1%")
    return part


def _refuse(option: str, text: str, like: str) -> None:
    message = f"--{option} must be like {like}, not {text!r}"
    raise ConfigurationError(message)
