"""
The deliveries that a command's mailer knows: those in its database.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mailfailover.cli.database import load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailfailover.deliveries import DeliveryHealth
    from mailfailover.outbox import Outbox


def open_deliveries(database: Any = None, every: float | None = None) -> DeliveryHealth:
    """
    Open what is known of deliveries in *database*, whose tables need not be there.

    Args:
        database: A URL, or an engine.

        every: Seconds between two looks at it; None for a command that is soon over.

    Raises:
        ConfigurationError: If SQLAlchemy is not installed, or the database cannot be opened.
    """
    tracking = load("mailfailover.tracking").Tracking(database)
    found: DeliveryHealth = load("mailfailover.deliveries").DeliveryHealth(tracking, every=every)
    return found


def read_deliveries(database: Any, every: float | None = None) -> dict[str, Any]:
    """
    Return the options of a mailer that goes by what is known of deliveries.

    Raises:
        ConfigurationError: If there are no such tables, or the database cannot be opened.
    """
    deliveries = open_deliveries(database, every)
    tracking = deliveries.tracking
    tracking.check()
    deliveries.check_tables()
    return {"observers": [tracking], "on_event": [tracking], "deliveries": deliveries}


@contextmanager
def deliveries_beside(outbox: Outbox) -> Iterator[dict[str, Any]]:
    """
    The same for a worker of *outbox*; no options where deliveries are switched off.
    """
    tracking = load("mailfailover.tracking").Tracking(outbox.engine)
    found = load("mailfailover.deliveries.switch").find_deliveries(tracking, os.environ)
    if found is None:
        yield {}
        return
    tracking.init()
    try:
        yield {"observers": [tracking], "on_event": [tracking], "deliveries": found}
    finally:
        found.close()
