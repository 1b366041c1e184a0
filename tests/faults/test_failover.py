"""
Each way a first provider can fail, on real sockets, with a healthy second one.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from mailfailover import (
    AllProvidersFailed,
    Feature,
    Mailer,
    Message,
    OutcomeUnknown,
    RecipientRejected,
    UnsupportedFeature,
)
from mailfailover.providers.mailgun import Mailgun
from mailfailover.providers.smtp import SMTP
from mailfailover.testing import FaultServer, SMTPFaultServer, faults
from tests.faults.vendors import SENDER, Vendors, mails

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mailfailover.testing import Fault

MAILS = 300
HANG = faults.hang_after_read()


@pytest.fixture
def vendors() -> Iterator[Vendors]:
    """
    Two vendors, healthy at first.
    """
    with Vendors() as both:
        yield both


FAULTS: dict[str, tuple[str | Fault, str, str]] = {
    "refused": (faults.refuse(), "ConnectionFailed", "connecting"),
    "500": ("internal", "ProviderUnavailable", "response"),
    "503": ("unavailable", "ProviderUnavailable", "response"),
    "429": ("rate_limited", "RateLimited", "response"),
    "401": ("auth", "AuthenticationFailed", "response"),
    "402": ("payment", "AccountSuspended", "response"),
    "403": ("forbidden", "AccountSuspended", "response"),
    "sender": ("sender", "SenderRefused", "response"),
    "quota": ("quota", "QuotaExceeded", "response"),
    "502 html": ("bad_gateway", "OutcomeUnknown", "response"),
    "hang": (HANG, "OutcomeUnknown", "written"),
    "hang, accepted": (faults.accept_then(HANG), "OutcomeUnknown", "written"),
    "reset": (faults.reset_after_read(), "OutcomeUnknown", "written"),
    "reset, accepted": (
        faults.accept_then(faults.reset_after_read()),
        "OutcomeUnknown",
        "written",
    ),
    "truncated": (faults.truncate(), "OutcomeUnknown", "response"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_every_mail_gets_out_for_the_right_reason(vendors: Vendors, name: str) -> None:
    """
    300 mails are accepted once each or flagged, and each failed attempt says why.
    """
    fault, outcome, stage = FAULTS[name]
    vendors.first.fail(fault)

    # A busy machine may be slow, but only a vendor that hangs shall use up its time.
    with vendors.mailer(attempt_timeout=1.1 if "hang" in name else 5) as mailer:
        receipts = [mailer.send(mail) for mail in mails(MAILS)]

    failed = {
        (attempt.outcome, str(attempt.stage))
        for receipt in receipts
        for attempt in receipt.attempts
        if attempt.provider == "first"
    }
    assert failed == {(outcome, stage)}
    assert len(vendors.accepted()) == MAILS
    assert vendors.unannounced(receipts) == set()
    assert {receipt.provider for receipt in receipts} == {"second"}


NO_HOST = "https://no-such-host.invalid"


def test_a_host_without_an_address_was_surely_not_sent_to(vendors: Vendors) -> None:
    """
    A failed look-up is a connection that failed.
    """
    with vendors.mailer(first_url=NO_HOST) as mailer:
        receipts = [mailer.send(mail) for mail in mails(MAILS)]

    attempts = [one for receipt in receipts for one in receipt.attempts if one.error]
    assert Counter((one.outcome, str(one.stage)) for one in attempts) == {
        ("ConnectionFailed", "connecting"): 3
    }
    assert vendors.second.accepted_ids().total() == MAILS


def test_a_certificate_nobody_knows_was_surely_not_sent_to(vendors: Vendors) -> None:
    """
    A failed handshake is a connection that failed, and no key went out.
    """
    with FaultServer("mailgun", tls=True) as secure:
        secure.fail(faults.tls_bad_certificate())
        with vendors.mailer(first_url=secure.url) as mailer:
            receipts = [mailer.send(mail) for mail in mails(MAILS)]
        seen = secure.requests

    attempts = [one for receipt in receipts for one in receipt.attempts if one.error]
    assert {one.outcome for one in attempts} == {"ConnectionFailed"}
    assert len(attempts) == 3
    assert seen == ()
    assert vendors.second.accepted_ids().total() == MAILS


def test_a_bad_recipient_harms_nobody(vendors: Vendors) -> None:
    """
    300 bad addresses cost one call each, and the next good mail goes to the first provider.
    """
    vendors.first.fail("bad_recipient", times=MAILS)

    with vendors.mailer(attempt_timeout=5) as mailer:
        for mail in mails(MAILS):
            with pytest.raises(RecipientRejected) as caught:
                mailer.send(mail)
            assert len(caught.value.attempts) == 1
        states = {key: one.state for key, one in mailer.health.snapshot().items()}
        receipt = mailer.send(mails(1)[0])

    assert states == {"first": "closed", "second": "closed"}
    assert (receipt.provider, len(receipt.attempts)) == ("first", 1)
    assert len(vendors.second.requests) == 0


@pytest.mark.parametrize(
    ("fault", "wasted"), [(HANG, 1), (faults.refuse(), 3), ("unavailable", 3)], ids=str
)
def test_a_dead_provider_costs_few_attempts(
    vendors: Vendors, fault: Fault | str, wasted: int
) -> None:
    """
    Of 300 mails one after the other, one waits for a provider that hangs, three fail fast.
    """
    vendors.first.fail(fault)

    with vendors.mailer() as mailer:
        receipts = [mailer.send(mail) for mail in mails(MAILS)]

    failed = [one for receipt in receipts for one in receipt.attempts if one.error]
    assert len(failed) == wasted


def test_a_recovered_provider_is_first_again_through_one_probe(vendors: Vendors) -> None:
    """
    With 32 threads, one mail probes the recovered provider while the others pass it by.
    """
    release = 0.3
    vendors.first.fail("unavailable", times=3)
    vendors.first.fail(faults.slow(release), times=1, after=3)

    with vendors.mailer(attempt_timeout=5) as mailer, ThreadPoolExecutor(32) as pool:
        for mail in mails(3):
            mailer.send(mail)
        vendors.clock.shift += 40
        during = list(pool.map(mailer.send, mails(32)))
        after = list(pool.map(mailer.send, mails(32)))

    assert Counter(receipt.provider for receipt in during) == {"first": 1, "second": 31}
    assert {receipt.provider for receipt in after} == {"first"}


def _drip(server: FaultServer) -> None:
    server.fail(faults.drip_headers(0.05))


def _drip_body(server: FaultServer) -> None:
    server.fail(faults.drip_body(0.05))


def _hang(server: FaultServer) -> None:
    server.fail(HANG)


@pytest.mark.xdist_group("timing")
@pytest.mark.parametrize("fault", [_drip, _drip_body, _hang])
def test_no_send_outlives_its_deadline(
    vendors: Vendors, fault: Callable[[FaultServer], None]
) -> None:
    """
    Two seconds are two seconds, whether the vendors hang or drip.
    """
    fault(vendors.first)
    fault(vendors.second)

    with vendors.mailer(timeout=2, attempt_timeout=10) as mailer:
        started = time.monotonic()
        with pytest.raises(OutcomeUnknown):
            mailer.send(mails(1)[0])
        took = time.monotonic() - started

    assert took < 2.2
    assert len(vendors.first.requests) == len(vendors.second.requests) == 1


def test_when_all_are_dead_the_error_tells_each_ones_reason(vendors: Vendors) -> None:
    """
    A call was made, and the text says of each provider what it said and what to do.
    """
    vendors.first.fail("auth")
    vendors.second.fail(faults.refuse())

    with vendors.mailer(timeout=2) as mailer:
        started = time.monotonic()
        with pytest.raises(AllProvidersFailed) as caught:
            mailer.send(mails(1)[0])
        took = time.monotonic() - started

    text = str(caught.value)
    assert "first: AuthenticationFailed: HTTP 401" in text
    assert "(check the key and its permissions)" in text
    assert "second: ConnectionFailed" in text
    assert "(check the network, and base_url or host)" in text
    assert {one.provider for one in caught.value.attempts} == {"first", "second"}
    assert took < 2.2


def test_providers_that_are_open_are_called_all_the_same_when_there_is_nobody_else(
    vendors: Vendors,
) -> None:
    """
    A mail never fails without a call having been made.
    """
    vendors.first.fail("unavailable")
    vendors.second.fail("unavailable")

    with vendors.mailer(timeout=0.5) as mailer:
        for mail in mails(8):
            with contextlib.suppress(AllProvidersFailed):
                mailer.send(mail)
        states = {key: one.state for key, one in mailer.health.snapshot().items()}
        with pytest.raises(AllProvidersFailed) as caught:
            mailer.send(mails(1)[0])

    assert states == {"first": "open", "second": "open"}
    assert len(caught.value.attempts) >= 1
    assert caught.value.retry_at is not None


def test_an_unknown_outcome_is_not_hidden_by_a_later_refusal(vendors: Vendors) -> None:
    """
    The first hangs after reading, the second refuses the recipient: nobody knows.
    """
    vendors.first.fail(HANG)
    vendors.second.fail("bad_recipient")

    with vendors.mailer() as mailer, pytest.raises(OutcomeUnknown) as caught:
        mailer.send(mails(1)[0])

    assert [one.outcome for one in caught.value.attempts] == [
        "OutcomeUnknown",
        "RecipientRejected",
    ]


def test_two_tags_do_not_make_a_failover_impossible(vendors: Vendors) -> None:
    """
    What only the dead provider can express is left off, and the attempt says so.
    """
    vendors.first.fail("unavailable")
    with SMTPFaultServer() as relay:
        smtp = SMTP(host="127.0.0.1", port=relay.port, tls="none")
        first = Mailgun(api_key="key", domain="example.com", base_url=vendors.first.url)
        with Mailer([first, smtp], from_email=SENDER) as mailer:
            receipt = mailer.send(to="a@example.org", subject="Hi", text="Hi", tags=["a", "b"])

    assert [one.dropped for one in receipt.attempts] == [Feature(0), Feature.TAGS]
    assert (receipt.provider, len(relay.accepted)) == ("smtp", 1)


@pytest.mark.parametrize(
    ("fields", "feature"),
    [
        ({"send_at": datetime.now(UTC) + timedelta(hours=1), "text": "Hi"}, "SEND_AT"),
        ({"template_id": "welcome"}, "TEMPLATES"),
    ],
    ids=["send_at", "template"],
)
def test_a_mail_is_never_mutilated(vendors: Vendors, fields: dict[str, Any], feature: str) -> None:
    """
    What the second provider cannot express goes through the first, or is refused by name.
    """
    with SMTPFaultServer() as relay:
        smtp = SMTP(host="127.0.0.1", port=relay.port, tls="none")
        first = Mailgun(api_key="key", domain="example.com", base_url=vendors.first.url)
        mail = Message(to="a@example.org", from_email=SENDER, subject="Hi", **fields)
        with Mailer([smtp, first]) as mailer:
            receipt = mailer.send(mail)
        with Mailer(smtp) as alone, pytest.raises(UnsupportedFeature) as caught:
            alone.send(mail)

    assert (receipt.provider, len(receipt.attempts)) == ("mailgun", 1)
    assert caught.value.features == (feature,)
    assert relay.transcripts == {}


def test_a_refused_port_is_told_from_a_full_one() -> None:
    """
    Nobody listens: the mail surely did not leave, and the error says so.
    """
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        provider = Mailgun(api_key="k", domain="example.com", base_url=f"http://127.0.0.1:{port}")
        with (
            Mailer(provider, from_email=SENDER, timeout=0.3) as mailer,
            pytest.raises(AllProvidersFailed) as caught,
        ):
            mailer.send(Message(to="a@example.org", subject="Hi", text="Hi"))

    assert {one.stage for one in caught.value.attempts} == {"connecting"}
