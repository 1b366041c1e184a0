"""
The timeline of a mail: its steps in words, as its page shows them.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from mailfailover._values.events import EventType
from mailfailover.outbox import State
from mailfailover.service.outcomes import level_of, name_outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from mailfailover._values.events import DeliveryEvent
    from mailfailover.outbox import OutboxAttempt, OutboxMail

__all__ = ["Step", "steps"]

_HELD_BACK = "Held back: receiver down"
_MANY = 4
"""Recipients of whom a vendor told the same good news: so many share a step."""


class Step(NamedTuple):
    """
    A step: its time, its severity (``good``, ``warn``, ``bad`` or nothing), its title and details.
    """

    when: datetime | None
    level: str
    what: str
    detail: str = ""


_EVENTS: Mapping[str, tuple[str, str]] = {
    EventType.DELIVERED: ("good", "Delivered to"),
    EventType.OPENED: ("good", "Opened by"),
    EventType.CLICKED: ("good", "A link was clicked by"),
    EventType.DEFERRED: ("warn", "Not taken yet by the server of"),
    EventType.BOUNCED: ("bad", "Bounced from"),
    EventType.REJECTED: ("bad", "Not tried for"),
    EventType.FAILED: ("bad", "Not made for"),
    EventType.COMPLAINED: ("bad", "Called spam by"),
    EventType.UNSUBSCRIBED: ("warn", "Unsubscribed:"),
}
"""How serious an event is, and what it means for the recipient who is named after it."""


def steps(mail: OutboxMail, events: Sequence[DeliveryEvent] = ()) -> Iterator[Step]:
    """
    Yield the steps of *mail*: what we did, then what vendors told, each in the order of time.
    """
    yield from _ours(mail)
    for (kind, _), group in groupby(events, lambda event: (event.type, event.provider)):
        yield from _grouped(kind, tuple(group))


def _grouped(kind: EventType, events: Sequence[DeliveryEvent]) -> Iterator[Step]:
    """
    Yield the step of each event, or one step for good news of many recipients.
    """
    level, what = _EVENTS.get(kind, ("", ""))
    names = tuple(dict.fromkeys(event.recipient for event in events))
    if level != "good" or len(names) < _MANY:
        yield from map(_told, events)
        return
    yield Step(events[-1].timestamp, level, f"{what} {len(names)} recipients", _some(names))


def _some(names: Sequence[str]) -> str:
    more = len(names) - _MANY
    return ", ".join(names[:_MANY]) + (f" and {more} more" if more else "")


def _told(event: DeliveryEvent) -> Step:
    level, what = _EVENTS.get(event.type, ("", f"{str(event.type).capitalize()}:"))
    detail = event.mta_response or event.description
    return Step(event.timestamp, level, f"{what} {event.recipient or 'somebody'}", detail)


def _ours(mail: OutboxMail) -> Iterator[Step]:
    yield Step(mail.created, "", "Queued")
    yield from map(_call, mail.attempts)
    if mail.state is State.DEAD:
        yield Step(mail.finished, "bad", "Given up", _first_line(mail.reason))
    elif mail.state is State.UNKNOWN:
        yield Step(None, "warn", "It may have been sent", _first_line(mail.reason))
    elif mail.state is State.SENT and mail.possible_duplicate:
        yield Step(mail.finished, "warn", "It may have been sent twice", _first_line(mail.reason))
    elif mail.state is State.PENDING:
        yield _wait(mail)


def _wait(mail: OutboxMail) -> Step:
    if mail.held_back:
        receivers = ", ".join(mail.held_back)
        return Step(None, "warn", _HELD_BACK, f"No provider reaches {receivers} now")
    last = mail.attempts[-1].started if mail.attempts else mail.created
    if mail.due is None or mail.due <= last:
        return Step(None, "", "Waiting", _first_line(mail.reason))
    what = "To be tried again" if mail.attempts else "To be sent"
    return Step(mail.due, "", what, _first_line(mail.reason))


def _first_line(reason: str) -> str:
    """
    Return *reason* without its table of attempts, each of which is a step of its own.
    """
    first, table, _ = reason.partition("\n")
    return first.rstrip(":") if table else reason


def _call(attempt: OutboxAttempt) -> Step:
    if attempt.outcome == "accepted":
        number = attempt.provider_message_id
        detail = f"Its id there is {number}" if number else ""
        return Step(attempt.started, "good", f"Sent by {attempt.provider}", detail)
    if attempt.outcome == "unfinished":
        return Step(attempt.started, "", f"Calling {attempt.provider}")
    status = f" ({attempt.status_code})" if attempt.status_code else ""
    what = f"{attempt.provider} {name_outcome(attempt.outcome)}{status}"
    return Step(attempt.started, level_of(attempt.outcome), what, attempt.error)
