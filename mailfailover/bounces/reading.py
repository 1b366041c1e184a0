"""
The reading of a bounce: one mail, and the events that it tells.
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from mailfailover._provider.event_reading import make_event
from mailfailover._values.events import EventType
from mailfailover._values.frozen import EMPTY
from mailfailover.bounces.auto_replies import read_auto_reply, read_away
from mailfailover.bounces.complaints import read_complaint
from mailfailover.bounces.delivery_status import read_status
from mailfailover.bounces.parts import open_report
from mailfailover.bounces.plain_words import read_words
from mailfailover.bounces.reasons import reason_of

if TYPE_CHECKING:
    from mailfailover._values.events import DeliveryEvent
    from mailfailover.bounces.finding import Finding
    from mailfailover.bounces.parts import Report

__all__ = ["event_of", "findings_in", "read_bounce"]

_READERS = (read_complaint, read_status, read_away, read_words, read_auto_reply)
_WITH_REASON = (EventType.BOUNCED, EventType.DEFERRED)
_MAX_WORDS = 1000


def read_bounce(raw: bytes) -> tuple[DeliveryEvent, ...]:
    """
    Return what a mail says of the delivery of another one; nothing where it says nothing of it.

    It reads delivery reports (RFC 3464), complaints (RFC 5965), automatic replies, and the words of
    servers that write neither. Nobody has verified what it says: anyone can write such a mail.
    :class:`BounceIntake` tells only what a signed address vouches for.

    .. versionadded:: 0.1.0
    """
    report = open_report(raw)
    return tuple(event_of(finding, report) for finding in findings_in(report))


def findings_in(report: Report) -> list[Finding]:
    """
    Return what the first reader finds that knows this kind of report.
    """
    return next((found for read in _READERS if (found := read(report))), [])


def event_of(finding: Finding, report: Report) -> DeliveryEvent:
    """
    Make the event of a finding.
    """
    header, returned = report.header, report.returned
    raw: dict[str, Any] = {
        "message-id": header.get("message-id"),
        "date": header.get("date"),
        "subject": header.words("subject"),
        "returned-message-id": returned.get("message-id"),
        **finding.details,
    }
    may_fail = finding.type in _WITH_REASON
    return make_event(
        {name: value[:_MAX_WORDS] for name, value in raw.items() if value}
        | {"recipient": finding.recipient},
        type=finding.type,
        recipient=finding.recipient,
        timestamp=_time(finding.when) or _time(header.get("date")),
        reject_reason=reason_of(finding.status, finding.words) if may_fail else None,
        mta_response=finding.words[:_MAX_WORDS],
        description=header.words("subject")[:200],
        metadata=EMPTY,
    )


def _time(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
