from __future__ import annotations

import json
import re
from collections import Counter
from datetime import UTC, datetime
from io import StringIO
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from mailfailover._values.receipt import Receipt
from mailfailover.cli.demo import SCENES, Scene, Sent
from mailfailover.cli.demo_count import Count, take_count
from mailfailover.cli.demo_run import run_demo
from mailfailover.cli.demo_view import LineView, LiveView, choose_view
from mailfailover.cli.demo_words import way_of
from mailfailover.errors import AllProvidersFailed
from tests.cli.running import process, run

if TYPE_CHECKING:
    from mailfailover.cli.demo_stage import Stage


def console(*, terminal: bool) -> Console:
    """
    Return a console that writes to memory.
    """
    return Console(
        file=StringIO(), force_terminal=terminal, width=100, _environ={"TERM": "xterm-256color"}
    )


def written(to: Console) -> str:
    """
    Return what was written, without what moves the cursor and colours.
    """
    assert isinstance(to.file, StringIO)
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", to.file.getvalue())


def all_down(stage: Stage) -> None:
    """
    Let no vendor take a mail.
    """
    for vendor in stage.vendors.values():
        vendor.fail("sender")


def test_demo_loses_nothing() -> None:
    """
    The command plays all scenes; the vendors have each mail, one of them twice and flagged.
    """
    done = run("demo", "--json")

    data = json.loads(done.stdout)
    assert 0 == done.exit_code
    assert {
        "sent": 40,
        "accepted": {"mailgun": 16, "mandrill": 17, "sendgrid": 8},
        "delivered": 40,
        "duplicated": {"17": ["mandrill", "sendgrid"]},
        "flagged": [17],
        "lost": [],
        "unflagged": [],
    } == data["count"]
    outcomes = [
        (mail["scene"], *(f"{one['provider']} {one['outcome']}" for one in mail["attempts"]))
        for mail in data["mails"]
    ]
    assert {
        (1, "mailgun accepted"): 8,
        (2, "mailgun ProviderUnavailable", "mandrill accepted"): 3,
        (2, "mandrill accepted"): 5,
        (3, "mandrill OutcomeUnknown", "sendgrid accepted"): 1,
        (3, "sendgrid accepted"): 7,
        (4, "mailgun AuthenticationFailed", "mandrill accepted"): 1,
        (4, "mandrill accepted"): 7,
        (5, "mailgun accepted"): 8,
    } == Counter(outcomes)


def test_demo_is_lines_where_there_is_no_terminal() -> None:
    """
    As a process whose output is a pipe it writes plain lines, and ends with the balance.
    """
    done = process("demo")

    lines = done.stdout.splitlines()
    assert (0, "") == (done.returncode, done.stderr)
    assert "\x1b" not in done.stdout
    assert (
        "  mail 9: mailgun: ProviderUnavailable (HTTP 503: Service Unavailable), "
        "then mandrill accepted it"
    ) in lines
    assert "    mailgun is passed by from now on: its breaker is open" in lines
    assert "    mailgun is back in its place" in lines
    assert [
        "Counted at the vendors:",
        "  mailgun accepted 16",
        "  mandrill accepted 17",
        "  sendgrid accepted 8",
        "  40 mails: 40 delivered to a vendor, 1 duplicated, 0 lost",
        "  mail 17 is flagged possible_duplicate: mandrill and sendgrid have it",
    ] == lines[-6:]


def test_demo_is_drawn_in_a_terminal() -> None:
    """
    Each scene stays as a picture: a lane for each provider, marks, states and reasons.
    """
    screen = console(terminal=True)

    run_demo(screen, SCENES[:2], pace=0)

    text = written(screen)
    assert re.search(r"mailgun +✗  ✗  ✗  ·  ·  ·  ·  · +passed by \(open, \d+ s left\)", text)
    assert re.search(r"mandrill +●  ●  ●  ●  ●  ●  ●  ● +in use", text)
    assert re.search(r" 9-11  mailgun: ProviderUnavailable \(HTTP 503: Service Unava", text)
    assert "16 mails: 16 delivered to a vendor, 0 duplicated, 0 lost" in text


