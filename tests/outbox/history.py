"""
What must be true of an outbox after all that was done to it, by the vendors' own records.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from sqlalchemy import and_, func, or_, select

from mailfailover._sql.database import reading
from mailfailover.outbox import Outbox, State
from mailfailover.outbox._tables import mails

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable, Iterator

    from mailfailover.outbox import OutboxMail

GOT = {"accepted", "queued"}
SURELY_NOT = {"pending", "refused", "invalid", "suppressed"}


def every_mail(outbox: Outbox) -> Iterator[OutboxMail]:
    """
    All that are there.
    """
    before: str | None = None
    while page := outbox.list(limit=500, before=before):
        before = page[-1].id
        yield from page


def settle_down(outbox: Outbox, seconds: float = 60.0) -> None:
    """
    Wait until workers have brought every mail to an end.
    """
    query = select(func.count()).where(
        or_(
            mails.c.state.in_(_MOVING),
            and_(mails.c.state == State.UNKNOWN, mails.c.due.is_not(None)),
        )
    )
    end = time.monotonic() + seconds
    while True:
        with reading(outbox.engine) as connection:
            left = connection.scalar(query)
        if not left:
            return
        assert time.monotonic() < end, f"it does not settle down: {outbox.stats()}"
        time.sleep(0.05)


_MOVING = (State.PENDING, State.LEASED, State.SENDING)


def complaints(outbox: Outbox, acknowledged: Iterable[str], accepted: Counter[str]) -> list[str]:
    """
    What is wrong with the history of *outbox*; nothing is, if all is well.

    Args:
        outbox: After all mails came to an end.

        acknowledged: The ids of the mails whose add returned.

        accepted: How often the vendors took a mail for each address, by their own records.
    """
    stored = {mail.id: mail for mail in every_mail(outbox)}
    found = [f"{one}: acknowledged, and lost" for one in acknowledged if one not in stored]
    known = {one.email for mail in stored.values() for one in mail.recipients}
    found += [
        f"{email}: accepted, and not in the outbox" for email in accepted if email not in known
    ]
    for mail in stored.values():
        found += _complaints(mail, accepted)
    return found


def _complaints(mail: OutboxMail, accepted: Counter[str]) -> Iterator[str]:
    if mail.state not in (State.SENT, State.UNKNOWN, State.DEAD):
        yield f"{mail.id}: still {mail.state}"
    for one in mail.recipients:
        times = accepted[one.email]
        if one.status in GOT and not times:
            yield f"{one.email}: said to be {one.status}, and never accepted"
        if one.status in SURELY_NOT and times:
            yield f"{one.email}: said to be {one.status}, and accepted {times} times"
        if times > 1 and not mail.possible_duplicate:
            yield f"{one.email}: accepted {times} times, and not flagged"
    statuses = {one.status for one in mail.recipients}
    if mail.state is State.SENT and not statuses & GOT:
        yield f"{mail.id}: sent, and nobody has it"
    if mail.state is State.SENT and statuses & {"unknown", "pending"}:
        yield f"{mail.id}: sent, and not settled: {statuses}"
    if mail.state is State.UNKNOWN and "unknown" not in statuses:
        yield f"{mail.id}: unknown, and nobody is in doubt"
