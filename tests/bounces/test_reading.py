from __future__ import annotations

import base64
import quopri
import time
import tracemalloc
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailfailover import DeliveryEvent, EventType, RejectReason
from mailfailover.bounces import read_bounce
from tests.bounces.samples import DATA, sample
from tests.samples import each

if TYPE_CHECKING:
    from collections.abc import Callable

BOUNCED, DEFERRED = EventType.BOUNCED, EventType.DEFERRED
INVALID, OTHER = RejectReason.INVALID, RejectReason.OTHER
BLOCKED, SPAM = RejectReason.BLOCKED, RejectReason.SPAM
TIMED_OUT = RejectReason.TIMED_OUT
ANN = "ann@example.org"

# The words of each dialect are our own, after what its server writes (seen 2026-11).
DIALECTS: dict[str, list[tuple[EventType, str, RejectReason | None]]] = {
    "arf": [(EventType.COMPLAINED, ANN, None)],
    "away": [(EventType.AUTORESPONDED, ANN, None)],
    "barracuda": [(DEFERRED, ANN, OTHER)],
    "communigate": [(BOUNCED, ANN, TIMED_OUT)],
    "delivered": [(EventType.DELIVERED, ANN, None)],
    "domino": [(BOUNCED, ANN, INVALID)],
    "exchange": [(BOUNCED, ANN, INVALID)],
    "exchange-2003": [(BOUNCED, ANN, INVALID)],
    "exchange-online": [(BOUNCED, ANN, OTHER)],
    "exim": [(BOUNCED, ANN, INVALID)],
    "exim-delayed": [(DEFERRED, ANN, TIMED_OUT)],
    "forwarded": [(BOUNCED, ANN, OTHER)],
    "gmail": [(BOUNCED, "ann@gmail.com", INVALID)],
    "gmail-unauthenticated": [(BOUNCED, "ann@gmail.com", BLOCKED)],
    "icloud": [(BOUNCED, "ann@icloud.com", OTHER)],
    "james": [(BOUNCED, ANN, TIMED_OUT)],
    "jmrp": [(EventType.COMPLAINED, "ann@hotmail.com", None)],
    "mimecast": [(BOUNCED, ANN, INVALID)],
    "opensmtpd": [(BOUNCED, ANN, INVALID)],
    "outlook.com": [(BOUNCED, "ann@outlook.com", BLOCKED)],
    "postfix": [(BOUNCED, ANN, INVALID)],
    "postfix-delayed": [(DEFERRED, ANN, TIMED_OUT)],
    "postfix-two": [(BOUNCED, ANN, OTHER), (BOUNCED, "bob@example.org", BLOCKED)],
    "proofpoint": [(BOUNCED, ANN, SPAM)],
    "qmail": [(BOUNCED, ANN, BLOCKED)],
    "reply": [],
    "sendmail": [(BOUNCED, ANN, INVALID)],
    "ses": [(BOUNCED, ANN, INVALID)],
    "yahoo": [(BOUNCED, "ann@yahoo.com", RejectReason.BOUNCED)],
}


def test_no_sample_is_forgotten() -> None:
    """
    Every mail in the folder has its expectation.
    """
    assert sorted(DIALECTS) == sorted(path.stem for path in DATA.glob("*.eml"))


@each("name", sorted(DIALECTS))
def test_a_dialect(name: str) -> None:
    """
    Each server's bounce tells whom it is about, what happened and why.
    """
    events = read_bounce(sample(name))

    assert DIALECTS[name] == [(one.type, one.recipient, one.reject_reason) for one in events]


@each("name", sorted(DIALECTS))
def test_line_ends_and_an_mbox_line_change_nothing(name: str) -> None:
    """
    SMTP brings CRLF, a pipe brings LF and a line in front, a bad script blank ones.
    """
    plain = read_bounce(sample(name))
    wire = read_bounce(sample(name).replace(b"\n", b"\r\n"))
    piped = read_bounce(b"From MAILER-DAEMON  Tue Nov 24 09:15:05 2026\n" + sample(name))
    blank = read_bounce(b"\r\n \n" + sample(name))

    assert plain == wire == piped == blank


