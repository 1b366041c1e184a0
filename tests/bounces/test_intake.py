from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from mailfailover import DeliveryEvent, EventType, Mailer, Message, RejectReason
from mailfailover.bounces import BounceIntake
from mailfailover.errors import ConfigurationError, InvalidSignature
from mailfailover.plugin import BounceAddresses
from mailfailover.providers.smtp import SMTP
from tests.bounces.samples import sample, sent_to
from tests.samples import each

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = "a key of sixteen"
HOME = "bounces.example.com"
ANN, BOB = "ann@example.org", "bob@example.org"


def _server(host: str = "mail.example.com", home: str = HOME, key: str = KEY) -> SMTP:
    return SMTP(host=host, bounce_address=home, bounce_secret=key)


class Site:
    """
    A mailer whose events are kept, and the address of one mail that it sent.
    """

    def __init__(self, *to: str, known: tuple[str, ...] = (), **fields: str) -> None:
        self.events: list[DeliveryEvent] = []
        self.mailer = Mailer({"own": _server()}, on_event=[self.events.append])
        self.message = Message(
            to or ANN,
            from_email="shop@example.com",
            text="Hello",
            **fields,  # type: ignore[arg-type]
        )
        self.address = _server().build_request(self.message).mail_from
        self.intake = BounceIntake(self.mailer, known=[self._look_up(known)] if known else ())

    def _look_up(self, emails: tuple[str, ...]) -> Callable[[str], object]:
        found = SimpleNamespace(recipients=[SimpleNamespace(email=one) for one in emails])
        return {self.message.id: found}.get

    def take(self, name: str) -> list[tuple[str, str, str, EventType]]:
        self.intake.receive(sample(name), [self.address])
        return [(one.provider, one.mail_id, one.recipient, one.type) for one in self.events]


def test_a_bounce_is_an_event_of_its_mail() -> None:
    """
    The handlers hear which mail it is, through which link it went, and who did not get it.
    """
    site = Site()

    taken = site.take("postfix")

    assert taken == [("own", site.message.id, ANN, EventType.BOUNCED)]
    assert site.events[0].reject_reason is RejectReason.INVALID


@each("header", ["To", "Delivered-To", "X-Original-To", "Envelope-To"])
def test_the_header_tells_where_a_mail_came(header: str) -> None:
    """
    A pipe and a mailbox need no envelope: the address is in the header.
    """
    site = Site()
    raw = sample("postfix").replace(
        b"To: news@", f"{header}: {site.address}\nTo: news@".encode(), 1
    )

    (event,) = site.intake.receive(raw)

    assert event.mail_id == site.message.id


def test_a_complaint_tells_by_the_mail_that_it_returns() -> None:
    """
    A feedback loop sends to one address for all: the envelope sender of the mail names it.
    """
    site = Site()
    raw = sample("arf").replace(b"Original-Mail-From: <news@example.com>", b"")
    raw = raw.replace(b"Return-Path: <news@example.com>", f"Return-Path: <{site.address}>".encode())

    (event,) = site.intake.receive(raw, ["abuse@example.com"])

    assert (event.type, event.mail_id) == (EventType.COMPLAINED, site.message.id)


@each("to", [(), ("news@example.com",), (f"forged@{HOME}",)])
def test_an_unsigned_mail_is_refused(to: tuple[str, ...]) -> None:
    """
    Without a signed address nobody is told of anything.
    """
    site = Site()

    with pytest.raises(InvalidSignature):
        site.intake.receive(sample("postfix"), to)

    assert site.events == []


def test_another_sites_address_is_refused() -> None:
    """
    A key of somebody else signs nothing here.
    """
    site = Site()
    other = _server(key="another key of 16").build_request(site.message).mail_from

    with pytest.raises(InvalidSignature, match="wrong signature"):
        site.intake.receive(sample("postfix"), [other])


def test_an_old_address_is_refused() -> None:
    """
    After a month the address of a mail holds no more.
    """
    site = Site()
    later = BounceIntake(site.mailer, wall=lambda: site.message.created.timestamp() + 40 * 86400)

    with pytest.raises(InvalidSignature, match="older than 30 days"):
        later.receive(sample("postfix"), [site.address])


def test_a_recipient_to_whom_the_mail_did_not_go_is_not_believed() -> None:
    """
    Who got a mail knows its address, and could report somebody else.
    """
    site = Site(BOB)

    assert site.take("postfix") == [("own", site.message.id, "", EventType.BOUNCED)]


def test_recipients_of_a_mail_to_several_need_somebody_who_knows_it() -> None:
    """
    The address of such a mail tells nothing of its recipients.
    """
    assert Site(ANN, BOB).take("postfix")[0][2] == ""
    assert Site(ANN, BOB, known=(ANN, BOB)).take("postfix")[0][2] == ANN


def test_two_recipients_of_one_bounce_are_two_events() -> None:
    """
    Each with its own fate.
    """
    site = Site(ANN, BOB, known=(ANN, BOB))

    assert [ANN, BOB] == [recipient for _, _, recipient, _ in site.take("postfix-two")]


def test_the_spelling_is_that_of_the_mail() -> None:
    """
    Servers change the case of an address.
    """
    assert Site("Ann@Example.org", BOB, known=("Ann@Example.org", BOB)).take("postfix")[0][2] == (
        "Ann@Example.org"
    )


