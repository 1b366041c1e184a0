from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mailfailover import DeliveryEvent, EventType
from mailfailover.suppression import SuppressionList
from tests.cli.running import run

ANN = "ann@example.org"


@pytest.fixture(autouse=True)
def _tables() -> None:
    """
    An empty list in the working directory.
    """
    run("suppressions", "init")


def listed(*arguments: str) -> list[dict[str, Any]]:
    """
    The entries that the command lists.
    """
    found: list[dict[str, Any]] = json.loads(
        run("suppressions", "list", "--json", *arguments).stdout
    )
    return found


def test_adding_and_listing() -> None:
    """
    Each entry is a line with what it holds for.
    """
    run("suppressions", "add", ANN)
    done = run(
        "suppressions",
        "add",
        "BOB@example.org",
        *("--reason", "complained", "--from-domain", "example.com"),
        *("--stream", "news", "--days", "2", "--detail", "by phone"),
    )

    line, data = done.stdout, listed("bob@example.org")
    assert line.startswith("bob@example.org  complained (stream news, from example.com)  20")
    assert line.endswith(", told by command line: by phone\n")
    assert " until 20" in line
    assert [("bob@example.org", "complained", "news", "example.com", "command line")] == [
        (one["email"], one["reason"], one["stream"], one["from_domain"], one["source"])
        for one in data
    ]
    assert 2 == len(run("suppressions", "list").stdout.splitlines())
    assert [ANN] == [one["email"] for one in listed("--reason", "manual")]
    assert 1 == len(listed("--limit", "1"))


def test_adding_as_json() -> None:
    """
    The entry that was made.
    """
    done = run("suppressions", "add", ANN, "--json")

    assert listed() == [json.loads(done.stdout)]


def test_removing() -> None:
    """
    All entries of an address, or some; how many is told.
    """
    run("suppressions", "add", ANN)
    run("suppressions", "add", ANN, "--stream", "news")

    some = run("suppressions", "remove", ANN, "--stream", "news")
    rest = run("suppressions", "remove", ANN, "--json")

    assert ("removed: 1\n", {"removed": 1}) == (some.stdout, json.loads(rest.stdout))
    assert [] == listed()


def test_exported_lists_can_be_imported() -> None:
    """
    By file, or through standard input and output.
    """
    run("suppressions", "add", ANN, "--detail", "é")
    run("suppressions", "export", "list.csv")
    text = run("suppressions", "export").stdout
    before = listed()
    run("suppressions", "remove", ANN)

    by_file = run("suppressions", "import", "list.csv")
    first = listed()
    run("suppressions", "remove", ANN)
    by_input = run("suppressions", "import", "-", "--json", stdin=text)

    assert text == Path("list.csv").read_text("utf-8")
    assert ("imported: 1\n", {"imported": 1}) == (by_file.stdout, json.loads(by_input.stdout))
    assert (before, before) == (first, listed())


def test_a_plain_list_of_addresses_can_be_imported() -> None:
    """
    The options say what it means; a mark of the byte order does no harm.
    """
    Path("old.csv").write_text(f"email\n{ANN}\n", "utf-8-sig")

    run("suppressions", "import", "old.csv", "--reason", "unsubscribed", "--stream", "news")

    assert [(ANN, "unsubscribed", "news")] == [
        (one["email"], one["reason"], one["stream"]) for one in listed()
    ]


def bounces() -> SuppressionList:
    """
    The list of the working directory, after a bounce of an address that is known and of one not.
    """
    found = SuppressionList("sqlite:///mailfailover.db")
    for type_, recipient in (("delivered", ANN), ("bounced", ANN), ("bounced", "bob@gmail.com")):
        day = datetime(2020, 12, 14 + (type_ == "bounced"), 12, tzinfo=UTC)
        event = DeliveryEvent(
            type=EventType(type_),
            provider="a",
            recipient=recipient,
            timestamp=day,
            mta_response="550 5.1.1 no such user",
        )
        found(event)
    found.close()
    return found


def test_states_are_listed() -> None:
    """
    Held addresses say until when.
    """
    bounces()

    lines = run("suppressions", "list", "--state", "held").stdout.splitlines()

    assert 1 == len(lines)
    assert lines[0].startswith(f"{ANN}  bounced, held  2020-12-15 until 20")
    assert {"held", "suppressed"} == {one["state"] for one in listed()}


def test_quarantines_are_named() -> None:
    """
    Beside the list, on standard error.
    """
    found = bounces()
    emails = [f"u{number}@gmail.com" for number in range(6)]
    for type_ in ("delivered", "bounced"):
        for email in emails:
            found(DeliveryEvent(type=EventType(type_), provider=type_, recipient=email))
    found.close()

    done = run("suppressions", "list", "--state", "quarantined")

    assert done.stderr.startswith("gmail is in quarantine until 20")
    assert 6 == len(done.stdout.splitlines())


def test_a_wrong_day_is_taken_back() -> None:
    """
    After a look at what that would lift.
    """
    bounces()
    wanted = ("undo", "--since", "2020-12-15T12:00", "--until", "2020-12-15", "--response", "5.1.1")

    tried = run("suppressions", *wanted, "--dry-run")
    before = listed()
    done = run("suppressions", *wanted, "--domain", "gmail", "--json")
    rest = run("suppressions", *wanted)

    assert ("would be lifted: 2", 2) == (tried.stdout.splitlines()[-1], len(before))
    (bob,) = (one for one in before if one["email"] == "bob@gmail.com")
    assert {"dry_run": False, "lifted": [bob]} == json.loads(done.stdout)
    assert rest.stdout.endswith("lifted: 1\n")
    assert [] == listed()


@pytest.mark.parametrize("time", ["soon", "9999-12-31"])
def test_a_time_that_is_none(time: str) -> None:
    """
    Is named, with the form that it should have.
    """
    done = run("suppressions", "undo", "--until", time)

    assert (2, True) == (done.exit_code, f"'{time}' is no time: write 2027-01-31" in done.stderr)


def test_everything_is_not_taken_back() -> None:
    """
    Something must say which bounces are wrong.
    """
    done = run("suppressions", "undo")

    assert 2 == done.exit_code
    assert "give domain, since or response" in done.stderr


def test_bad_lines_are_named() -> None:
    """
    And nothing is imported.
    """
    Path("old.csv").write_bytes(b"email\nann@example.org\nbob\n\xff@example.org\n")

    done = run("suppressions", "import", "old.csv")

    assert 1 == done.exit_code
    assert done.stderr.startswith("mailfailover: nothing was imported, because of bad lines:\n")
    assert "  line 3: email is not a valid address: it is not of the form" in done.stderr
    assert done.stderr.endswith("  line 4: it is not UTF-8\n")
    assert [] == listed()


def test_wrong_addresses_are_refused() -> None:
    """
    With the exit code of a refusal.
    """
    done = run("suppressions", "add", "ann")

    assert (1, True) == (done.exit_code, "is not a valid address" in done.stderr)


def test_it_is_the_list_of_programs() -> None:
    """
    What the command adds holds for their mails.
    """
    run("suppressions", "add", ANN)

    found = SuppressionList("sqlite:///mailfailover.db")
    assert [ANN] == [one.email for one in found.list()]
    found.close()