def test_an_event_has_all_that_the_report_says() -> None:
    """
    Among it the server's answer, and the Message-ID of the mail that it is about.
    """
    (event,) = read_bounce(sample("postfix"))

    assert event == DeliveryEvent(
        event_id=event.event_id,
        type=BOUNCED,
        recipient=ANN,
        timestamp=datetime(2026, 11, 24, 9, 15, 5, tzinfo=UTC),
        reject_reason=INVALID,
        mta_response="550 5.1.1 <ann@example.org>: Recipient address rejected: "
        "User unknown in virtual mailbox table",
        description="Undelivered Mail Returned to Sender",
        raw=event.raw,
    )
    assert event.raw["returned-message-id"] == "<01KAVJ5W3R8Q2M7Y4N6T9XBCDE@example.com>"
    assert event.raw["status"] == "5.1.1"


def test_the_same_bounce_is_the_same_event() -> None:
    """
    What comes twice has the same ids; two recipients of one bounce have two.
    """
    once, again = read_bounce(sample("postfix-two")), read_bounce(sample("postfix-two"))

    assert [one.event_id for one in once] == [one.event_id for one in again]
    assert len({one.event_id for one in once}) == 2


@pytest.mark.parametrize(
    ("encoding", "encode"),
    [("base64", base64.encodebytes), ("quoted-printable", quopri.encodestring)],
)
def test_encoded_parts_are_read(encoding: str, encode: Callable[[bytes], bytes]) -> None:
    """
    Words that are encoded, or HTML, are words too.
    """
    text = "<p>Delivery to &lt;ann@example.org&gt; failed:<br>550 mailbox <b>full</b></p>"
    raw = (
        b"From: postmaster@mx.example.net\nSubject: Undeliverable\nMIME-Version: 1.0\n"
        b"Content-Type: text/html; charset=utf-8\n"
        b"Content-Transfer-Encoding: %b\n\n" % encoding.encode() + encode(text.encode())
    )

    (event,) = read_bounce(raw)

    assert (event.recipient, event.reject_reason) == (ANN, OTHER)


def test_groups_without_a_blank_line_are_told_apart() -> None:
    """
    A server that leaves the blank line out still tells of two recipients.
    """
    raw = sample("postfix-two").replace(
        b"Over quota\n\nFinal-Recipient", b"Over quota\nFinal-Recipient"
    )

    assert [ANN, "bob@example.org"] == [one.recipient for one in read_bounce(raw)]


def test_a_report_that_says_too_little_is_explained_by_its_words() -> None:
    """
    The fields may have a bare code, and the text the answer.
    """
    raw = sample("postfix").replace(b"Status: 5.1.1", b"Status: 5.0.0")
    raw = raw.replace(
        b"Diagnostic-Code: smtp; 550 5.1.1 <ann@example.org>: Recipient address rejected:\n"
        b"    User unknown in virtual mailbox table\n",
        b"Diagnostic-Code: smtp; 550 Rejected by it\n",
    )

    (event,) = read_bounce(raw)

    assert event.reject_reason is INVALID
    assert event.mta_response.startswith(
        "550 Rejected by it <ann@example.org>: host mail.example.org"
    )


def test_a_report_that_somebody_passes_on_is_read() -> None:
    """
    A gateway puts the report into a mail of its own.
    """
    raw = (
        b"From: postmaster@gate.example.net\nSubject: Fwd: failure\nMIME-Version: 1.0\n"
        b"Content-Type: multipart/mixed; boundary=outer\n\n--outer\n"
        b"Content-Type: message/rfc822\n\n" + sample("postfix") + b"\n--outer--\n"
    )

    assert [(BOUNCED, ANN)] == [(one.type, one.recipient) for one in read_bounce(raw)]


