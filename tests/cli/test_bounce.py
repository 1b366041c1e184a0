"""
``mailfailover bounce``: reports from a pipe.
"""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from mailfailover import Message, Receipt, RecipientStatus
from mailfailover._chain.observe import MailSent
from mailfailover.cli.bounce_run import MAX_BYTES, _read
from mailfailover.providers.smtp import SMTP
from mailfailover.tracking import Tracking
from tests.bounces.imap_server import Imap, serving
from tests.bounces.samples import sample, sent_to
from tests.cli.running import run
from tests.samples import each

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "sixteen-letters."
DSN = f"smtp://mail.example.com?bounce_address=bounces.example.com&bounce_secret={SECRET}"
MAIL = Message("ann@example.org", from_email="shop@example.com", text="Hello")
ADDRESS = (
    SMTP(host="mail.example.com", bounce_address="bounces.example.com", bounce_secret=SECRET)
    .build_request(MAIL)
    .mail_from
)


def test_a_report_is_recorded() -> None:
    """
    Tracking knows it, and its recipient is suppressed.
    """
    done = run("bounce", "--dsn", DSN, stdin=sent_to("postfix", ADDRESS))
    events = json.loads(run("events", "--json").stdout)
    suppressed = json.loads(run("suppressions", "list", "--json").stdout)

    assert 0 == done.exit_code
    assert f"smtp {MAIL.id} bounced (invalid)" in done.stdout
    assert [(MAIL.id, "ann@example.org")] == [(one["mail_id"], one["recipient"]) for one in events]
    assert ["ann@example.org"] == [one["email"] for one in suppressed]


def test_the_address_may_come_beside_the_mail() -> None:
    """
    As an option, where the header does not have it.
    """
    done = run("bounce", "--dsn", DSN, "--to", ADDRESS, "--json", stdin=sample("postfix"))

    assert MAIL.id == json.loads(done.stdout)["mail_id"]


