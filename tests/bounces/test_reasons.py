from __future__ import annotations

from mailfailover import RejectReason
from mailfailover.bounces.reasons import reason_of, status_in
from tests.samples import each

INVALID, OTHER, BLOCKED = RejectReason.INVALID, RejectReason.OTHER, RejectReason.BLOCKED


@each(
    ("status", "words", "reason"),
    [
        ("5.1.1", "", INVALID),
        ("5.1.1", "550 5.1.1 <ann@example.org>: User unknown", INVALID),
        ("5.4.1", "550 5.4.1 Recipient address rejected: Access denied", INVALID),
        ("5.1.10", "550 5.1.10 Recipient address has null MX", INVALID),
        ("5.0.0", "Utilisateur inconnu", INVALID),
        ("", "Host or domain name not found. Name service error", INVALID),
        ("5.1.8", "553 5.1.8 Domain of sender address x@example.com does not exist", BLOCKED),
        ("5.1.1", "550 5.1.1 192.0.2.1 is listed in Spamhaus, no such user", BLOCKED),
        ("5.7.1", "550 5.7.1 Relaying denied", BLOCKED),
        ("5.7.1", "550 5.7.1 something", BLOCKED),
        ("4.7.0", "421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred", BLOCKED),
        ("5.2.2", "552 mailbox full", OTHER),
        ("5.1.1", "550 5.1.1 user is over quota", OTHER),
        ("5.3.4", "552 message size exceeds fixed maximum", OTHER),
        ("4.7.1", "451 4.7.1 Greylisting in action", OTHER),
        ("5.3.0", "", OTHER),
        ("", "", OTHER),
        ("5.2.1", "mailbox disabled, not accepting messages", RejectReason.BOUNCED),
        ("5.2.1", "", RejectReason.BOUNCED),
        ("5.7.1", "554 5.7.1 rejected as spam", RejectReason.SPAM),
        ("5.0.0", "554 a virus was found", RejectReason.SPAM),
        ("4.4.7", "", RejectReason.TIMED_OUT),
        ("4.4.1", "connect to mail.example.org: Connection timed out", RejectReason.TIMED_OUT),
    ],
)
def test_the_reason_of_an_answer(status: str, words: str, reason: RejectReason) -> None:
    """
    What blames the sender comes before what blames the address, words before codes.
    """
    assert reason_of(status, words) is reason


def test_an_antivirus_program_signs_no_verdict() -> None:
    """
    Scanners put their names under every mail, a bounce too.
    """
    words = "550 5.1.1 User unknown. Checked by an anti-virus system (antivirus.example)"

    assert reason_of("5.1.1", words) is INVALID


def test_what_ses_writes_around_an_answer_says_nothing() -> None:
    """
    The answer of the recipient's server is inside.
    """
    words = "5.1.0 - Unknown address error 550-'5.7.1 Access denied' (delivery attempts: 0)"

    assert reason_of("5.7.1", words) is BLOCKED
    assert reason_of("5.1.0", words) is BLOCKED


def test_a_name_in_an_address_is_no_word() -> None:
    """
    Somebody may be called spam, or have a mailbox at a quota.example.
    """
    assert reason_of("5.1.1", "550 <spam@over-quota.example>: User unknown") is INVALID


@each(
    ("words", "status"),
    [
        ("550 5.1.1 no such user", "5.1.1"),
        ("host mail[198.51.100.5] said: 550-5.7.26 no", "5.7.26"),
        ("from 5.1.1.1 by", ""),
        ("mailfailover 12.5.1.1", ""),
        ("550 no", ""),
    ],
)
def test_a_status_is_told_from_other_numbers(words: str, status: str) -> None:
    """
    An IP address is no status code.
    """
    assert status_in(words) == status