def test_a_lost_boundary_hides_nothing() -> None:
    """
    A relay that breaks the boundaries leaves the fields readable.
    """
    raw = sample("postfix").replace(b'boundary="=_part"', b'boundary="lost"')

    assert [(BOUNCED, ANN)] == [(one.type, one.recipient) for one in read_bounce(raw)]


def test_a_failed_login_of_a_domain_is_no_complaint() -> None:
    """
    A DMARC report (RFC 6591) has the form of a complaint, and is about no recipient's wish.
    """
    raw = sample("arf").replace(b"Feedback-Type: abuse", b"Feedback-Type: auth-failure")

    assert read_bounce(raw) == ()


def test_somebody_who_is_away_may_quote_a_bounce() -> None:
    """
    The subject that he answers to is no subject of his.
    """
    raw = sample("away").replace(b"Your order 4711", b"Undelivered mail returned to sender")

    assert [EventType.AUTORESPONDED] == [one.type for one in read_bounce(raw)]


def test_one_who_opts_out_is_unsubscribed() -> None:
    """
    The feedback type opt-out is no complaint.
    """
    raw = sample("arf").replace(b"Feedback-Type: abuse", b"Feedback-Type: opt-out")

    assert [EventType.UNSUBSCRIBED] == [one.type for one in read_bounce(raw)]


@each(
    "returned",
    [
        b"To: ann@example.org\n",
        b"Received: from a by b for <ann@example.org>; Tue, 24 Nov 2026 09:15:02 +0000\n",
        b"X-HmXmrOriginalRecipient: ann@example.org\nTo: list@example.com\n",
    ],
)
def test_a_complaint_without_a_recipient_is_about_that_of_the_mail(returned: bytes) -> None:
    """
    Some feedback loops take the recipient out of their own fields, and leave him in the mail.
    """
    raw = sample("arf").replace(b"Original-Rcpt-To: <ann@example.org>\n", b"")
    raw = raw.replace(b"To: ann@example.org\n", returned)

    assert [(EventType.COMPLAINED, ANN)] == [(one.type, one.recipient) for one in read_bounce(raw)]


def test_a_complaint_may_name_nobody() -> None:
    """
    It is one all the same: whoever knows the mail may know its recipient.
    """
    raw = sample("arf").replace(b"ann@example.org", b"redacted")

    assert [(EventType.COMPLAINED, "")] == [(one.type, one.recipient) for one in read_bounce(raw)]


@each(
    ("old", "new"),
    [
        (b"charset=us-ascii", b"charset=nobody-knows"),
        (b"charset=us-ascii", b"charset=utf-16"),
        (b"charset=us-ascii", b"charset=unicode_escape"),
        (b"charset=us-ascii", b"charset*=nobody-knows'en'%ff"),
        (b"Subject: Undelivered Mail", b"Subject: =?nobody-knows?q?=ff?= =?utf-8?q?=ff?="),
        (b"Date: Tue, 24 Nov", b"Date: Some day"),
        (b"Date: Tue, 24 Nov 2026", b"Date: Tue, 24 Nov 99999999999"),
        (b'boundary="=_part"', b'boundary="'),
        (b'boundary="=_part"', b"boundary*0*=nobody-knows''%3D_; boundary*1*=part"),
    ],
)
def test_what_no_standard_allows_is_read_as_it_is(old: bytes, new: bytes) -> None:
    """
    A charset, a date or a parameter that is none hides no recipient.
    """
    raw = sample("postfix").replace(old, new)

    assert [(BOUNCED, ANN)] == [(one.type, one.recipient) for one in read_bounce(raw)]


def test_parts_within_parts_end_somewhere() -> None:
    """
    Below four levels nothing is looked for.
    """
    raw = b""
    for level in range(9):
        raw = b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n%b\n" % (level, level, raw)

    assert read_bounce(raw) == ()


