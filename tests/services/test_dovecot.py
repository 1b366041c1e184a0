"""
Bounces in a mailbox on a real Dovecot, which is started here.

Where none is installed these tests skip: what they need is a program on this machine.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from mailfailover import DeliveryEvent, Mailer, Message
from mailfailover.bounces import BounceIntake, BounceMailbox, MailboxUnavailable
from mailfailover.providers.smtp import SMTP
from tests.bounces.samples import sample, sent_to
from tests.cli.running import run
from tests.services import dovecot

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MISSING = dovecot.why_not()
pytestmark = [
    pytest.mark.skip(reason=MISSING) if MISSING else pytest.mark.services,
    pytest.mark.xdist_group("dovecot"),
]

SECRET = "sixteen-letters."
OWN = SMTP(host="mail.example.com", bounce_address="bounces@example.com", bounce_secret=SECRET)
MAIL = Message("ann@example.org", from_email="shop@example.com", text="Hello")
ADDRESS = OWN.build_request(MAIL).mail_from


@pytest.fixture(scope="module")
def server() -> Iterator[dovecot.Dovecot]:
    """
    One Dovecot for all of these tests.
    """
    with dovecot.running() as one:
        yield one


@pytest.fixture(name="box")
def _box(server: dovecot.Dovecot) -> BounceMailbox:
    return BounceMailbox(
        host="localhost",
        port=server.imaps,
        username=dovecot.USER,
        password=dovecot.PASSWORD,
        ca_file=server.ca_file,
    )


@pytest.fixture(name="events")
def _events() -> list[DeliveryEvent]:
    return []


@pytest.fixture(name="intake")
def _intake(events: list[DeliveryEvent]) -> Iterator[BounceIntake]:
    with Mailer({"own": OWN}, on_event=[events.append]) as mailer:
        yield BounceIntake(mailer)


def test_reports_are_marked_and_other_mail_stays_unread(
    server: dovecot.Dovecot, box: BounceMailbox, intake: BounceIntake, events: list[DeliveryEvent]
) -> None:
    """
    The second look finds nothing: neither the report, nor the mail for a person.
    """
    server.put(sent_to("postfix", ADDRESS), sample("reply"))

    first, second = box.read(intake), box.read(intake)

    assert (1, 1, 0) == first
    assert (0, 0, 0) == second
    assert [(MAIL.id, "ann@example.org")] == [(one.mail_id, one.recipient) for one in events]
    assert ["", "S"] == server.flags()


def test_reports_are_moved(
    server: dovecot.Dovecot, box: BounceMailbox, intake: BounceIntake
) -> None:
    """
    Into a folder that is made where it is not there.
    """
    server.put(sent_to("postfix", ADDRESS), sample("reply"))

    found = replace(box, move_to="Taken Reports").read(intake)

    assert (1, 1, 0) == found
    assert [""] == server.flags()
    assert [""] == server.flags(".Taken Reports")


def test_a_report_that_is_not_stored_is_not_marked(
    server: dovecot.Dovecot, box: BounceMailbox, intake: BounceIntake, events: list[DeliveryEvent]
) -> None:
    """
    The disk of the database is full; the next look brings the report again.
    """
    server.put(sent_to("postfix", ADDRESS), sent_to("exim", ADDRESS))
    failing = Mailer({"own": OWN}, on_event=[_fail])

    failed = box.read(BounceIntake(failing))
    again = box.read(intake)

    assert (0, 0, 2) == failed
    assert (2, 0, 0) == again
    assert len(events) == 2
    failing.close()


def _fail(event: DeliveryEvent) -> None:
    raise OSError("no space left")


def test_a_large_report_is_read_in_part(
    server: dovecot.Dovecot, box: BounceMailbox, intake: BounceIntake
) -> None:
    """
    Of the mail that it returns no more is fetched than is looked at.
    """
    server.put(sent_to("postfix", ADDRESS).replace(b"Thank you", b"Thank you\n" * 800_000))

    assert (1, 0, 0) == box.read(intake)


def test_starttls(server: dovecot.Dovecot, box: BounceMailbox, intake: BounceIntake) -> None:
    """
    On the port without TLS it begins before the log-in.
    """
    server.put(sent_to("postfix", ADDRESS))

    assert (1, 0, 0) == replace(box, port=server.imap, starttls=True).read(intake)


def test_a_certificate_that_nobody_signed_is_refused(
    box: BounceMailbox, intake: BounceIntake
) -> None:
    """
    No password goes to a server that cannot show who it is.
    """
    with pytest.raises(MailboxUnavailable, match="CERTIFICATE_VERIFY_FAILED"):
        replace(box, ca_file="").read(intake)


def test_a_wrong_password_is_told_without_it(box: BounceMailbox, intake: BounceIntake) -> None:
    """
    The error names the server, and neither what was sent nor what it said.
    """
    with pytest.raises(MailboxUnavailable, match="refuses the log-in") as raised:
        replace(box, password="wrong-s3cret").read(intake)

    assert "wrong-s3cret" not in repr(raised.value)


def test_a_folder_that_is_not_there(box: BounceMailbox, intake: BounceIntake) -> None:
    """
    The error names it.
    """
    with pytest.raises(MailboxUnavailable, match="the folder 'Nowhere'"):
        replace(box, folder="Nowhere").read(intake)


def test_the_command_reads_a_mailbox(
    server: dovecot.Dovecot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Its events are in the database, and each line of output is one of them.
    """
    server.put(sent_to("postfix", ADDRESS), sample("reply"))
    monkeypatch.setenv("MAILFAILOVER_IMAP_PASSWORD", dovecot.PASSWORD)
    database = f"sqlite:///{tmp_path / 'mails.db'}"
    dsn = f"smtp://mail.example.com?bounce_address=bounces@example.com&bounce_secret={SECRET}"
    url = f"imaps://{dovecot.USER}@localhost:{server.imaps}/INBOX"

    options = ("--imap", url, "--imap-ca-file", server.ca_file, "--database", database)
    done = run("bounce", "--dsn", dsn, *options)
    told = run("events", "--database", database)

    assert (0, 0) == (done.exit_code, told.exit_code)
    assert f"smtp {MAIL.id} bounced (invalid)" in done.output
    assert "taken: 1, others: 1, failed: 0" in done.output
    assert MAIL.id in told.output
