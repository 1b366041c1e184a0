from __future__ import annotations

import socket
from base64 import b64encode
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from mailfailover import DeliveryEvent, Mailer, Message
from mailfailover.bounces import BounceIntake, BounceMailbox, MailboxUnavailable
from mailfailover.errors import ConfigurationError
from mailfailover.providers.smtp import SMTP
from mailfailover.testing import certificates
from tests.bounces.imap_server import Imap, serving
from tests.bounces.samples import sample, sent_to
from tests.samples import each

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


OWN = SMTP(host="mail.example.com", bounce_address="bounces@example.com", bounce_secret="x" * 16)
ADDRESS = OWN.build_request(
    Message("ann@example.org", from_email="shop@example.com", text="Hello")
).mail_from
REPORT = sent_to("postfix", ADDRESS)


def test_a_url_is_a_mailbox() -> None:
    """
    User, password and folder may be percent-encoded; TLS is from the first byte.
    """
    box = BounceMailbox.parse("imaps://me%40example.com:p%3Aw@mail.example.com/Bounces%20In")

    assert box == BounceMailbox(
        host="mail.example.com",
        port=993,
        username="me@example.com",
        password="p:w",
        folder="Bounces In",
    )


def test_the_other_scheme_is_starttls() -> None:
    """
    On port 143; a password from elsewhere replaces that of the URL.
    """
    box = BounceMailbox.parse("imap://me:old@mail.example.com", password="new")

    assert (143, True, "new", "INBOX") == (box.port, box.starttls, box.password, box.folder)


def test_no_secret_is_shown() -> None:
    """
    Neither the password nor the token.
    """
    box = BounceMailbox.parse(
        "imaps://me@mail.example.com", password="s3cret", access_token="t0ken"
    )

    assert "s3cret" not in repr(box)
    assert "t0ken" not in repr(box)


@each(
    "url",
    [
        "",
        "mail.example.com",
        "http://me:s3cret@mail.example.com",
        "imaps://me:s3cret@",
        "imaps://x:s3cret@h:99999",
    ],
)
def test_another_url_is_refused(url: str) -> None:
    """
    The error does not quote it.
    """
    with pytest.raises(ConfigurationError, match="imaps://user@") as raised:
        BounceMailbox.parse(url)

    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize("url", ["imaps://mail.example.com", "imaps://me@mail.example.com"])
def test_a_log_in_needs_a_user_and_a_password(url: str) -> None:
    """
    The error says where they can stand.
    """
    with pytest.raises(ConfigurationError, match="MAILFAILOVER_IMAP_PASSWORD"):
        BounceMailbox.parse(url)


def box(imap: Imap, **more: str) -> BounceMailbox:
    """
    The mailbox on a server of these tests.
    """
    options: dict[str, str] = {"username": "me", "password": 's3"cret', "folder": "In Box"} | more
    return BounceMailbox(host="127.0.0.1", port=imap.port, starttls=True, **options)


@pytest.fixture(name="intake")
def _intake() -> Iterator[BounceIntake]:
    with Mailer({"own": OWN}) as mailer:
        yield BounceIntake(mailer)


def test_a_server_that_cannot_move_copies(intake: BounceIntake) -> None:
    """
    The mail is marked as deleted, and no other mail is expunged with it.
    """
    with serving(Imap({7: REPORT})) as imap:
        box(imap, move_to="Taken").read(intake)

    assert r"(\Seen \Deleted)" == imap.flags[7]
    assert 'UID COPY 7 "Taken"' in imap.said
    assert not any("EXPUNGE" in one for one in imap.said)


def test_a_server_that_can_expunges_the_one_mail(intake: BounceIntake) -> None:
    """
    With UIDPLUS nothing is left behind.
    """
    with serving(Imap({7: REPORT}, can="UIDPLUS")) as imap:
        box(imap, move_to="Taken").read(intake)

    assert "UID EXPUNGE 7" in imap.said


def test_a_log_in_without_a_mechanism(intake: BounceIntake) -> None:
    """
    LOGIN quotes what it gets.
    """
    with serving(Imap({})) as imap:
        box(imap, username='m"e').read(intake)

    assert r'LOGIN "m\"e" "s3\"cret"' in imap.said
    assert 'SELECT "In Box"' in imap.said


def test_a_token_logs_in(intake: BounceIntake) -> None:
    """
    With XOAUTH2, as Google and Microsoft want it.
    """
    with serving(Imap({}, can="AUTH=XOAUTH2")) as imap:
        box(imap, password="", access_token="t0ken").read(intake)

    assert b64encode(b"user=me\1auth=Bearer t0ken\1\1").decode() in imap.said


@pytest.mark.parametrize(("can", "starttls"), [("", False), ("STARTTLS AUTH=PLAIN", True)])
def test_over_tls(can: str, starttls: bool, intake: BounceIntake, tmp_path: Path) -> None:
    """
    From the first byte, or before the log-in.
    """
    tls = certificates()
    (tmp_path / "ca.pem").write_bytes(tls.ca_pem)

    with serving(Imap({7: REPORT}, can=can, tls=tls.server_context)) as imap:
        found = replace(box(imap), starttls=starttls, ca_file=str(tmp_path / "ca.pem")).read(intake)

    assert (1, 0, 0) == found


