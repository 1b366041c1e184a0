"""
The handlers of events in a database: tracking, the outbox, suppressions, and what watches them.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from mailfailover.cli.database import load
from mailfailover.cli.output import printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailfailover._values.events import DeliveryEvent

__all__ = ["EventHandlers", "event_shower"]


@dataclass(frozen=True, slots=True)
class EventHandlers:
    """
    The handlers of events in a process of the command.

    Attributes:
        engine: Their database.

        tracking: Records them.

        outbox: Settles its mails by them.

        deliveries: Learns from them, None where that is switched off; for a mailer.

        all: Every handler.
    """

    engine: Any
    tracking: Any
    outbox: Any
    deliveries: Any
    all: tuple[Callable[[Any], object], ...]

    @classmethod
    def open(cls, database: str | None) -> EventHandlers:
        """
        Open them, and make the tables that are not there yet.

        Raises:
            ConfigurationError: If the database cannot be opened.
        """
        engine = load("mailfailover._sql.database").open_engine(database)
        tracking = load("mailfailover.tracking").Tracking(engine)
        deliveries = load("mailfailover.deliveries.switch").find_deliveries(tracking, os.environ)
        suppressions = load("mailfailover.suppression").SuppressionList(
            engine, tracking=tracking, deliveries=deliveries
        )
        watch = load("mailfailover.tracking").SilentOutageWatch(deliveries or tracking)
        outbox = load("mailfailover.outbox").Outbox(engine)
        for part in (tracking, suppressions, outbox):
            part.init()
        heard = (tracking, outbox.settle, suppressions, watch)
        return cls(engine, tracking, outbox, deliveries, heard)


def event_shower(*, as_json: bool) -> Callable[[DeliveryEvent], None]:
    """
    Return a handler that shows each event on a line.
    """

    def show(event: DeliveryEvent) -> None:
        data = event.to_dict()
        data.pop("raw", None)
        if as_json:
            click.echo(json.dumps(data))
            return
        # Without the address: what a terminal shows is kept in logs.
        time = event.timestamp.isoformat(timespec="seconds") if event.timestamp else "-"
        reason = f" ({event.reject_reason})" if event.reject_reason else ""
        line = f"{time} {event.provider} {event.mail_id or '-'} {event.type}{reason}"
        click.echo(printable(line))

    return show
