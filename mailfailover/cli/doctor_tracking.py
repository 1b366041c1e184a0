"""
The doctor's look at tracking: what it knows of the providers.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from mailfailover.cli.database import load
from mailfailover.cli.finding import NOTE, OK, PROBLEM, Finding
from mailfailover.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mailfailover.tracking import Tracking

_REMEDY = (
    "look at its console and status page, and whether its webhook is still set up there; "
    "mailer.health.isolate() takes it out of use"
)


def examine_tracking(clock: Callable[[], float] = time.time) -> Iterator[Finding]:
    """
    Look whether a provider says yes and delivers nothing, where there is tracking at all.
    """
    try:
        sql = load("sqlalchemy")
    except ConfigurationError:
        return
    try:
        found = load("mailfailover._sql.database").read_url()
        if found.get_backend_name() == "sqlite" and not Path(found.database or "").exists():
            return
        tracking: Tracking = load("mailfailover.tracking").Tracking(clock=clock)
        try:
            if sql.inspect(tracking.engine).has_table("tracking_mails"):
                tracking.check()
                yield from _deliveries(tracking)
        finally:
            tracking.close()
    except ConfigurationError as exc:
        yield Finding(PROBLEM, "database", str(exc))
    except sql.exc.SQLAlchemyError as exc:
        text = f"it cannot be read ({type(exc).__name__})"
        yield Finding(PROBLEM, "database", text, "is it up, and is MAILFAILOVER_DATABASE right?")


def _deliveries(tracking: Tracking) -> Iterator[Finding]:
    from mailfailover._chain.observe import SilentOutage
    from mailfailover.tracking._silent_outages import judge

    readings = judge(tracking.counts(), tracking.clock())
    if not readings:
        yield Finding(NOTE, "deliveries", "too few are known of yet to compare them")
    for one in readings:
        subject = f"deliveries of {one.provider}"
        if one.is_silent:
            yield Finding(PROBLEM, subject, str(SilentOutage(*one)), _REMEDY)
        else:
            text = f"{one.share:.0%} of its last {one.mails} mails; usual are {one.usual:.0%}"
            yield Finding(OK, subject, text)
