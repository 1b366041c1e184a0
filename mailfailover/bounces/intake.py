"""
The intake of bounces: reports to a signed address become events for a mailer's handlers.
"""

from __future__ import annotations

import dataclasses
import re
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from mailfailover._mailer.webhook import hand_on
from mailfailover._values.face import published_in
from mailfailover.bounces.attribution import attributed
from mailfailover.bounces.finding import addresses_in
from mailfailover.bounces.parts import open_report
from mailfailover.bounces.reading import event_of
from mailfailover.errors import ConfigurationError, InvalidSignature

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from mailfailover._mailer.mailer import Mailer
    from mailfailover._provider.bounce_addresses import BounceAddresses, SignedMail
    from mailfailover._values.events import DeliveryEvent
    from mailfailover.bounces.parts import Report

    Lookup = Callable[[str], Any]

__all__ = ["BounceIntake", "NotAddressed"]

# The headers in which servers keep the envelope's recipient.
_TO = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-rcpt-to", "to", "cc")
_MESSAGE_ID = re.compile(r"<([A-Za-z0-9_-]{1,64})(?:\.[^@<>\s]{1,64})?@")


class NotAddressed(InvalidSignature):
    """
    A mail came to no address that lies where bounces come to. No other key would change that.
    """


class _Home(NamedTuple):
    """
    Where the bounces of one link come to.
    """

    key: str
    addresses: BounceAddresses


class _Vouched(NamedTuple):
    """
    The mail that a signed address vouches for, and the link that sent it.
    """

    key: str
    mail: SignedMail


@published_in("mailfailover.bounces")
class BounceIntake:
    """
    Takes the bounces of the mails that a mailer's links sent with a bounce address.

    An address vouches for the id of its mail, not for what the report says. So a recipient counts
    only if the mail went to him: whom it went to is known from *known*, or for a mail to one
    recipient from the address itself. Safe in threads.

    Args:
        mailer: Whose links have bounce addresses, and whose handlers hear of the events.

        known: Look a mail up by its id: ``tracking.status``, ``outbox.get``, or any callable
            that returns None or an object with ``recipients``, each with an ``email``.

        wall: The time, as Unix time.

    .. versionadded:: 0.1.0
    """

    def __init__(
        self,
        mailer: Mailer,
        *,
        known: Iterable[Lookup] = (),
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._mailer = mailer
        self._known = tuple(known)
        self._wall = wall

    @property
    def addresses(self) -> tuple[BounceAddresses, ...]:
        """
        The bounce addresses of the mailer's links.
        """
        return tuple(home.addresses for home in self._homes())

    def owns(self, email: str) -> bool:
        """
        Whether *email* lies where bounces come to, be it signed or not.
        """
        return any(one.owns(email) for one in self.addresses)

    def check(self, email: str) -> None:
        """
        Check that *email* is a bounce address of ours that still holds.

        Raises:
            InvalidSignature: If it is not.
        """
        self._vouched([email])

    def receive(self, raw: bytes, to: Iterable[str] = ()) -> tuple[DeliveryEvent, ...]:
        """
        Take a mail that came to a bounce address, and hand its events to the handlers.

        A mail that says nothing of a delivery, or is not readable, has no events.

        Args:
            raw: The mail.

            to: The recipients of its envelope. Where they are not known, its header may tell.

        Raises:
            InvalidSignature: It came to no bounce address of ours, or to one that is too old.
            ConfigurationError: No link has a bounce address.
            Exception: What the first handler that failed has raised; then it must come again.
        """
        if not self.addresses:
            message = "no link has a bounce_address: set it, and bounce_secret, at an smtp provider"
            raise ConfigurationError(message)
        report = open_report(raw)
        key, mail = self._vouched((*to, *_named(report)))
        mail_id = mail.mail_id or _claimed(mail, report)
        known = self._recipients(mail_id)
        events = tuple(
            dataclasses.replace(
                event_of(finding, report), provider=key, mail_id=mail_id, recipient=recipient
            )
            for recipient, finding in attributed(report, mail, known)
        )
        hand_on(events, self._mailer.webhooks.handlers)
        return events

    def _homes(self) -> Iterator[_Home]:
        self._mailer.refresh()
        for link in self._mailer.chain.links:
            addresses = getattr(link.provider, "bounce_addresses", None)
            if addresses is not None:
                yield _Home(link.key, addresses)

    def _vouched(self, emails: Iterable[str]) -> _Vouched:
        """
        Return what the first bounce address among *emails* vouches for.
        """
        problem: InvalidSignature = NotAddressed("the mail came to no bounce address of ours")
        now, homes = self._wall(), tuple(self._homes())
        for email in dict.fromkeys(emails):
            found = []
            for home in homes:
                try:
                    found.append((home, home.addresses.read(email, now)))
                except InvalidSignature as exc:
                    problem = exc if home.addresses.owns(email) else problem
            for home, mail in found:
                if mail.came_from(home.addresses.origin):
                    return _Vouched(home.key, mail)
            if found:  # its server was set up again
                return _Vouched(found[0][0].key, found[0][1])
        raise problem

    def _recipients(self, mail_id: str) -> dict[str, str]:
        """
        Return the recipients of a mail by their address in lower case, {} where it is not known.
        """
        for look_up in self._known if mail_id else ():
            found = look_up(mail_id)
            emails = [one.email for one in found.recipients] if found is not None else []
            if emails:
                return {one.lower(): one for one in emails if "@" in one}
        return {}


def _named(report: Report) -> Iterator[str]:
    """
    Yield the addresses to which a mail may have come, and those from which the returned one went.
    """
    for name in _TO:
        for value in report.header.all(name):
            yield from addresses_in(value)
    if report.complaint is not None:
        yield from addresses_in(report.complaint.get("original-mail-from"))
    yield from addresses_in(report.returned.get("return-path"))


def _claimed(mail: SignedMail, report: Report) -> str:
    """
    Return the id that a report names, if it is that of *mail*, whose address had no room for it.
    """
    header = report.header
    said = (
        report.returned.get("message-id"),
        header.get("in-reply-to"),
        header.get("references"),
    )
    found = (one[1] for text in said for one in _MESSAGE_ID.finditer(text))
    return next((one for one in found if mail.is_of(one)), "")
