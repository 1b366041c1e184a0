"""
The commands of the list of suppressions: options and help.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from mailfailover.cli.database import (
    add_table_commands,
    database_option,
    json_option,
    opened,
    working,
)
from mailfailover.cli.output import say, write_json

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

__all__ = ["add_suppression_commands"]

_KIND = "suppression.SuppressionList"
_STATES = click.Choice(["suppressed", "held", "quarantined"])
_REASONS = click.Choice(["complained", "unsubscribed", "bounced", "suppressed", "manual"])


def _scope(*, default: str | None) -> Callable[[Any], Any]:
    """
    Add the options that say what an entry holds for.
    """

    def add(command: Any) -> Any:
        stream = click.option(
            "--stream", default=default, metavar="STREAM", help="Of this stream only."
        )
        domain = click.option(
            "--from-domain", default=default, metavar="DOMAIN", help="Of this From domain only."
        )
        return stream(domain(command))

    return add


def add_suppression_commands(cli: click.Group) -> None:
    """
    Add them to *cli*.
    """
    cli.add_command(suppressions)


@click.group()
def suppressions() -> None:
    """
    The addresses that must not get mail, whichever provider reported them.
    """


add_table_commands(suppressions, _KIND)


@suppressions.command(name="list")
@click.argument("email", required=False)
@click.option("--reason", type=_REASONS)
@click.option("--state", type=_STATES)
@_scope(default=None)
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True)
@database_option
@json_option
def list_(*, email: str | None, database: str | None, as_json: bool, **wanted: Any) -> None:
    """
    List the latest entries, those of EMAIL where it is given.

    An address that is held bounced once and gets mail again by itself; a bounce in quarantine came
    while its receiver refused many addresses, and keeps no mail back.
    """
    with working(as_json=as_json), opened(_KIND, database) as held:
        found = held.list(email, **wanted)
        quarantines = held.quarantines()
    if as_json:
        write_json([entry.to_dict() for entry in found])
        return
    for one in quarantines:
        say(
            f"{one.receiver} is in quarantine until {one.until:%Y-%m-%d %H:%M}: its bounces "
            "suppress nobody",
            err=True,
        )
    for entry in found:
        say(_line(entry))


@suppressions.command()
@click.argument("email")
@click.option("--reason", type=_REASONS, default="manual", show_default=True)
@_scope(default="")
@click.option("--days", type=click.FloatRange(min=0, min_open=True), help="For so long only.")
@click.option("--detail", default="", metavar="TEXT", help="Why, in words.")
@database_option
@json_option
def add(
    *, email: str, days: float | None, database: str | None, as_json: bool, **fields: str
) -> None:
    """
    Let EMAIL get no mail any more.
    """
    ttl = None if days is None else timedelta(days=days)
    with working(as_json=as_json), opened(_KIND, database) as held:
        entry = held.add(email, ttl=ttl, source="command line", **fields)
    if as_json:
        write_json(entry.to_dict())
    else:
        say(_line(entry))


@suppressions.command()
@click.argument("email")
@click.option("--reason", type=_REASONS)
@_scope(default=None)
@database_option
@json_option
def remove(*, email: str, database: str | None, as_json: bool, **wanted: str | None) -> None:
    """
    Let EMAIL get mail again: take all its entries out, or those of this kind.
    """
    with working(as_json=as_json), opened(_KIND, database) as held:
        count = held.remove(email, **wanted)
    _count("removed", count, as_json=as_json)


@suppressions.command()
@click.option("--domain", default="", help="The addresses' domain, or receiver, such as gmail.")
@click.option("--since", metavar="TIME", help="Not before this time (UTC), or day.")
@click.option("--until", metavar="TIME", help="Before this time (UTC), or to the end of this day.")
@click.option("--response", default="", metavar="TEXT", help="A part of the receiver's answer.")
@click.option("--dry-run", is_flag=True, help="Only list what would be lifted.")
@database_option
@json_option
def undo(
    *,
    domain: str,
    since: str | None,
    until: str | None,
    response: str,
    dry_run: bool,
    database: str | None,
    as_json: bool,
) -> None:
    """
    Take back the bounces of a wrong day, and what followed from them.

    Complaints, unsubscriptions and what was added by hand stay.
    """
    times = {"since": _time(since), "until": _time(until, is_end=True)}
    with working(as_json=as_json), opened(_KIND, database) as held:
        found = held.undo(domain=domain, response=response, dry_run=dry_run, **times)
    if as_json:
        write_json({"dry_run": dry_run, "lifted": [entry.to_dict() for entry in found]})
        return
    for entry in found:
        say(_line(entry))
    say(f"{'would be lifted' if dry_run else 'lifted'}: {len(found)}")


@suppressions.command(name="import")
@click.argument("file", type=click.File("r", encoding="utf-8-sig", errors="surrogateescape"))
@click.option("--reason", type=_REASONS, default="manual", show_default=True)
@_scope(default="")
@database_option
@json_option
def import_(*, file: TextIO, database: str | None, as_json: bool, **fields: str) -> None:
    """
    Add what a CSV file says, all of it or nothing; - is standard input.

    Its first line names the columns: email, and any of reason, stream, from_domain, source,
    detail, created and expires. The options stand for columns that are missing.
    """
    with working(as_json=as_json), opened(_KIND, database) as held:
        count = held.import_csv(file, **fields)
    _count("imported", count, as_json=as_json)


@suppressions.command()
@click.argument("file", type=click.File("w", encoding="utf-8", lazy=False), default="-")
@database_option
def export(*, file: TextIO, database: str | None) -> None:
    """
    Write all entries as CSV to FILE, or to standard output.
    """
    with working(as_json=False), opened(_KIND, database) as held:
        held.export_csv(file)


def _time(text: str | None, *, is_end: bool = False) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text) + timedelta(days=is_end and "T" not in text)
    except (ValueError, OverflowError):
        message = f"{text!r} is no time: write 2027-01-31 or 2027-01-31T09:00"
        raise click.BadParameter(message) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _count(what: str, count: int, *, as_json: bool) -> None:
    if as_json:
        write_json({what: count})
    else:
        say(f"{what}: {count}")


def _line(entry: Any) -> str:
    """
    Return an entry in words.
    """
    scope = [f"stream {entry.stream}"] * bool(entry.stream)
    scope += [f"from {entry.from_domain}"] * bool(entry.from_domain)
    end = "" if entry.expires is None else f" until {entry.expires:%Y-%m-%d %H:%M}"
    words = f": {entry.detail}" if entry.detail else ""
    held = f" ({', '.join(scope)})" if scope else ""
    state = "" if entry.state == "suppressed" else f", {entry.state}"
    source = f", told by {entry.source}" if entry.source else ""
    return (
        f"{entry.email}  {entry.reason}{state}{held}  {entry.created:%Y-%m-%d}{end}{source}{words}"
    )
