"""
The doctor's look at tracking: what it knows of the providers.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from mailfailover.cli.database import load
from mailfailover.cli.finding import NOTE, OK, PROBLEM, WARNING, Finding
from mailfailover.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from mailfailover.tracking import Tracking

_REMEDY = (
    "look at its console and status page, and whether its webhook is still set up there; "
    "mailer.health.isolate() takes it out of use"
)
_ALL = "*"
_WEBHOOKS = "look at the webhooks in its console, their address and their secret"
_WAIT = "wait: no provider reaches it, so the outbox holds its mails back"
_ELSEWHERE = "look at its console; meanwhile mails prefer the other providers"


def examine_tracking(clock: Callable[[], float] = time.time) -> Iterator[Finding]:
    """
    Look whether a provider says yes and delivers nothing, where there is tracking at all.
    """
    yield from _of_tracking(clock, _silent_and_ill)


def last_deliveries(
    keys: Iterable[str], clock: Callable[[], float] = time.time
) -> Iterator[Finding]:
    """
    Tell when a mail through each of the links *keys* was delivered last.
    """

    def look(tracking: Tracking) -> Iterator[Finding]:
        for key in keys:
            found = tracking.events(provider=key, type="delivered", limit=1)
            subject = f"last delivery of {key}"
            if found and found[0].timestamp:
                text = f"at {found[0].timestamp.isoformat(timespec='seconds')}"
                yield Finding(OK, subject, text, link=key)
            else:
                remedy = "send a mail through it, and see whether its webhook tells"
                yield Finding(NOTE, subject, "none is known of", remedy, key)

    yield from _of_tracking(clock, look)


def _silent_and_ill(tracking: Tracking) -> Iterator[Finding]:
    yield from _deliveries(tracking)
    yield from _cells(tracking)


def _of_tracking(
    clock: Callable[[], float], look: Callable[[Tracking], Iterator[Finding]]
) -> Iterator[Finding]:
    """
    Yield what *look* finds in the database of tracking; nothing where there is none.
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
                yield from look(tracking)
        finally:
            tracking.close()
    except ConfigurationError as exc:
        yield Finding(PROBLEM, "database", str(exc))
    except sql.exc.SQLAlchemyError as exc:
        text = f"it cannot be read ({type(exc).__name__})"
        yield Finding(PROBLEM, "database", text, "is it up, and is MAILFAILOVER_DATABASE right?")


def _deliveries(tracking: Tracking) -> Iterator[Finding]:
    from mailfailover._chain.observe import SilentOutage

    readings = tracking.readings()
    if not readings:
        yield Finding(NOTE, "deliveries", "too few are known of yet to compare them")
    for one in readings:
        subject = f"deliveries of {one.provider}"
        if one.is_silent:
            yield Finding(PROBLEM, subject, str(SilentOutage(*one)), _REMEDY)
        else:
            text = f"{one.share:.0%} of its last {one.mails} mails; usual are {one.usual:.0%}"
            yield Finding(OK, subject, text)


def _cells(tracking: Tracking) -> Iterator[Finding]:
    """
    Look which provider does not reach which receiver, where that is learnt.
    """
    deliveries = load("mailfailover.deliveries.switch").find_deliveries(tracking, {})
    if deliveries is None:
        return
    report = deliveries.report()
    for key, detail in sorted(report.silent.items()):
        whose = "all providers" if key == _ALL else key
        yield Finding(PROBLEM, f"webhooks of {whose}", detail, _WEBHOOKS)
    ill = {place: cell for place, cell in report.cells.items() if cell.is_ill}
    for (key, receiver), cell in sorted(ill.items()):
        if key == _ALL:
            yield Finding(WARNING, f"receiver {receiver}", cell.detail, _WAIT)
        else:
            where = "most receivers" if receiver == _ALL else receiver
            subject = f"deliveries of {key} to {where}"
            yield Finding(WARNING, subject, f"{cell.state}: {cell.detail}", _ELSEWHERE)
    if not ill and report.cells:
        text = f"mails arrive: {len(report.cells)} pairs of provider and receiver are well"
        yield Finding(OK, "receivers", text)
