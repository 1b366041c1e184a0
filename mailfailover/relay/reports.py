"""
The reporter: it watches the mails that came to the port, and sends a bounce where one fails.

Nothing is reported twice, also after a crash: a bounce lies in the outbox in the same
transaction that marks its submission as finished. A bounce has no submission of its own, so
there is never a bounce of a bounce.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from threading import Event
from time import monotonic
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from mailfailover._values.receipt import RecipientStatus
from mailfailover.errors import MailFailoverError
from mailfailover.outbox import State
from mailfailover.relay.bounce import Fate, bounce_for, is_automatic

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailfailover.outbox import OutboxMail
    from mailfailover.relay.submissions import Submission, Submissions
    from mailfailover.service.parts import Service

__all__ = ["Reporter"]

_LOG = logging.getLogger(__name__)
_REST = 10
_FAILED = frozenset({RecipientStatus.REFUSED, RecipientStatus.INVALID, RecipientStatus.SUPPRESSED})


class Reporter:
    """
    Reports failures to the senders of envelopes.

    Args:
        service: Its outbox and mailer.

        submissions: Whom to report to.

        bounce_from: Whom a bounce is from; where "", the mailer's sender, else the mail's own.

        every: Seconds between two looks.
    """

    def __init__(
        self,
        service: Service,
        submissions: Submissions,
        *,
        bounce_from: str = "",
        every: float = 2.0,
    ) -> None:
        self._service = service
        self._submissions = submissions
        self._bounce_from = bounce_from
        self._every = every
        self._over = Event()

    def run(self) -> None:
        """
        Look again and again, until :meth:`stop`.
        """
        pause = self._every
        while not self._over.wait(pause):
            begun = monotonic()
            try:
                self.look()
            except SQLAlchemyError as exc:
                _LOG.warning("the fate of mails cannot be read now: %s", type(exc).__name__)
            # Many mails may wait for a provider: looking at them is a small share of the time.
            pause = max(self._every, _REST * (monotonic() - begun))

    def stop(self) -> None:
        """
        Let :meth:`run` return.
        """
        self._over.set()

    def look(self) -> int:
        """
        Report every failure that there is now; return how many reports were made.
        """
        made = 0
        while found := self._submissions.settled():
            made += sum(map(self._settle, found))
        return made

    def _settle(self, submission: Submission) -> bool:
        mail = self._service.outbox.get(submission.mail)
        fates = [] if mail is None else list(_fates(submission, mail))
        if mail is None or not fates or is_automatic(submission.header):
            self._submissions.finish(submission.mail)
            return False
        return self._report(submission, mail, fates)

    def _report(self, submission: Submission, mail: OutboxMail, fates: list[Fate]) -> bool:
        sender = self._bounce_from or self._sender(mail)
        try:
            bounce = bounce_for(submission, mail.message, fates, datetime.now(UTC), sender)
            outbox = self._service.outbox
            with outbox.engine.begin() as connection:
                if not self._submissions.finish(submission.mail, connection):
                    return False
                outbox.add(self._service.mailer.prepare(bounce), connection)
        except MailFailoverError as exc:
            _LOG.error("mail %s: no bounce can be written: %s", mail.id, exc)
            self._submissions.finish(submission.mail)
            return False
        return True

    def _sender(self, mail: OutboxMail) -> str:
        sender = self._service.mailer.from_email or (mail.message and mail.message.from_email)
        return sender.email if sender else "postmaster@localhost"


def _fates(submission: Submission, mail: OutboxMail) -> Iterator[Fate]:
    """
    Yield what the sender wants to hear of each recipient.
    """
    for one in mail.recipients:
        wanted = submission.wishes.notify.get(one.email, "").split(",")
        failed = mail.state is State.DEAD or one.status in _FAILED
        if failed and ("FAILURE" in wanted or wanted == [""]):
            yield Fate(one.email, "failed", mail.reason or str(one.status))
        elif not failed and "SUCCESS" in wanted:
            yield Fate(one.email, "relayed", "")