def test_styles_and_scripts_are_no_words() -> None:
    """
    What a browser does not show is not read.
    """
    text = (
        "<html><head><title>bob@example.org</title></head><style>carl@example.org {}</style>"
        "<script>eve@example.org</script><!-- dan@example.org -->"
        "<p>Your message could not be delivered to:</p><p>ann@example.org</p></html>"
    )
    raw = (
        b"From: postmaster@mx.example.net\nSubject: Undeliverable\n"
        b"Content-Type: text/html\n\n" + text.encode()
    )

    assert [ANN] == [one.recipient for one in read_bounce(raw)]


def test_a_returned_mail_in_base64_is_read() -> None:
    """
    No standard allows it, and some servers do it.
    """
    raw = sample("arf").replace(b"Original-Rcpt-To: <ann@example.org>\n", b"")
    start, _, returned = raw.partition(b"Content-Type: message/rfc822\n\n")
    coded = (
        b"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n"
        + base64.encodebytes(returned)
    )

    assert [ANN] == [one.recipient for one in read_bounce(start + coded)]


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=4000))
def test_any_bytes_are_read(raw: bytes) -> None:
    """
    Whatever comes, there are events or none, and no exception.
    """
    read_bounce(raw)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(DIALECTS)), st.data())
def test_a_damaged_bounce_names_nobody_new(name: str, data: st.DataObject) -> None:
    """
    Bytes that are cut out, changed or put in never make a recipient who is not in the mail.
    """
    raw = bytearray(sample(name))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(raw)))
        end = data.draw(st.integers(at, min(len(raw), at + 200)))
        raw[at:end] = data.draw(st.binary(max_size=20))

    events = read_bounce(bytes(raw))

    text = bytes(raw).decode("utf-8", "replace") + bytes(raw).decode("latin-1")
    assert [one.recipient for one in events if one.recipient not in text] == []


@pytest.mark.parametrize(
    ("start", "repeated"),
    [
        (b"", b"ann@example.org "),
        (b"", b"<"),
        (b"Content-Type: text/html\n\n", b"<style "),
        (b"Content-Type: text/html\n\n", b"<a href=x@y.z>&amp"),
        (b"Content-Type: multipart/mixed; boundary=a\n\n", b"--a\n\n"),
        (b"Content-Type: multipart/mixed; boundary=a\n\n--a\n\n", b"--a"),
        (
            b"Content-Type: multipart/mixed; boundary=a\n\n",
            b"--a\nContent-Type: message/rfc822\n\n",
        ),
        (
            b"Content-Type: multipart/report; boundary=a\n\n--a\n",
            b"Final-Recipient: rfc822;a@b.cc\n",
        ),
        (b"From: MAILER-DAEMON@x.org\nSubject: failure notice\n\n", b"to: a.a.a.a"),
        (b"From: MAILER-DAEMON@x.org\nSubject: failure notice\n\n", b"a@a.aa "),
        (b"From: MAILER-DAEMON@x.org\nSubject: failure notice\n\n", b"user unknown quota "),
        (b"From: MAILER-DAEMON@x.org\nSubject: failure notice\n\n", b"a" * 100),
        (b"Content-Transfer-Encoding: base64\n\n", b"QUFB"),
        (b"X: ", b"=?utf-8?q?=41?= "),
        (b"Content-Type: text/plain; charset=punycode\n\na-", b"9"),
    ],
)
def test_a_mail_of_fifty_megabytes_costs_little(start: bytes, repeated: bytes) -> None:
    """
    Neither size nor a shape made to be slow costs more than a second or a few megabytes.
    """
    raw = start + repeated * (50_000_000 // len(repeated))
    begun = time.process_time()
    tracemalloc.start()

    read_bounce(raw)

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert time.process_time() - begun < 6  # tracing is slow
    assert peak < 30_000_000


def test_a_report_in_front_of_fifty_megabytes_is_read() -> None:
    """
    The mail that a server returns whole may be as large as it likes.
    """
    raw = sample("postfix").replace(b"Thank you", b"Thank you " * 5_000_000)

    assert [(BOUNCED, ANN)] == [(one.type, one.recipient) for one in read_bounce(raw)]
