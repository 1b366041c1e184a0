"""
Waiting for a mail to be settled, by as many requests at once as there are threads for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailfailover.service.mails import OPEN_STATES, find_mail, state_of

if TYPE_CHECKING:
    from mailfailover.outbox import OutboxMail
    from mailfailover.service.parts import Service
    from mailfailover.service.rules import Caller

_FIRST, _LONGEST = 0.02, 0.25


def wait_for(service: Service, caller: Caller, mail_id: str, seconds: float) -> OutboxMail | None:
    """
    Wait until a mail is settled and return it; None if it was not within *seconds*.

    Where too many wait already, it does not wait at all.
    """
    turns = service.waiting
    if not turns.acquire(blocking=False):
        return None
    try:
        if not _is_settled(service, mail_id, seconds):
            return None
        return find_mail(service, caller, mail_id)
    finally:
        turns.release()


def _is_settled(service: Service, mail_id: str, seconds: float) -> bool:
    end = service.clock() + seconds
    pause = _FIRST
    while True:
        if state_of(service, mail_id) not in OPEN_STATES:
            return True
        left = end - service.clock()
        if left <= 0:
            return False
        service.sleep(min(pause, left))
        pause = min(pause * 1.5, _LONGEST)
