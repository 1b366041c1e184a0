"""
Reports to a bounce address, which any server may bring to the port.
"""

from __future__ import annotations

import smtplib
from typing import TYPE_CHECKING

import pytest

from mailfailover import DeliveryEvent, EventType, Mailer, Message
from mailfailover.outbox import Outbox
from mailfailover.providers.smtp import SMTP
from mailfailover.relay import Address, Relay
from mailfailover.service.keys import Keys
from mailfailover.service.parts import Service
from mailfailover.service.rules import Rules
from mailfailover.tracking import Tracking
from tests.bounces.samples import sample
from tests.databases import fresh_engine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ANN, BOB = "ann@example.org", "bob@example.org"
OWN = SMTP(
    host="mail.example.com", bounce_address="bounces.example.com", bounce_secret="sixteen letters."
)


class Site:
    """
    A relay that only takes mail of a key's owner, and whose mailer's link has a bounce address.
    """

    def __init__(self, service: Service, relay: Relay, events: list[DeliveryEvent]) -> None:
        self.service = service
        self.events = events
        self.relay = relay
        self.message = Message(ANN, from_email="shop@example.com", text="Hello")
        self.address = OWN.build_request(self.message).mail_from

    def client(self) -> smtplib.SMTP:
        found = smtplib.SMTP("127.0.0.1", self.relay.ports[0], timeout=20)
        found.ehlo()
        return found

    def bring(self, raw: bytes, *to: str, sender: str = "") -> None:
        with self.client() as client:
            client.sendmail(sender, to, raw.replace(b"\n", b"\r\n"))


@pytest.fixture(name="site")
def _site(tmp_path: Path) -> Iterator[Site]:
    """
    A running relay with a key.
    """
    events: list[DeliveryEvent] = []
    with fresh_engine("sqlite", tmp_path) as engine:
        tracking, outbox, keys = Tracking(engine), Outbox(engine), Keys(engine)
        with Mailer({"own": OWN}, on_event=[tracking, outbox.settle, events.append]) as mailer:
            for part in (outbox, keys, tracking):
                part.init()
            keys.add("shop", Rules(senders=("example.com",)))
            service = Service(mailer=mailer, outbox=outbox, keys=keys, tracking=tracking)
            relay = Relay(service, [Address("127.0.0.1", 0)], idle_timeout=20, max_bytes=100_000)
            relay.start()
            yield Site(service, relay, events)
            relay.stop()


def test_anybody_may_bring_a_report(site: Site) -> None:
    """
    It is an event of its mail, for all handlers.
    """
    site.bring(sample("postfix"), site.address)

    assert site.service.tracking is not None
    (event,) = site.service.tracking.events()
    assert (event.mail_id, event.recipient) == (site.message.id, ANN)
    assert event.type is EventType.BOUNCED
    assert event.provider == "own"


def test_the_outbox_knows_the_recipients(site: Site) -> None:
    """
    A report of a mail to several is believed of those to whom it went.
    """
    message = Message([ANN, BOB], from_email="shop@example.com", text="Hello")
    site.service.outbox.add(message)

    site.bring(sample("postfix-two"), OWN.build_request(message).mail_from)

    assert [ANN, BOB] == [one.recipient for one in site.events]


@pytest.mark.parametrize("local", ["forged", "bounces", "postmaster", "uujn" + "a" * 45])
def test_an_unsigned_address_is_refused_before_the_mail(site: Site, local: str) -> None:
    """
    550 at RCPT: nothing is taken that nobody vouches for.
    """
    with site.client() as client:
        client.mail("")
        reply = client.rcpt(f"{local}@bounces.example.com")

    assert reply == (550, b"5.1.1 This is no bounce address of ours, or it is too old")


def test_the_port_stays_closed_for_all_other_mail(site: Site) -> None:
    """
    Who may bring a report may send to nobody, before it or after it.
    """
    with site.client() as client:
        client.mail("shop@example.com")
        first, _ = client.rcpt(BOB)
        taken, _ = client.rcpt(site.address)
        then, _ = client.rcpt(BOB)

    assert (530, 250, 530) == (first, taken, then)


def test_a_report_and_a_mail_are_two_transactions(site: Site) -> None:
    """
    A client with a key is told to send the other one afterwards.
    """
    key = site.service.keys.add("other", Rules(senders=("example.com",)))
    with site.client() as client:
        client.login("any", key)
        client.mail("shop@example.com")
        client.rcpt(BOB)
        mixed, _ = client.rcpt(site.address)
        client.rset()
        client.mail("shop@example.com")
        client.rcpt(site.address)
        again, _ = client.rcpt(BOB)

    assert (452, 452) == (mixed, again)


def test_nothing_is_sent_because_of_a_report(site: Site) -> None:
    """
    There is no bounce of a bounce, and no relaying of one.
    """
    site.bring(sample("postfix"), site.address, sender="somebody@example.net")
    site.bring(sample("reply"), site.address, sender=ANN)

    assert site.service.outbox.list() == []
    assert [EventType.BOUNCED] == [one.type for one in site.events]


def test_a_report_that_cannot_be_stored_comes_again(site: Site) -> None:
    """
    451: the other server keeps it.
    """

    @site.service.mailer.on_event
    def fail(event: DeliveryEvent) -> None:
        raise OSError("the disk is full")

    with pytest.raises(smtplib.SMTPDataError) as raised:
        site.bring(sample("postfix"), site.address)

    assert raised.value.smtp_code == 451


def test_a_report_has_few_recipients(site: Site) -> None:
    """
    More than ten addresses are not of one report.
    """
    with site.client() as client:
        client.mail("")
        replies = [client.rcpt(site.address)[0] for _ in range(11)]

    assert [250] * 10 + [452] == replies
