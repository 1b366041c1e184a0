from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import TYPE_CHECKING

from mailfailover import MailSent, Receipt, RecipientStatus
from mailfailover.tracking._silent_outages import ACCEPTED, HEARD
from tests.chains import MAIL
from tests.tracking.test_tracking import ANN, states, told

if TYPE_CHECKING:
    from mailfailover.tracking import Tracking

MAILS = 60


def sent(number: int) -> MailSent:
    """
    A mail that the provider *a* took.
    """
    mail = MAIL.replace(id=f"m{number}")
    accepted = {ANN: RecipientStatus.ACCEPTED}
    return MailSent(mail, Receipt(mail.id, "a", f"a-{number}", accepted, ()))


def test_many_may_record_at_once(any_tracking: Tracking) -> None:
    """
    Each mail, and each of its events twice, in any order and by eight threads.

    Nothing is lost or doubled; a delivery that comes in the moment its mail is recorded may be
    missing in the counts, by which only shares are judged.
    """
    events = [
        event
        for number in range(MAILS)
        for event in (
            sent(number),
            *[told("delivered", mail_id=f"m{number}", event_id=f"d{number}")] * 2,
            *[
                told(
                    "opened",
                    mail_id="",
                    provider_message_id=f"a-{number}",
                    event_id=f"o{number}",
                )
            ]
            * 2,
        )
    ]
    Random(7).shuffle(events)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(any_tracking, events))

    assert [{ANN: "opened"}] * MAILS == [states(any_tracking, f"m{n}") for n in range(MAILS)]
    totals = {ACCEPTED: 0, HEARD: 0, "60": 0}
    for count in any_tracking.counts():
        totals[count.what] += count.number
    assert (MAILS, 2 * MAILS) == (totals[ACCEPTED], totals[HEARD])
    assert MAILS * 0.8 < totals["60"] <= MAILS
