from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, update

from mailfailover import (
    DeliveryEvent,
    EventType,
    Mailer,
    MailSent,
    Receipt,
    RecipientStatus,
    WebhookRefused,
)
from mailfailover._sql.schema import versions
from mailfailover._values.frozen import FrozenDict
from mailfailover.deliveries import Cell, CellState, DeliveryHealth
from mailfailover.deliveries._cell_rows import write_cells
from mailfailover.errors import MailFailoverError, OutcomeUnknown
from mailfailover.tracking import Tracking
from mailfailover.tracking._silent_outages import ACCEPTED, HEARD, SLICE
from mailfailover.tracking._tables import counts, events
from tests.chains import MAIL, Scripted
from tests.cli.running import process, run

URL = "sqlite:///mailfailover.db"
AT = datetime(2026, 11, 24, 12, 30, tzinfo=UTC)


@pytest.fixture
def tracking() -> Tracking:
    """
    What the commands find in their working directory.
    """
    found = Tracking(URL)
    found.init()
    return found


def send(tracking: Tracking, *answers: Any, **fields: Any) -> None:
    """
    Send a mail through a provider that answers so.
    """
    mailer = Mailer(Scripted("a", *answers), observers=[tracking])
    try:
        mailer.send(MAIL, on_unknown="raise", **fields)
    except MailFailoverError:
        return


def told(**fields: Any) -> DeliveryEvent:
    """
    A delivery of that mail.
    """
    given: dict[str, Any] = {
        "event_id": "e1",
        "type": EventType.DELIVERED,
        "provider": "a",
        "mail_id": "m1",
        "recipient": "ann@example.org",
        "timestamp": AT,
    }
    return DeliveryEvent(**{**given, **fields})


def test_status_tells_what_became_of_a_mail(tracking: Tracking) -> None:
    """
    The outcome, attempts, recipients and events, a line for each.
    """
    send(tracking, "a-id")
    tracking(told(mta_response="250 ok"))
    tracking(told(event_id="e2", type=EventType.BOUNCED, description="mailbox full"))

    done = run("status", "m1")

    first, *rest = done.stdout.splitlines()
    assert 0 == done.exit_code
    assert first.startswith("mail m1: accepted by a as a-id, 20")
    assert rest[0].startswith("  attempt    a: accepted in 0.0")
    assert rest[1:] == [
        "  recipient  ann@example.org: bounced since 2026-11-24 12:30:00: mailbox full",
        "  event      2026-11-24 12:30:00  a  bounced  ann@example.org: mailbox full",
        "  event      2026-11-24 12:30:00  a  delivered  ann@example.org: 250 ok",
    ]


def test_status_tells_what_is_not_known(tracking: Tracking) -> None:
    """
    That it may have been sent; then that an event settled it; then that it may be twice.
    """
    send(tracking, OutcomeUnknown("no answer"))
    unknown = run("status", "m1").stdout
    tracking(told(click_url="https://example.com/"))
    settled = run("status", "m1").stdout
    send(tracking, "b-id")
    twice = run("status", "m1").stdout

    assert unknown.startswith("mail m1: unknown, 20")
    assert "  OutcomeUnknown: no answer\n" in unknown
    assert "  attempt    a: OutcomeUnknown in 0.00 s: no answer\n" in unknown
    assert settled.startswith("mail m1: accepted by a, 20")
    assert "  the send did not know it; an event told\n" in settled
    assert "ann@example.org: https://example.com/\n" in settled
    assert "  possible duplicate: more than one attempt may have sent it\n" in twice


def test_status_as_json(tracking: Tracking) -> None:
    """
    All there is; null for nothing.
    """
    tracking(told())

    found, none = run("status", "m1", "--json"), run("status", "m2", "--json")

    assert ("accepted", [{"email": "ann@example.org"}]) == (
        json.loads(found.stdout)["outcome"],
        [{"email": one["email"]} for one in json.loads(found.stdout)["recipients"]],
    )
    assert (1, None) == (none.exit_code, json.loads(none.stdout))
    assert "mailfailover: nothing is known of mail m2\n" == none.stderr


