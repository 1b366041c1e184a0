from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from mailfailover.drill import load_incidents
from mailfailover.testing import PLAIN
from tests.cli.running import run
from tests.samples import each

if TYPE_CHECKING:
    from pathlib import Path

CHAIN = "failover(mailgun://KEY:mg.example.com@default sendgrid://KEY@default)"
QUICK = ("drill", "--dsn", CHAIN, "--rate", "1/m")
LOST = """
title = "All lost"
vendor = "mailgun"
begin = 2026-01-01T00:00:00Z
lasts = "30m"
summary = "All lost."
[[source]]
url = "https://example.com"
[[phase]]
fault = "lost"
"""


def test_a_survived_incident_is_0() -> None:
    """
    Its table is written, and the findings before it.
    """
    done = run(*QUICK, "--incident", "mailgun-2016-dns")

    assert 0 == done.exit_code
    assert done.stdout.startswith("Single points of failure:")
    assert "mailgun-2016-dns  survived" in done.stdout
    assert done.stdout.endswith("1 of 1 incidents survived.\n")
    assert "KEY" not in done.output


def test_a_loss_is_1_and_a_threshold_may_allow_it(tmp_path: Path) -> None:
    """
    An incident may be a file of the user's own.
    """
    path = tmp_path / "mine.toml"
    path.write_text(LOST)

    assert 1 == run(*QUICK, "--incident", str(path)).exit_code
    assert 0 == run(*QUICK, "--incident", str(path), "--max-lost", "100%").exit_code


def test_a_mail_may_be_too_late() -> None:
    """
    Within minutes or not at all.
    """
    late = (*QUICK, "--incident", "postmark-2018-queue", "--max-late")

    assert 1 == run(*late, "10m").exit_code
    assert 0 == run(*late, "2h").exit_code


@each(
    ("arguments", "problem"),
    [
        (("--incident", "nothing"), "incident 'nothing' is unknown: `mailfailover drill --list`"),
        (("--rate", "often"), "--rate must be like 10/s, not 'often'"),
        (("--max-late", "soon"), "--max-late must be like 10m, not 'soon'"),
        (("--max-lost", "some"), "--max-lost must be like 1%, not 'some'"),
        (("--max-lost", "200%"), "--max-lost must be like 1%, not '200%'"),
        (("--strike", "x", "--incident", "mailgun-2016-dns"), "strike names no link of this chain"),
    ],
)
def test_a_wrong_word_is_2_with_what_to_write(arguments: tuple[str, ...], problem: str) -> None:
    """
    Nothing is played.
    """
    done = run("drill", "--dsn", CHAIN, *arguments)

    assert 2 == done.exit_code
    assert problem in done.stderr


def test_nothing_configured_is_2() -> None:
    """
    As for every command that needs providers.
    """
    done = run("drill", "--incident", "mailgun-2016-dns")

    assert 2 == done.exit_code
    assert "no provider is configured" in done.stderr


def test_json_is_one_document(tmp_path: Path) -> None:
    """
    With findings and reports; a page is written beside it.
    """
    page = tmp_path / "drill.html"

    done = run(*QUICK, "--incident", "mailgun-2016-dns", "--json", "--html", str(page))
    found = json.loads(done.stdout)

    assert (1, 1) == (found["survived"], found["played"])
    assert "mailgun-2016-dns" == found["reports"][0]["incident"]
    assert {"webhooks", "cold"} == {one["kind"] for one in found["findings"]}
    assert page.read_text().startswith("<!doctype html>")


def test_the_list_names_all_incidents() -> None:
    """
    In words, and as JSON.
    """
    listed = run("drill", "--list").stdout
    found = json.loads(run("drill", "--list", "--json").stdout)

    assert all(name in listed for name in load_incidents())
    assert list(load_incidents()) == [one["name"] for one in found]
    assert all(one["sources"] and one["faults"] for one in found)


def test_mails_of_the_user_are_read(tmp_path: Path) -> None:
    """
    MIME and JSON.
    """
    eml, data = tmp_path / "mail.eml", tmp_path / "mail.json"
    eml.write_bytes(PLAIN.as_bytes())
    data.write_text(json.dumps(PLAIN.to_dict()))

    done = run(
        *QUICK, "--incident", "mailgun-2016-dns", "--message", str(eml), "--message", str(data)
    )

    assert 0 == done.exit_code


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("mail.json", "{", "mail.json: it cannot be read (JSONDecodeError)"),
        ("mail.json", '{"tow": "x"}', "mail.json: "),
        ("mail.eml", "To: <", "mail.eml: "),
    ],
)
def test_a_mail_that_is_none_is_2(tmp_path: Path, name: str, text: str, problem: str) -> None:
    """
    The file is named.
    """
    path = tmp_path / name
    path.write_text(text)

    done = run(*QUICK, "--incident", "mailgun-2016-dns", "--message", str(path))

    assert 2 == done.exit_code
    assert problem in done.stderr


def test_a_game_day_needs_shared_health() -> None:
    """
    It says what to set; nothing is taken out.
    """
    done = run("drill", "--live", "--isolate", "a", "--dsn", "failover(a=null:// b=memory://)")

    assert done.exit_code == 2
    assert "name the Redis of your workers, by MAILFAILOVER_REDIS" in done.output