def test_unknown_outcome_has_a_mark_of_its_own() -> None:
    """
    What may have been sent looks like neither yes nor no.
    """
    screen = console(terminal=True)
    scene = Scene("Hang", "", lambda stage: stage.vendors["mailgun"].fail("bad_gateway"), mails=1)

    run_demo(screen, (scene,), pace=0)

    assert re.search(r"mailgun +\? +in use", written(screen))
    assert "mail 1 is flagged possible_duplicate: only one vendor has it" in written(screen)


@pytest.mark.parametrize("terminal", [True, False])
def test_lost_mail_is_not_hidden(terminal: bool) -> None:
    """
    A mail that nobody took is a failure of the demo, and drawn as one.
    """
    screen = console(terminal=terminal)

    count = run_demo(screen, (Scene("None", "", all_down, mails=1),), pace=0)

    assert 1 == count.exit_code
    assert "FAILED: AllProvidersFailed" in " ".join(written(screen).split())
    assert "mail 1 is LOST: no vendor has it" in written(screen)


def test_lost_mail_is_in_the_document(capsys: pytest.CaptureFixture[str]) -> None:
    """
    The JSON has the error of a mail that nobody took, and counts it.
    """
    run_demo(scenes=(Scene("None", "", all_down, mails=1),), as_json=True)

    data = json.loads(capsys.readouterr().out)
    assert ["AllProvidersFailed"] == [mail["error"] for mail in data["mails"]]
    assert [1] == data["count"]["lost"]


@pytest.mark.parametrize(
    ("terminal", "environment", "view"),
    [
        (True, {"TERM": "xterm"}, LiveView),
        (True, {"TERM": "dumb"}, LineView),
        (False, {"TERM": "xterm"}, LineView),
    ],
    ids=["terminal", "dumb", "pipe"],
)
def test_view_fits_the_console(terminal: bool, environment: dict[str, str], view: type) -> None:
    """
    Only a terminal that can redraw gets the living picture.
    """
    shown = Console(file=StringIO(), force_terminal=terminal, _environ=environment)

    assert view is type(choose_view(shown))


def sent(number: int, *, flagged: bool = False) -> Sent:
    """
    Return a mail that the mailer says was accepted.
    """
    receipt = Receipt(f"id{number}", "mailgun", "", {}, (), possible_duplicate=flagged)
    return Sent(1, number, f"id{number}", receipt, None, ())


def test_count_believes_the_vendors() -> None:
    """
    What counts is what the vendors have, not what the receipts say.
    """
    mails = [sent(1), sent(2), sent(3, flagged=True), sent(4)]
    accepted = {"mailgun": Counter(id1=1, id3=1, id4=2), "mandrill": Counter(id3=1)}

    count = take_count(mails, accepted)

    assert (
        Count(
            sent=4,
            accepted={"mailgun": 4, "mandrill": 1},
            delivered=3,
            duplicated={3: ("mailgun", "mandrill"), 4: ("mailgun", "mailgun")},
            flagged=(3,),
            lost=(2,),
        )
        == count
    )
    assert 1 == count.exit_code
    assert [
        "4 mails: 3 delivered to a vendor, 2 duplicated, 1 lost",
        "mail 3 is flagged possible_duplicate: mailgun and mandrill have it",
        "mail 4 is DUPLICATED and not flagged: mailgun and mailgun have it",
        "mail 2 is LOST: no vendor has it",
    ] == list(count.lines())


def test_mail_without_an_attempt_is_told() -> None:
    """
    A mail that failed before any call has a way of its own.
    """
    error = AllProvidersFailed("x", retry_at=datetime(2026, 11, 24, tzinfo=UTC))

    assert "no attempt; FAILED: AllProvidersFailed" == way_of(Sent(1, 1, "x", None, error, ()))
