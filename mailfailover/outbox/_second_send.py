"""
The second send of a mail that was accepted and is not delivered in time: through another link.

There is never more than one. The transaction that ends the mail's watch is the one that writes down
the call about to be made, so a worker that dies in the middle leaves nothing to do again.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, update

from mailfailover._sql.database import reading
from mailfailover.errors import MailFailoverError, Verdict
from mailfailover.outbox._group_commit import LeaseLost, Write
from mailfailover.outbox._job import read_sent
from mailfailover.outbox._record import BEGIN, END, begun, ended
from mailfailover.outbox._tables import State, mails
from mailfailover.outbox._verdict import Ending
from mailfailover.outbox._watches import OWN, end, own

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailfailover._chain.policy import Upcoming
    from mailfailover._mailer.deliveries import Deliveries
    from mailfailover._message.message import Message
    from mailfailover.errors import Attempt
    from mailfailover.outbox._delivery import Parts
    from mailfailover.outbox._job import SentMail
    from mailfailover.outbox._watches import Watch

logger = logging.getLogger("mailfailover.outbox")


class SecondSend:
    """
    Looks at one mail that should be delivered by now, and sends it once more if that helps.
    """

    def __init__(self, parts: Parts, deliveries: Deliveries, watch: Watch) -> None:
        self.parts = parts
        self.deliveries = deliveries
        self.watch = watch
        self.number = 0
        """Of the last attempt, those of the first send included."""

        self.trail: Sequence[Attempt] = ()
        self.known = 0
        """How many attempts of the trail are written down."""

        self.is_begun = False

    def run(self) -> Ending | None:
        """
        Return how the second send ended, None where there was none.
        """
        watch, parts = self.watch, self.parts
        is_owed = self.deliveries.is_owed(watch.id)
        if is_owed is None:  # not known now: the next look may tell
            return None
        with reading(parts.engine) as connection:
            mail = read_sent(connection, watch.mail, watch.id, parts.seal)
        if mail is None or not is_owed or watch.until <= parts.now():
            with parts.writes.alone() as connection:
                end(connection, watch, parts.rules.keep_content)
            return None
        ways = self.deliveries.second_ways(mail.message, watch.provider, self._others(mail.message))
        return self._send(mail, ways) if ways else None

    def _others(self, message: Message) -> list[str]:
        via = message.via
        return [
            link.key
            for link in self.parts.mailer.chain.links
            if link.key != self.watch.provider and not (via and link.names.isdisjoint(via))
        ]

    def _send(self, mail: SentMail, ways: tuple[str, ...]) -> Ending | None:
        mailer = self.parts.mailer
        self.number = mail.last_attempt
        self.trail, self.known = mail.accepted, len(mail.accepted)
        message = mailer.prepare(mail.message.bound(via=ways, send_at=None))
        policy = mailer.policy._replace(before_call=self._before_call)
        try:
            receipt = mailer.deliver(message, mail.accepted, policy)
        except LeaseLost:  # another worker looks at it
            return None
        except MailFailoverError as exc:
            self.trail = exc.attempts or self.trail
            took = ("", "")
        else:
            self.trail = receipt.attempts
            took = (receipt.provider, receipt.provider_message_id)
        if not self.is_begun:  # no provider was called
            return None
        return self._finish(took)

    def _before_call(self, upcoming: Upcoming) -> None:
        """
        Write down, durably, that a call is about to be made; the first one ends the watch.

        Raises:
            LeaseLost: If another worker looks at the mail; the call must not be made.
        """
        self.trail = upcoming.attempts
        mail = self.watch.mail
        row = begun(mail, self.number + 1, upcoming.provider, self.parts.now())
        if self.is_begun:
            write = Write(END, self._closed(), {BEGIN: [row]})
        else:
            marked = {"of_mail": mail, "possible_duplicate": True, "reason": self._reason()}
            write = Write(OWN, own(self.watch), {_CHANGE: [marked], BEGIN: [row]})
        self.parts.writes.commit(write)
        self.number += 1
        self.is_begun = True

    def _finish(self, took: tuple[str, str]) -> Ending:
        watch, (provider, message_id) = self.watch, took
        now, rules, reason = self.parts.now(), self.parts.rules, self._reason()
        values: dict[str, Any] = {"of_mail": watch.mail, "due": now + rules.keep_content}
        if provider:
            values |= {"provider": provider, "provider_message_id": message_id}
        elif not any(map(_is_unknown, self.trail)):
            reason = f"{self._late()}, and no other provider took it"
            values |= {"possible_duplicate": watch.duplicate, "reason": reason}
        self.parts.writes.commit(Write(_CHANGE, values, {END: [self._closed()]}))
        return Ending(watch.id, State.SENT, provider or watch.provider, message_id, reason)

    def _closed(self) -> dict[str, Any]:
        last = self.trail[-1] if len(self.trail) > self.known else None
        self.known = max(self.known, len(self.trail))
        in_doubt = last is not None and _is_unknown(last)
        return ended(self.watch.mail, self.number, last, in_doubt=in_doubt)

    def _reason(self) -> str:
        return f"sent once more: {self._late()}"

    def _late(self) -> str:
        return f"{self.watch.provider} did not deliver it within {self.watch.seconds:g} s"


def _is_unknown(attempt: Attempt) -> bool:
    return attempt.error is not None and attempt.error.verdict is Verdict.UNKNOWN


_CHANGE = update(mails).where(mails.c.number == bindparam("of_mail"), mails.c.state == State.SENT)
