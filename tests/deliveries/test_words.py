"""
Which words of a receiver mean the sender.
"""

from __future__ import annotations

import pytest

from mailfailover import DeliveryEvent, EventType, RejectReason
from mailfailover.deliveries._words import blames_sender, speaks_of_sender


@pytest.mark.parametrize(
    "text",
    [
        "451 4.7.650 The server has been temporarily rate limited due to IP reputation. (S775)",
        "550 5.7.1 messages weren't sent since part of their network is on our block list (S3150).",
        "421 RP-001 The mail server IP has exceeded the rate limit",
        "421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to unexpected volume",
        "553 5.7.1 [BL21] Connections will not be accepted from 192.0.2.1",
        "421-4.7.28 Gmail has detected an unusual rate of mail originating from your IP",
        "550-5.7.26 Your email has been blocked because the sender is unauthenticated.",
        "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org",
        "554 Your access has been rejected due to the sending MTA's poor reputation",
    ],
)
def test_words_that_mean_the_sender(text: str) -> None:
    """
    Another address would get the same mail through.
    """
    assert speaks_of_sender(text)


@pytest.mark.parametrize(
    "text",
    [
        "550 5.1.1 The email account that you tried to reach does not exist",
        "452 4.2.2 The email account that you tried to reach is over quota",
        "451 4.7.1 Greylisting in action, please come back later",
        "450 4.2.0 Recipient address rejected: Greylisted",
        "451 4.4.2 Timeout",
        "552 5.3.4 Message size exceeds fixed limit",
        "",
    ],
)
def test_words_that_do_not(text: str) -> None:
    """
    An unknown address, a full mailbox, greylisting: the fault is not the sender's.
    """
    assert not speaks_of_sender(text)


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (DeliveryEvent(type=EventType.DEFERRED, mta_response="421 RP-001"), True),
        (DeliveryEvent(type=EventType.BOUNCED, description="(S3150)"), True),
        (DeliveryEvent(type=EventType.BOUNCED, reject_reason=RejectReason.BLOCKED), True),
        (DeliveryEvent(type=EventType.BOUNCED, reject_reason=RejectReason.INVALID), False),
        (DeliveryEvent(type=EventType.DELIVERED, mta_response="250 RP-001"), False),
    ],
    ids=["deferred", "bounced", "blocked", "invalid", "delivered"],
)
def test_which_events_blame_the_sender(event: DeliveryEvent, *, expected: bool) -> None:
    """
    By their words, or by what the vendor made of them.
    """
    assert expected == blames_sender(event)