def test_events_are_listed(tracking: Tracking) -> None:
    """
    The latest last, and those that are asked for.
    """
    tracking(told())
    tracking(told(event_id="e2", type=EventType.OPENED, mail_id="", provider="b", timestamp=None))

    text = run("events").stdout
    data = json.loads(run("events", "--json", "--type", "delivered", "--mail", "m1").stdout)
    wrong = run("events", "--type", "lost")

    first, second = text.splitlines()
    assert "2026-11-24 12:30:00  a  delivered  ann@example.org  mail m1" == first
    assert second.endswith("  b  opened  ann@example.org")
    assert ["e1"] == [one["event_id"] for one in data]
    assert (2, True) == (wrong.exit_code, "--type must be one of queued, sent," in wrong.stderr)
    assert "" == run("events", "--recipient", "bob@example.org").stdout
    assert 1 == len(run("events", "--limit", "1", "--provider", "b").stdout.splitlines())


def test_tables_are_made_by_a_command() -> None:
    """
    Without them, each command says which.
    """
    before = run("status", "m1")
    made = [run("tracking", "init", *more).stdout for more in ((), ("--json",))]
    after = run("status", "m1")
    upgraded = [run("tracking", "upgrade", *more).stdout for more in ((), ("--json",))]

    assert (2, "mailfailover: the database has no tables of the tracking: run ") == (
        before.exit_code,
        before.stderr.partition("`")[0],
    )
    assert ["the tables are there\n", '{\n  "ready": true\n}\n'] == made
    assert 1 == after.exit_code
    assert "the tables are those of this program; they had version 1\n" == upgraded[0]
    assert {"ready": True, "had": 1} == json.loads(upgraded[1])


def test_old_mails_are_forgotten(tracking: Tracking) -> None:
    """
    After as many days as the options say.
    """
    tracking.clock = (datetime.now(UTC) - timedelta(days=3)).timestamp
    tracking(told(raw={"a": 1}))

    first = run("tracking", "purge", "--bodies", "2", "--json")
    second = run("tracking", "purge", "--mails", "2")

    assert {"bodies": 1, "addresses": 0, "mails": 0} == json.loads(first.stdout)
    assert "forgotten: 0 bodies, 0 addresses, 1 mails\n" == second.stdout


def test_another_database_may_be_named(tmp_path: Path) -> None:
    """
    By an option or by the variable.
    """
    url = f"sqlite:///{tmp_path / 'other.db'}"
    run("tracking", "init", "--database", url)

    found = process("events", MAILFAILOVER_DATABASE=url)

    assert (0, "", "") == (found.returncode, found.stdout, found.stderr)


def test_a_database_that_fails_is_an_error(tracking: Tracking) -> None:
    """
    In words, without a traceback; one that is none too.
    """
    Path("broken.db").write_text("this is no database" * 100)
    with tracking.engine.begin() as connection:
        events.drop(connection)

    broken = run("events", "--database", "sqlite:///broken.db")
    failed = run("events", "--json")

    assert (2, 2) == (broken.exit_code, failed.exit_code)
    assert "mailfailover: the database cannot be used: file is not a database\n" == broken.stderr
    assert "the database failed (OperationalError): is it up" in failed.stderr
    assert "ConfigurationError" == json.loads(failed.stdout)["error"]["type"]


def test_the_missing_extra_is_named() -> None:
    """
    Without SQLAlchemy, the commands say how to install it.
    """
    code = (
        "import sys; sys.modules['sqlalchemy'] = None; sys.argv[1:] = ['events']; "
        "import mailfailover.__main__ as m; m.main()"
    )

    done = process(code=code)

    line = 'mailfailover: this needs SQLAlchemy: pip install "mailfailover[tracking]"\n'
    assert (2, "", line) == (done.returncode, done.stdout, done.stderr)


def test_other_missing_modules_are_faults() -> None:
    """
    They are not hidden behind an advice that does not help.
    """
    code = (
        "import sys; sys.modules['mailfailover.tracking._event_rows'] = None; "
        "sys.argv[1:] = ['events']; import mailfailover.__main__ as m; m.main()"
    )

    assert "ModuleNotFoundError" in process(code=code).stderr


def doctor(*, dsn: str = "null://") -> dict[str, tuple[str, str, str]]:
    """
    What the doctor says of databases and deliveries.
    """
    found = json.loads(run("doctor", "--json", "--dsn", dsn).stdout)["findings"]
    return {
        one["subject"]: (one["severity"], one["text"], one["remedy"])
        for one in found
        if one["subject"].startswith(("deliveries", "database", "receiver", "webhooks"))
    }


