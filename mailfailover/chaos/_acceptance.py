"""
The acceptance of a mail: it is kept, and its events are scheduled.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from mailfailover.chaos._answers import message_ids
from mailfailover.chaos._mail import AcceptedMail, headings_of, headings_of_mime
from mailfailover.chaos._providers import SMTP
from mailfailover.testing._dialects import find_dialect
from mailfailover.testing._request_bodies import mail_ids_in

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mailfailover.chaos._courier import Courier
    from mailfailover.chaos._mailbox import Mailbox
    from mailfailover.chaos._troubles import Troubles
    from mailfailover.testing import CannedResponse, RecordedMail, RecordedRequest

__all__ = ["Acceptance"]

_UNHEARD = ("undelivered", "stuck")

# The prefix of an address decides the events of its mails.
_FATES = {"bounce": ("bounced",), "defer": ("deferred", "delivered")}
_APART = 0.5


class Acceptance:
    """
    Keeps accepted mails, and has their events posted.

    Args:
        webhooks: The address that each vendor posts to, for those that have one.

        after: Seconds until a mail is delivered.
    """

    def __init__(
        self,
        mailbox: Mailbox,
        courier: Courier,
        *,
        troubles: Mapping[str, Troubles],
        webhooks: Mapping[str, str],
        after: float,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._mailbox = mailbox
        self._courier = courier
        self._troubles = troubles
        self._webhooks = webhooks
        self._after = after
        self._wall = wall

    def over_http(self, vendor: str, request: RecordedRequest, answer: CannedResponse) -> None:
        """
        Take a mail that came in a request, to which the vendor says *answer*.
        """
        dialect = find_dialect(vendor)
        recipients = dialect.recipients(request)
        sender, subject = headings_of(request)
        self._take(
            vendor,
            sender=sender,
            subject=subject,
            recipients=recipients,
            mail_id=next(iter(dialect.mail_ids(request)), ""),
            message_ids=message_ids(vendor, answer, recipients),
            body=request.body,
        )

    def over_smtp(self, mail: RecordedMail) -> None:
        """
        Take a mail that came by SMTP.
        """
        sender, subject = headings_of_mime(mail.data)
        self._take(
            SMTP,
            sender=sender or mail.mail_from,
            subject=subject,
            recipients=mail.rcpt_tos,
            mail_id=next(iter(mail_ids_in(mail.data.partition(b"\r\n\r\n")[0])), ""),
            message_ids={},
            body=mail.data,
        )

    def _take(self, vendor: str, **fields: object) -> None:
        fate = "stuck" if self._troubles[vendor].strikes(_UNHEARD) else "delivered"
        make = partial(
            AcceptedMail,
            vendor=vendor,
            fate=fate,
            accepted=datetime.fromtimestamp(self._wall(), UTC),
            **fields,  # type: ignore[arg-type]  # the fields of a mail
        )
        mail = self._mailbox.add(lambda number: make(number=number))
        if fate == "delivered":
            self._tell(mail)

    def _tell(self, mail: AcceptedMail) -> None:
        url = self._webhooks.get(mail.vendor)
        troubles = self._troubles[mail.vendor]
        if not url or troubles.strikes(("silent_webhooks",)):
            return
        late = troubles.strikes(("late",))
        begin = self._after + (late.seconds if late else 0)
        for recipient in mail.recipients:
            start = next((one for one in _FATES if recipient.startswith(one)), "")
            for number, kind in enumerate(_FATES.get(start, ("delivered",))):
                self._courier.tell(mail, kind, recipient, url, begin + number * _APART)
