"""
Tracking in words: mails, recipients and events as lines for a terminal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mailfailover._values.events import EventType
from mailfailover.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mailfailover._values.events import DeliveryEvent
    from mailfailover.tracking import MailStatus, RecipientTrack


def status_lines(status: MailStatus) -> Iterator[str]:
    """
    Yield how a mail stands.
    """
    yield _outcome(status)
    if status.is_settled:
        yield "  the send did not know it; an event told"
    if status.possible_duplicate:
        yield "  possible duplicate: more than one attempt may have sent it"
    if status.error:
        yield f"  {status.error.splitlines()[0]}"
    for attempt in status.attempts:
        yield f"  attempt    {_attempt(attempt)}"
    for recipient in status.recipients:
        yield f"  recipient  {_recipient(recipient)}"
    for event in status.events:
        yield f"  event      {event_line(event)}"


def event_line(event: DeliveryEvent) -> str:
    """
    Return what a vendor told.
    """
    time = "" if event.timestamp is None else f"{event.timestamp:%Y-%m-%d %H:%M:%S}"
    words = event.mta_response or event.description or event.click_url
    line = f"{time}  {event.provider}  {event.type}  {event.recipient}"
    return f"{line}: {words}" if words else line


def event_type(name: str | None) -> EventType | None:
    """
    Return the type that *name* is of, None for none.

    Raises:
        ConfigurationError: If the type is unknown.
    """
    if name is None:
        return None
    try:
        return EventType(name)
    except ValueError:
        message = f"--type must be one of {', '.join(EventType)}"
    raise ConfigurationError(message)


def _outcome(status: MailStatus) -> str:
    by = f" by {status.provider}" if status.provider else ""
    given = f" as {status.provider_message_id}" if status.provider_message_id else ""
    when = "" if status.recorded is None else f", {status.recorded:%Y-%m-%d %H:%M:%S} UTC"
    return f"mail {status.mail_id}: {status.outcome}{by}{given}{when}"


def _attempt(attempt: Mapping[str, Any]) -> str:
    reason = f": {attempt['error']}" if attempt["error"] else ""
    return f"{attempt['provider']}: {attempt['outcome']} in {attempt['duration']:.2f} s{reason}"


def _recipient(one: RecipientTrack) -> str:
    since = "" if one.since is None else f" since {one.since:%Y-%m-%d %H:%M:%S}"
    reason = f": {one.reason}" if one.reason else ""
    return f"{one.email}: {one.state}{since}{reason}"
