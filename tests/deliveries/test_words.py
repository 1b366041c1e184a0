"""
Which words of a receiver mean the sender.
"""

from __future__ import annotations

from typing import Any

from mailfailover import DeliveryEvent, EventType, RejectReason
from mailfailover.deliveries._words import blames_sender, means_nobody, speaks_of_sender
from tests.samples import each


@each(
    "text",
    [
        (
            "451 4.7.650 The mail server [192.0.2.1] has been temporarily rate limited due to IP "
            "reputation. For e-mail delivery information, see https://aka.ms/postmaster (S775)"
        ),
        (
            "451 4.7.651 The mail server [192.0.2.1] has been temporarily rate limited due to IP "
            "reputation. (S3114)"
        ),
        (
            "550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. Please contact your "
            "Internet service provider since part of their network is on our block list (S3150)."
        ),
        "550 5.7.1 (S3140)",
        "550 5.7.606 Access denied, banned sending IP [192.0.2.1]",
        "550 5.7.515 Access denied, sending domain example.com does not meet the required level",
        "421 RP-001 The mail server IP has exceeded the rate limit",
        "421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to unexpected volume",
        "421 [IPTS04] Messages from 192.0.2.1 temporarily deferred",
        "553 5.7.1 [BL21] Connections will not be accepted from 192.0.2.1",
        "421-4.7.28 Gmail has detected an unusual rate of mail originating from your IP",
        "421 4.7.0 Our system has detected an unusual rate of unsolicited mail",
        (
            "421-4.7.0 [192.0.2.1 15] Our system has detected an unusual rate of\n421-4.7.0 "
            "unsolicited mail originating from your IP address."
        ),
        "550-5.7.26 Your email has been blocked because the sender is unauthenticated.",
        (
            "550-5.7.1 [192.0.2.1] Our system has detected that this message is\n550-5.7.1 likely "
            "unsolicited mail."
        ),
        "550-5.7.1 [192.0.2.1] unsolicited mail originating from your IP address",
        "421 [HCM1] Your mail from 192.0.2.1 was deferred",
        "554-Reject due to policy restrictions.",
        "421 RL000003 Throttled",
        "421 Service refuse. Veuillez essayer plus tard. OFR_506",
        "550 Ip frequency limited [192.0.2.1]",
        "451 DT:SPM please try again",
        "554 IP=192.0.2.1 - A problem occurred. Ask your postmaster for help",
        "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org",
        "553 5.0.3 DNSBL:RBL 521< 192.0.2.1 >_is_blocked",
        "550 The sending IP 192.0.2.1 is listed on b.example.org. Please resolve this and retry",
        "550 5.0.1 Invalid Sender. Your domain has been blacklisted",
        "554 Your access has been rejected due to the sending MTA's poor reputation",
        "421 4.7.0 very low reputation of the sending domain",
    ],
)
def test_words_that_mean_the_sender(text: str) -> None:
    """
    Another address would get the same mail through.
    """
    assert speaks_of_sender(text)


@each(
    "text",
    [
        "550 5.1.1 The email account that you tried to reach does not exist",
        "550-5.1.1 The email account that you tried to reach does not exist. gsmtp",
        "452 4.2.2 The email account that you tried to reach is over quota",
        "450 4.2.1 The user you are trying to contact is receiving mail too quickly",
        "421 4.3.0 Temporary System Problem. Try again later",
        "451 4.7.1 Greylisting in action, please come back later",
        "450 4.2.0 Recipient address rejected: Greylisted",
        "451 4.4.2 Timeout",
        "451 4.4.2 Message temporarily deferred",
        "451 [BS02] Temporary server error. Please try again later.",
        "552 5.3.4 Message size exceeds fixed limit",
        (
            "550 The mail server could not deliver mail to ann@example.com. The account may "
            "not exist, or they may be blacklisted, or missing the proper dns entries"
        ),
        "550 A URL in this email (example.net) is listed on https://spamhaus.org/. Please resolve",
        "554 Message contains Spam Content",
        "",
    ],
)
def test_words_that_do_not(text: str) -> None:
    """
    An unknown address, a full mailbox, greylisting, a link in the mail: not the sender's fault.
    """
    assert not speaks_of_sender(text)


@each(
    ("event", "expected"),
    [
        ({"mta_response": "550 5.1.1 User unknown"}, True),
        ({"mta_response": "550-5.1.1 The email account that you tried to reach does not"}, True),
        ({"description": "No such user here", "reject_reason": RejectReason.BOUNCED}, True),
        ({"reject_reason": RejectReason.INVALID}, True),
        ({}, True),
        ({"mta_response": "550 5.7.1 Rejected"}, False),
        ({"mta_response": "552 5.2.2 Mailbox full"}, False),
        ({"mta_response": "550 5.1.1 x", "reject_reason": RejectReason.SPAM}, False),
    ],
)
def test_bounces_that_tell_of_no_such_address(event: dict[str, Any], *, expected: bool) -> None:
    """
    Or give no other reason.
    """
    assert expected == means_nobody(DeliveryEvent(type=EventType.BOUNCED, **event))


@each(
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