@pytest.mark.parametrize("variable", ["ORIGINAL_RECIPIENT", "RECIPIENT"])
def test_the_address_may_come_in_the_environment(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    As Postfix and qmail give it to a command.
    """
    monkeypatch.setenv(variable, ADDRESS)

    assert MAIL.id in run("bounce", "--dsn", DSN, stdin=sample("postfix")).stdout


def test_a_mail_that_is_no_report_of_ours_is_passed_by() -> None:
    """
    With success: another exit code would make the server write a bounce of its own.
    """
    done = run("bounce", "--dsn", DSN, stdin=sample("postfix"))

    assert (0, "") == (done.exit_code, done.stdout)
    assert "passed by: the mail came to no bounce address of ours" in done.stderr


@each(
    "options",
    [
        (),
        ("--dsn", "smtp://mail.example.com"),
        ("--dsn", DSN, "--database", "sqlite:////nowhere/mails.db"),
        ("--dsn", DSN, "--imap", "http://mail.example.com"),
        ("--dsn", DSN, "--imap", "imaps://bounces@mail.example.com"),
        ("--dsn", DSN, "--imap", "imap://bounces:secret@127.0.0.1:9/INBOX"),
    ],
)
def test_what_goes_wrong_keeps_the_mail(options: tuple[str, ...]) -> None:
    """
    Exit code 75: the server brings it again. The message says why, without a secret.
    """
    done = run("bounce", *options, stdin=sent_to("postfix", ADDRESS))

    assert 75 == done.exit_code
    assert done.stderr.startswith("mailfailover: ")
    assert "secret@" not in done.stderr


def test_the_password_of_a_mailbox_may_be_in_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A file that is not there is told by its variable.
    """
    url = "imap://bounces@127.0.0.1:9/INBOX"
    monkeypatch.setenv("MAILFAILOVER_IMAP_PASSWORD_FILE", str(tmp_path / "password"))

    missing = run("bounce", "--dsn", DSN, "--imap", url)
    (tmp_path / "password").write_text("s3cret\n")
    found = run("bounce", "--dsn", DSN, "--imap", url)

    assert "MAILFAILOVER_IMAP_PASSWORD_FILE cannot be read" in missing.stderr
    assert "the mailbox on 127.0.0.1 cannot be read now: Connection refused" in found.stderr


def test_a_mail_is_read_to_its_end() -> None:
    """
    A server whose pipe breaks would keep the mail; what is beyond the limit is thrown away.
    """
    stream = io.BytesIO(b"x" * (MAX_BYTES + 3_000_000))

    assert MAX_BYTES == len(_read(stream))
    assert b"" == stream.read()


def test_events_wait_for_another_system(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """
    With a callback the event is written down for it.
    """
    from mailfailover.callbacks import Callbacks

    url, secret = "https://app.example.com/events", "whsec_c2VjcmV0LW9mLXRoZS1jYWxsYmFja3M="
    monkeypatch.setenv("MAILFAILOVER_CALLBACK_URL", url)
    monkeypatch.setenv("MAILFAILOVER_CALLBACK_SECRET", secret)

    run("bounce", "--dsn", DSN, stdin=sent_to("postfix", ADDRESS))

    callbacks = Callbacks(url, secret, database=f"sqlite:///{tmp_path / 'mailfailover.db'}")
    assert 1 == callbacks.stats().waiting
    callbacks.close()


def test_mail_with_an_address_of_its_own_is_told_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """
    As the service does for webhooks, and whoever registered a hook hears of it, too.
    """
    from mailfailover.service.hooks import Hooks
    from mailfailover.service.keys import Keys
    from mailfailover.service.tables import posts

    database = f"sqlite:///{tmp_path / 'mailfailover.db'}"
    tracking = Tracking(database)
    Keys(tracking.engine).init()
    own, hook = "https://shop.example.com/mine", "https://watch.example.com/all"
    Hooks(tracking.engine).add(hook, [])
    with tracking.engine.begin() as connection:
        connection.execute(posts.insert().values(mail=MAIL.id, key="k", callback_url=own))
    monkeypatch.setenv("MAILFAILOVER_CALLBACK_URL", "https://app.example.com/events")
    monkeypatch.setenv("MAILFAILOVER_CALLBACK_SECRET", "whsec_c2VjcmV0LW9mLXRoZS1jYWxsYmFja3M=")

    done = run("bounce", "--dsn", DSN, stdin=sent_to("postfix", ADDRESS))

    with tracking.engine.connect() as connection:
        urls = connection.execute(text("SELECT url FROM webhook_callbacks")).scalars().all()
    tracking.close()
    assert 0 == done.exit_code
    assert sorted([own, hook]) == sorted(urls)


def test_a_mailbox_is_counted_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Each line of output is one JSON object: the events first, their number last.
    """
    monkeypatch.setenv("MAILFAILOVER_IMAP_PASSWORD", "s3cret")
    with serving(Imap({7: sent_to("postfix", ADDRESS), 8: sample("reply")})) as imap:
        url = f"imap://bounces@127.0.0.1:{imap.port}/INBOX"
        done = run("bounce", "--dsn", DSN, "--imap", url, "--json")

    event, count = map(json.loads, done.stdout.splitlines())
    assert MAIL.id == event["mail_id"]
    assert {"taken": 1, "others": 1, "failed": 0} == count


def test_deliveries_learn_from_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """
    Where they are switched on, a bounce of a mail that was tracked is counted.
    """
    monkeypatch.setenv("MAILFAILOVER_DELIVERIES", "1")
    tracking = Tracking(f"sqlite:///{tmp_path / 'mailfailover.db'}")
    tracking.init()
    accepted = {"ann@example.org": RecipientStatus.ACCEPTED}
    tracking(MailSent(MAIL, Receipt(MAIL.id, "smtp", "", accepted, ())))

    done = run("bounce", "--dsn", DSN, stdin=sent_to("postfix", ADDRESS))

    with tracking.engine.connect() as connection:
        counted = connection.execute(text("SELECT count(*) FROM delivery_counts")).scalar()
    tracking.close()
    assert 0 == done.exit_code
    assert counted