def count(tracking: Tracking, *, lost: int) -> None:
    """
    Let a day have passed in which a provider delivered all mails but the last ones.
    """
    end = int(tracking.clock() // SLICE)
    rows = [
        {"slice": number, "provider": provider, "what": what, "shard": 0, "number": size}
        for number in range(end - 288, end + 1)
        for provider, what, size in (
            ("a", ACCEPTED, 20),
            ("a", "60", 20 if number < end - lost else 0),
            ("b", HEARD, 1),
        )
    ]
    with tracking.engine.begin() as connection:
        connection.execute(counts.delete())
        connection.execute(insert(counts), rows)


def test_the_doctor_knows_of_silent_outages(tracking: Tracking) -> None:
    """
    A provider that says yes and delivers nothing is a problem, with what to do about it.
    """
    few = doctor()
    count(tracking, lost=0)
    well = doctor()
    count(tracking, lost=30)
    silent = doctor()

    assert {"deliveries": ("note", "too few are known of yet to compare them", "")} == few
    assert {"deliveries of a": ("ok", "100% of its last 60 mails; usual are 100%", "")} == well
    severity, text, remedy = silent["deliveries of a"]
    assert ("problem", True) == (severity, text.startswith("a accepts mail, but of its last 60"))
    assert "whether its webhook is still set up there" in remedy
    assert 1 == run("doctor", "--dsn", "null://").exit_code


def test_the_doctor_knows_of_cells(tracking: Tracking) -> None:
    """
    Which provider does not reach whom, which receiver is down, and whose webhooks are silent.
    """
    deliveries = DeliveryHealth(tracking, every=None)
    deliveries.init()
    for _ in range(3):
        deliveries(WebhookRefused("b"))
    accepted = FrozenDict({"ann@gmail.com": RecipientStatus.ACCEPTED})
    deliveries(MailSent(MAIL, Receipt("m", "b", "", accepted, ())))
    deliveries.check()
    cells = {
        ("a", "gmail"): Cell(CellState.LATE, 1.0, "12 of 60"),
        ("a", "*"): Cell(CellState.SILENT, 1.0, "1 of 60"),
        ("*", "yahoo"): Cell(CellState.LATE, 1.0, "a: 1 of 9"),
    }
    well = {("a", "gmail"): Cell(delivered=5)}
    with tracking.engine.begin() as connection:
        write_cells(connection, {}, cells, {})

    ill = doctor()
    with tracking.engine.begin() as connection:
        write_cells(connection, cells, well, {})
    healed = doctor()

    assert ("warning", "late: 12 of 60") == ill["deliveries of a to gmail"][:2]
    assert ("warning", "silent: 1 of 60") == ill["deliveries of a to most receivers"][:2]
    assert ("warning", "a: 1 of 9") == ill["receiver yahoo"][:2]
    assert ("problem", "3 webhooks had a wrong signature, and none a right one") == (
        ill["webhooks of b"][:2]
    )
    assert "ok" == healed["receivers"][0]


def test_the_doctor_finds_no_tracking(tmp_path: Path) -> None:
    """
    Then there is nothing to say, and no file is made.
    """
    nothing = doctor()
    files = list(tmp_path.iterdir())
    run("suppressions", "init")

    assert ({}, [], {}) == (nothing, files, doctor())


def test_the_doctor_looks_at_the_database(
    tracking: Tracking, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Tables of another version, a broken file and a URL that is none are problems.
    """
    with tracking.engine.begin() as connection:
        connection.execute(update(versions).values(version=9))
    newer = doctor()["database"]
    (tmp_path / "broken.db").write_text("this is no database" * 100)
    monkeypatch.setenv("MAILFAILOVER_DATABASE", f"sqlite:///{tmp_path / 'broken.db'}")
    broken = doctor()["database"]
    monkeypatch.setenv("MAILFAILOVER_DATABASE", "nonsense")
    wrong = doctor()["database"]

    assert ("problem", "the tables of the tracking are of version 9") == (
        newer[0],
        newer[1].partition(",")[0],
    )
    assert ("problem", "it cannot be read (DatabaseError)") == broken[:2]
    assert ("problem", "MAILFAILOVER_DATABASE is no URL of a database") == (
        wrong[0],
        wrong[1].partition(",")[0],
    )


def test_the_doctor_does_without_sqlalchemy() -> None:
    """
    It is a note that the extra is missing, and no more.
    """
    code = (
        "import sys; sys.modules['sqlalchemy'] = None; "
        "sys.argv[1:] = ['doctor', '--dsn', 'null://']; "
        "import mailfailover.__main__ as m; m.main()"
    )

    done = process(code=code)

    assert (0, "") == (done.returncode, done.stderr)