def test_a_server_that_can_moves(intake: BounceIntake) -> None:
    """
    By one command, which leaves nothing behind.
    """
    with serving(Imap({7: REPORT}, can="MOVE")) as imap:
        box(imap, move_to="Taken").read(intake)

    assert 'UID MOVE 7 "Taken"' in imap.said
    assert {} == imap.flags


def test_a_wrong_password_is_told(intake: BounceIntake) -> None:
    """
    The error names the server only.
    """
    with (
        serving(Imap({}, refuses=("LOGIN",))) as imap,
        pytest.raises(MailboxUnavailable, match=r"127\.0\.0\.1 refuses the log-in") as raised,
    ):
        box(imap).read(intake)

    assert "cret" not in str(raised.value)


def test_a_report_that_is_not_stored_stays(intake: BounceIntake) -> None:
    """
    A handler failed: the mail is not marked, and the next look brings it again.
    """

    def fail(event: DeliveryEvent) -> None:
        raise OSError("no space left")

    with serving(Imap({7: REPORT})) as imap, Mailer({"own": OWN}, on_event=[fail]) as mailer:
        found = box(imap).read(BounceIntake(mailer))

    assert (0, 0, 1) == found
    assert {} == imap.flags


def test_a_wrong_key_loses_no_report() -> None:
    """
    What it does not know is not set aside: the right key finds it the next time.
    """
    other = SMTP(
        host="mail.example.com", bounce_address="bounces@example.com", bounce_secret="y" * 16
    )
    with serving(Imap({7: REPORT, 8: sample("reply")})) as imap, Mailer({"own": other}) as mailer:
        found = box(imap).read(BounceIntake(mailer))

    assert (0, 2, 0) == found
    assert [8] == list(imap.flags)


def test_a_server_without_keywords_hears_of_other_mail_again(intake: BounceIntake) -> None:
    """
    A mail for a person stays unread all the same.
    """
    with serving(Imap({7: sample("reply"), 8: REPORT}, refuses=("UID STORE 7",))) as imap:
        found = box(imap).read(intake)

    assert (1, 1, 0) == found
    assert {8: r"(\Seen)"} == imap.flags


def test_a_mail_that_somebody_took_away_is_no_error(intake: BounceIntake) -> None:
    """
    Two processes may read the same mailbox.
    """
    with serving(Imap({7: b"", 8: REPORT})) as imap:
        assert (1, 0, 0) == box(imap).read(intake)


@pytest.mark.parametrize(
    "command", ["SELECT", "UID SEARCH", "UID FETCH", "UID STORE 7 +FLAGS.SILENT (\\Seen)"]
)
def test_a_refusal_is_told_without_the_servers_words(command: str, intake: BounceIntake) -> None:
    """
    They may quote what was sent.
    """
    with (
        serving(Imap({7: REPORT}, refuses=(command,))) as imap,
        pytest.raises(MailboxUnavailable, match="refuses") as raised,
    ):
        box(imap).read(intake)

    assert "quotes" not in str(raised.value)


@pytest.mark.parametrize("command", ["CAPABILITY", "LOGIN", "SELECT", "UID FETCH"])
def test_a_server_that_hangs_up(command: str, intake: BounceIntake) -> None:
    """
    Whatever it was asked, it is an error that says to try again.
    """
    with (
        serving(Imap({7: REPORT}, breaks_at=command)) as imap,
        pytest.raises(MailboxUnavailable, match="cannot be read now"),
    ):
        box(imap).read(intake)


def test_no_password_goes_to_another_machine_in_the_clear(intake: BounceIntake) -> None:
    """
    Only on this machine a server may do without TLS.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing
        except OSError:
            pytest.skip("this machine has no address but loopback")
        own = probe.getsockname()[0]

    with (
        serving(Imap({}), host=own) as imap,
        pytest.raises(MailboxUnavailable, match="offers no TLS"),
    ):
        replace(box(imap), host=own).read(intake)

    assert not any("s3" in one for one in imap.said)


def test_a_mailer_without_an_address_reads_no_mailbox() -> None:
    """
    That is a fault of the configuration, not of each mail.
    """
    with (
        serving(Imap({7: REPORT})) as imap,
        Mailer("smtp://mail.example.com") as mailer,
        pytest.raises(ConfigurationError, match="bounce_address"),
    ):
        box(imap).read(BounceIntake(mailer))

    assert {} == imap.flags


def test_a_name_beyond_ascii_is_refused(intake: BounceIntake) -> None:
    """
    The error says how IMAP writes it.
    """
    with serving(Imap({})) as imap, pytest.raises(ConfigurationError, match="modified UTF-7"):
        box(imap, folder="Entwürfe").read(intake)
