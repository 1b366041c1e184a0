from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from mailfailover.outbox import Outbox, OutboxWorker, State
from tests.chains import MAIL, Scripted, World
from tests.cli.running import process, run
from tests.samples import each

if TYPE_CHECKING:
    from collections.abc import Iterator

    from click.testing import Result


@pytest.fixture
def outbox() -> Iterator[Outbox]:
    """
    The outbox of the current directory, empty.
    """
    outbox = Outbox()
    outbox.init()
    yield outbox
    outbox.close()


def data(done: Result) -> Any:
    """
    The JSON that a command wrote.
    """
    return json.loads(done.stdout)


def test_init_makes_the_outbox() -> None:
    """
    In the file of the current directory; a second time it does nothing.
    """
    done = run("outbox", "init")

    assert ("the outbox is ready: sqlite:///mailfailover.db\n", 0) == (done.stdout, done.exit_code)
    assert {"database": "sqlite:///mailfailover.db"} == data(run("outbox", "init", "--json"))
    assert 0 == run("outbox", "stats").exit_code


def test_upgrade_says_what_it_found(outbox: Outbox) -> None:
    """
    Here there is nothing to do.
    """
    done = run("outbox", "upgrade")

    assert "the outbox is of this version; it was of version 2\n" == done.stdout
    assert 2 == data(run("outbox", "upgrade", "--json"))["had"]


@each("command", ["upgrade", "list", "stats", "purge", "cancel", "retry"])
def test_without_an_outbox_it_says_what_to_run(command: str) -> None:
    """
    Nothing is made by the way.
    """
    done = run("outbox", command)

    assert (2, "") == (done.exit_code, done.stdout)
    assert "the database has no tables of the outbox: run `mailfailover outbox init`" in done.stderr


def test_a_database_that_is_away_is_no_traceback() -> None:
    """
    The driver's own words are told, and no password.
    """
    url = "postgresql://me:secret@127.0.0.1:1/mails"

    for command in ("init", "stats"):
        done = run("outbox", command, "--database", url)

        assert 2 == done.exit_code
        assert "the database cannot be used: connection" in done.stderr
        assert "secret" not in done.stderr


def test_a_missing_extra_is_named() -> None:
    """
    With the line that installs it.
    """
    code = (
        "import sys; sys.modules['sqlalchemy'] = None; import mailfailover.__main__ as m; m.main()"
    )

    done = process("outbox", "init", code=code)

    assert 2 == done.returncode
    assert 'the outbox needs sqlalchemy: pip install "mailfailover[outbox]"' in done.stderr


def test_a_waiting_mail_has_no_time(outbox: Outbox) -> None:
    """
    It is sent as soon as a worker comes.
    """
    outbox.add(MAIL)

    lines = run("outbox", "show", "m1").stdout.splitlines()

    assert ["mail m1: pending", "  ann@example.org: pending"] == [lines[0], *lines[2:]]


def test_list_tells_a_line_each(outbox: Outbox) -> None:
    """
    The newest first: its state, when it is due, why it is not sent.
    """
    outbox.add(MAIL)
    later = datetime(2027, 1, 31, 9).astimezone()
    outbox.add(MAIL.replace(id="m2", send_at=later))
    outbox.add(MAIL.replace(id="m3"))
    outbox.cancel("m3")
    OutboxWorker(outbox, mailer(Scripted("a"))).send("m1")

    done = run("outbox", "list")

    assert [
        "m3  dead      cancelled",
        "m2  pending   due 2027-01-31 09:00:00",
        "m1  sent      a",
    ] == done.stdout.splitlines()


def test_list_as_data_takes_the_same_choice(outbox: Outbox) -> None:
    """
    A state, a limit, and where to go on.
    """
    for number in range(3):
        outbox.add(MAIL.replace(id=f"m{number}"))

    done = run("outbox", "list", "--state", "pending", "--limit", "1", "--before", "m2", "--json")

    assert [one.to_dict() for one in outbox.list(before="m2", limit=1)] == data(done)


