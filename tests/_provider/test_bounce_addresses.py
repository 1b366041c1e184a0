from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailfailover import Message
from mailfailover.errors import ConfigurationError, InvalidSignature
from mailfailover.plugin import BounceAddresses
from tests.samples import each

KEY = "a key of sixteen"
OLD = "the key of before"
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
IDS = st.text(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", min_size=1, max_size=64
)
DAY = 86400.0


def mail(to: str | list[str] = "ann@example.org", **fields: object) -> Message:
    given: dict[str, object] = {"created": NOON, "from_email": "shop@example.com", "text": "Hello"}
    return Message(to, **given | fields)  # type: ignore[arg-type]  # any fields


def home(address: str = "bounces.example.com", **more: str) -> BounceAddresses:
    return BounceAddresses(address, KEY, **more)


@given(IDS, st.sampled_from(["bounces.example.com", "bounces@example.com"]))
def test_an_id_comes_back(mail_id: str, address: str) -> None:
    """
    Whatever the id is and in whatever case a server writes the address: it is that mail's.
    """
    message = mail(id=mail_id)

    email = home(address).make(message)

    found = home(address).read(email.upper(), NOON.timestamp())
    assert found.is_of(mail_id)
    assert found.mail_id in (mail_id, "")
    assert len(email.partition("@")[0]) <= 64


@given(IDS, st.text())
def test_an_address_is_of_one_mail(mail_id: str, other: str) -> None:
    """
    Another id is not taken for its own.
    """
    found = home().read(home().make(mail(id=mail_id)), NOON.timestamp())

    assert found.is_of(other) == (other == mail_id)


@given(st.text(max_size=80), st.text(max_size=80))
def test_nothing_else_is_an_address(local: str, tail: str) -> None:
    """
    Any other text is an InvalidSignature, never another exception.
    """
    for email in (f"{local}@bounces.example.com", local, f"l{tail}@bounces.example.com"):
        with pytest.raises(InvalidSignature):
            home().read(email, NOON.timestamp())


def test_a_changed_character_is_no_address() -> None:
    """
    Each character of a token is under the signature.
    """
    email = home().make(mail(id="order-4711"))
    local = email.partition("@")[0]

    for at, character in enumerate(local):
        forged = local[:at] + ("b" if character != "b" else "c") + local[at + 1 :]
        with pytest.raises(InvalidSignature):
            home().read(f"{forged}@bounces.example.com", NOON.timestamp())


def test_the_only_recipient_is_known() -> None:
    """
    A mail to one recipient tells whether it went to him; one to several does not.
    """
    one = home().read(home().make(mail("Ann@example.org")), NOON.timestamp())
    two = home().read(home().make(mail(["ann@example.org", "bob@example.org"])), NOON.timestamp())

    assert one.went_to("ann@example.ORG") is True
    assert one.went_to("bob@example.org") is False
    assert two.went_to("ann@example.org") is None


def test_the_server_is_known() -> None:
    """
    Two servers with the same address and key can be told apart.
    """
    email = home(origin="one").make(mail())

    found = home(origin="two").read(email, NOON.timestamp())

    assert found.came_from("one")
    assert not found.came_from("two")


def test_two_keys_hold_while_one_is_changed() -> None:
    """
    The first signs; what the second has signed is still taken, and a third is not.
    """
    before = BounceAddresses("bounces.example.com", OLD).make(mail(id="before"))
    both = BounceAddresses("bounces.example.com", (KEY, OLD))

    assert both.read(before, NOON.timestamp()).mail_id == "before"
    assert home().read(both.make(mail(id="after")), NOON.timestamp()).mail_id == "after"
    with pytest.raises(InvalidSignature, match="wrong signature"):
        home().read(before, NOON.timestamp())


@each(("days", "holds"), [(-2, True), (0, True), (30, True), (31, False)])
def test_an_address_holds_for_thirty_days(days: int, holds: bool) -> None:
    """
    Later it is refused, so that an address that leaked is worth little.
    """
    email = home().make(mail(id="order-4711"))
    now = NOON.timestamp() + days * DAY

    if holds:
        assert home().read(email, now).mail_id == "order-4711"
        return
    with pytest.raises(InvalidSignature, match="older than 30 days"):
        home().read(email, now)


def test_a_mail_sent_later_has_its_days_from_then() -> None:
    """
    The days of an address begin when its mail may leave.
    """
    email = home().make(mail(id="later", send_at=NOON + timedelta(days=60)))

    assert home().read(email, NOON.timestamp() + 80 * DAY).mail_id == "later"


def test_a_mail_passed_on_as_it_is_has_its_days_from_now() -> None:
    """
    The Date of raw MIME may be years ago; its id is of today.
    """
    raw = b"From: shop@example.com\r\nDate: Mon, 01 Jan 2001 00:00:00 +0000\r\n\r\nHello\r\n"
    message = Message.from_mime(raw, to="ann@example.org")
    now = datetime.now(UTC).timestamp()

    assert home().read(home().make(message), now).mail_id == message.id


def test_a_domain_owns_all_its_addresses_and_a_mailbox_those_with_a_plus() -> None:
    """
    Other people at the same domain are left alone.
    """
    domain, mailbox = home("Bounces.example.com"), home("bounces@example.com")

    assert domain.owns("anything@bounces.example.com")
    assert not domain.owns("ann@example.com")
    assert mailbox.owns("bounces+anything@Example.com")
    assert not mailbox.owns("bounces@example.com")
    assert not mailbox.owns("ann@example.com")


@each(
    ("address", "secret", "problem"),
    [
        ("", KEY, "must be a domain"),
        ("localhost", KEY, "must be a domain"),
        ("bounces@", KEY, "must be a domain"),
        ("a b@example.com", KEY, "must be a domain"),
        ("bücher.example", KEY, "must be a domain"),
        ("a-long-name-of-a-mailbox@example.com", KEY, "must be a domain"),
        ("bounces.example.com", "", "16 characters"),
        ("bounces.example.com", (KEY, "short"), "16 characters"),
    ],
)
def test_what_cannot_work_is_refused(address: str, secret: str, problem: str) -> None:
    """
    A wrong address and a short secret are errors before any mail is sent.
    """
    with pytest.raises(ConfigurationError, match=problem):
        BounceAddresses(address, secret)


def test_a_secret_may_be_asked_for() -> None:
    """
    A callable is asked when an address is made, and is not shown.
    """
    addresses = BounceAddresses("bounces.example.com", lambda: KEY)

    assert home().read(addresses.make(mail(id="asked")), NOON.timestamp()).mail_id == "asked"
    assert KEY not in repr(home())