def test_a_forwarded_mail_counts_for_its_recipient() -> None:
    """
    A report names the mailbox at the end; the mail went to the one at the beginning.
    """
    site = Site(ANN, BOB, known=(ANN, BOB))

    assert site.take("forwarded")[0][2] == ANN


def test_the_address_knows_its_recipient_in_the_header_of_the_mail() -> None:
    """
    Where nobody else knows the mail, its own To may name him.
    """
    site = Site()
    raw = sample("forwarded").replace(b"Original-Recipient: rfc822;ann@example.org\n", b"")
    raw = raw.replace(b"(expanded from <ann@example.org>)", b"")

    site.intake.receive(raw, [site.address])

    assert [ANN] == [one.recipient for one in site.events]


def test_the_only_recipient_needs_no_name() -> None:
    """
    A report that calls him something else is still about him.
    """
    site = Site("ann@forwarding.example", known=("ann@forwarding.example",))

    assert site.take("postfix")[0][2] == "ann@forwarding.example"


def test_words_that_nobody_can_read_may_name_a_recipient() -> None:
    """
    If only one of a mail's recipients stands in a report, it is about that one.
    """
    site = Site(ANN, BOB, known=(ANN, BOB))
    raw = (
        b"From: MAILER-DAEMON@mx.example.net\nSubject: failure notice\n\n"
        b"Fehler bei Empfaenger|nobody@example.net|(fuer ann@example.org)\n"
    )

    (event,) = site.intake.receive(raw, [site.address])

    assert event.recipient == ANN


def test_a_purged_recipient_is_nobody() -> None:
    """
    Where addresses were forgotten, their places are no addresses.
    """
    assert Site(ANN, BOB, known=("#0", "#1")).take("postfix")[0][2] == ""


def test_an_id_without_room_in_the_address_comes_from_the_report() -> None:
    """
    The address has its digest, which nothing else fits.
    """
    site = Site(id="An-Id-Of-My-Own-" * 4)
    raw = sample("postfix")
    own = raw.replace(b"01KAVJ5W3R8Q2M7Y4N6T9XBCDE", site.message.id.encode())

    assert [""] == [one.mail_id for one in site.intake.receive(raw, [site.address])]
    assert [site.message.id] == [one.mail_id for one in site.intake.receive(own, [site.address])]


def test_a_bounce_in_words_quotes_the_mail() -> None:
    """
    There too its header tells the address and the id.
    """
    site = Site(id="An-Id-Of-My-Own-" * 4)
    raw = sample("qmail").replace(
        b"Return-Path: <news@", f"Return-Path: <{site.address}> <".encode()
    )
    raw = raw.replace(b"01KAVJ5W3R8Q2M7Y4N6T9XBCDE", site.message.id.encode())

    assert [(ANN, site.message.id)] == [
        (one.recipient, one.mail_id) for one in site.intake.receive(raw)
    ]


def test_somebody_who_is_away_is_no_bounce() -> None:
    """
    His automatic reply comes to the envelope sender too.
    """
    assert Site().take("away")[0][2:] == (ANN, EventType.AUTORESPONDED)


def test_a_person_who_answers_is_no_event() -> None:
    """
    What says nothing of a delivery is taken and forgotten.
    """
    assert Site().take("reply") == []


def test_links_are_told_apart_by_their_server() -> None:
    """
    Two with the same address and key: the event is of the one that sent the mail.
    """
    first, second = _server("one.example.com"), _server("two.example.com")
    mailer = Mailer({"first": first, "second": second})
    address = second.build_request(Message(ANN, from_email="s@example.com", text="Hi")).mail_from

    (event,) = BounceIntake(mailer).receive(sent_to("postfix", address))

    assert event.provider == "second"


def test_a_server_that_moved_still_hears_of_its_mails() -> None:
    """
    What it sent under its old name comes back under its new one.
    """
    before = _server("old.example.com")
    address = before.build_request(Message(ANN, from_email="s@example.com", text="Hi")).mail_from

    (event,) = BounceIntake(Mailer({"own": _server("new.example.com")})).receive(
        sent_to("postfix", address)
    )

    assert event.provider == "own"


def test_a_handler_that_fails_is_told() -> None:
    """
    The caller must keep the mail and bring it again.
    """
    site = Site()

    @site.mailer.on_event
    def fail(event: DeliveryEvent) -> None:
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="the disk is full"):
        site.take("postfix")


def test_a_mailer_without_bounce_addresses_takes_none() -> None:
    """
    The error says what to set.
    """
    intake = BounceIntake(Mailer("smtp://mail.example.com"))

    assert not intake.owns(f"x@{HOME}")
    with pytest.raises(ConfigurationError, match="bounce_address"):
        intake.receive(sample("postfix"))


def test_an_address_can_be_checked_before_the_mail() -> None:
    """
    As a server does at RCPT.
    """
    site = Site()

    site.intake.check(site.address)

    assert site.intake.owns(f"forged@{HOME}")
    assert site.intake.addresses == (BounceAddresses(HOME, KEY, "@mail.example.com:587"),)
    with pytest.raises(InvalidSignature):
        site.intake.check(f"forged@{HOME}")
