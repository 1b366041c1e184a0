"""
The command of a game day: a link taken out of the running fleet, and put back.
"""

from __future__ import annotations

import signal
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mailfailover.cli.database import opened
from mailfailover.cli.exits import INTERRUPTED, OK, REFUSED
from mailfailover.cli.output import say, write_json
from mailfailover.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mailfailover import Mailer
    from mailfailover.drill import GameDay, Look

Command = TypeVar("Command", bound="Callable[..., Any]")

_ENDS = {
    "time": "The time is over.",
    "budget": "The budget is used up.",
    "failures": "The other links fail.",
    "dead": "A mail of the outbox ended dead.",
    "waiting": "Mails of the outbox wait too long.",
    "reset": "Somebody else put the link back.",
    "away": "Redis is away: the link is back in use within half a minute.",
    "interrupted": "Interrupted.",
}


def game_day_options(command: Command) -> Command:
    """
    Add the options of a game day to *command*.
    """
    options = (
        click.option(
            "--live",
            is_flag=True,
            help="No play: take a link out of the fleet that runs, and put it back.",
        ),
        click.option("--isolate", default="", metavar="KEY", help="The link to take out."),
        click.option(
            "--minutes",
            type=click.FloatRange(min=0, min_open=True),
            default=10.0,
            show_default=True,
            help="How long it is out.",
        ),
        click.option(
            "--budget",
            type=click.IntRange(min=1),
            default=200,
            show_default=True,
            metavar="MAILS",
            help="Put it back when so many mails went another way.",
        ),
        click.option(
            "--database",
            metavar="URL",
            help="The outbox of the fleet, to count mails and see whether they wait.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def run_game_day(
    mailer: Mailer,
    key: str,
    *,
    minutes: float,
    budget: int,
    database: str | None,
    as_json: bool,
) -> int:
    """
    Hold a game day, and return the exit code.

    Args:
        database: The outbox's; without one the mails are estimated.

    Raises:
        ConfigurationError: See :func:`mailfailover.drill.hold_game_day`.
    """
    from mailfailover.drill import FleetWatch, hold_game_day

    if not key:
        raise ConfigurationError("--live needs --isolate KEY: the link to take out")

    def show(look: Look) -> None:
        if not as_json:
            say(_line(look), err=True)

    with ExitStack() as stack:
        outbox = stack.enter_context(opened("outbox.Outbox", database)) if database else None
        stack.enter_context(_ended_by_sigterm())
        watch = FleetWatch(mailer, key, outbox)
        found = hold_game_day(mailer, key, watch, seconds=minutes * 60, budget=budget, on_look=show)
    if as_json:
        write_json(found.to_dict())
    else:
        say(_summary(found), color=None if found.is_passed else "red")
    if found.end == "interrupted":
        return INTERRUPTED
    return OK if found.is_passed else REFUSED


def _line(look: Look) -> str:
    waits = f", the oldest waits {look.waits:.0f} s" if look.waits else ""
    return (
        f"{look.at:5.0f} s: {look.affected} mails went another way; {look.failures} of "
        f"{look.calls} calls of the last minute failed; {look.closed} links are in use{waits}"
    )


def _summary(found: GameDay) -> str:
    about = "" if found.counted else "about "
    return (
        f"{_ENDS[found.end]} {found.key} was out for {found.lasted:.0f} s and is in use again; "
        f"{about}{found.affected} mails went another way."
    )


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """
    Let SIGTERM end a game day as Ctrl-C does.
    """

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