def test_show_tells_all_but_the_words(outbox: Outbox) -> None:
    """
    Recipients, attempts, the reason; not what the mail says.
    """
    from mailfailover.errors import OutcomeUnknown

    doubt = OutcomeUnknown("no answer")
    outbox.add(MAIL)
    OutboxWorker(outbox, mailer(Scripted("a", doubt, idempotency_ttl=9.0))).send("m1")

    text = run("outbox", "show", "m1").stdout

    assert "mail m1: unknown\n  added 2" in text
    assert "tried 1 times" in text
    assert "  more than one attempt may have sent it: possible duplicate\n" in text
    assert "  due 2" in text
    assert "  ann@example.org: unknown\n" in text
    assert text.count("  a: OutcomeUnknown: no answer") > 1
    assert "  mail m1 may have been sent by a:\n" in text
    assert "Hello" not in text


def test_show_tells_who_took_it(outbox: Outbox) -> None:
    """
    And when it will be forgotten.
    """
    outbox.add(MAIL)
    OutboxWorker(outbox, mailer(Scripted("a"))).send("m1")

    text = run("outbox", "show", "m1").stdout

    assert "  a took it as a-id\n" in text
    assert "  finished 2" in text
    assert ", to be forgotten 2" in text


def test_show_as_data_is_the_mail(outbox: Outbox) -> None:
    """
    As :meth:`OutboxMail.to_dict` has it.
    """
    outbox.add(MAIL)
    mail = outbox.get("m1")

    assert mail is not None
    assert mail.to_dict() == data(run("outbox", "show", "m1", "--json"))


def test_show_of_a_strange_mail_is_an_error(outbox: Outbox) -> None:
    """
    It may have been forgotten.
    """
    done = run("outbox", "show", "m1")

    assert 2 == done.exit_code
    assert "mail 'm1' is not in the outbox, or was forgotten already" in done.stderr


def test_retry_and_cancel_tell_of_each_mail(outbox: Outbox) -> None:
    """
    The exit code is 1 where one could not be moved.
    """
    outbox.add(MAIL)

    cancelled = run("outbox", "cancel", "m1", "m2")
    retried = run("outbox", "retry", "m1")

    assert (1, "mail m1 is cancelled\n") == (cancelled.exit_code, cancelled.stdout)
    assert "mail m2 is sent, dead, or being sent, or not in the outbox" in cancelled.stderr
    assert (0, "mail m1 waits to be sent\n") == (retried.exit_code, retried.stdout)
    assert {"m1": True} == data(run("outbox", "cancel", "m1", "--json"))


def test_all_that_is_dead_can_be_sent_again(outbox: Outbox) -> None:
    """
    After an outage, however many they are.
    """
    for number in range(5):
        outbox.add(MAIL.replace(id=f"m{number}"))
        outbox.cancel(f"m{number}")

    done = run("outbox", "retry", "--all", "dead", "--json")

    assert {"retried": 5} == data(done)
    assert 5 == outbox.stats().counts[State.PENDING]


def test_purge_says_how_many(outbox: Outbox) -> None:
    """
    Those of the last 30 days are kept unless told otherwise.
    """
    outbox.add(MAIL)
    outbox.cancel("m1")

    assert "0 mails are forgotten\n" == run("outbox", "purge").stdout
    assert {"purged": 1} == data(run("outbox", "purge", "--older-than", "0", "--json"))


def test_stats_count(outbox: Outbox) -> None:
    """
    A line for each state, and how long the oldest waits.
    """
    outbox.add(MAIL)

    lines = run("outbox", "stats").stdout.splitlines()

    assert ["pending   1", "leased    0"] == lines[:2]
    assert lines[-1].startswith("1 wait for a worker, the oldest since 2")
    assert outbox.stats().to_dict() == data(run("outbox", "stats", "--json"))


def test_an_empty_outbox_has_no_oldest(outbox: Outbox) -> None:
    """
    Only the states are told.
    """
    assert 6 == len(run("outbox", "stats").stdout.splitlines())


def mailer(*providers: Scripted) -> Any:
    """
    A mailer over these.
    """
    from mailfailover import Mailer

    return Mailer(World().chain(*providers))
