from __future__ import annotations

import json

from mailfailover._sql.database import open_engine
from mailfailover.service.keys import Keys
from mailfailover.service.rules import Rules
from tests.cli.running import run


def test_key_is_shown_once() -> None:
    """
    Its one appearance is on standard output, where a program can take it from.
    """
    done = run("keys", "add", "shop", "--from", "example.com", "--quota", "5/d", "--grant", "admin")

    found = Keys(open_engine()).check(done.stdout.strip())
    assert found is not None
    assert Rules(senders=("example.com",), quota="5/d", grants=("admin",)) == found.rules
    assert done.stdout.strip() not in run("keys", "list").stdout


def test_keys_are_listed_in_words() -> None:
    """
    One line for each, with what it may do.
    """
    run("keys", "add", "shop", "--from", "example.com", "--from", "a@example.org", "--rate", "5/s")

    text = run("keys", "list").stdout

    assert "shop  since 20" in text
    assert "senders example.com, a@example.org  rate 5/s" in text


def test_no_key_is_no_error() -> None:
    """
    Who has none is told what that means.
    """
    done = run("keys", "list")

    assert (0, "") == (done.exit_code, done.stdout)
    assert "only this machine may send" in done.stderr


def test_keys_are_json() -> None:
    """
    Programs make, list and revoke keys, too.
    """
    made = json.loads(run("keys", "add", "shop", "--json").stdout)
    (listed,) = json.loads(run("keys", "list", "--json").stdout)
    revoked = json.loads(run("keys", "revoke", listed["id"], "--json").stdout)

    assert ("shop", "shop") == (made["name"], listed["name"])
    assert {"id": listed["id"], "revoked": True} == revoked


def test_key_is_revoked() -> None:
    """
    It stays in the list, marked, and cannot be revoked twice.
    """
    key_id = run("keys", "add", "shop").stdout.split("_")[1]

    first, second = run("keys", "revoke", key_id), run("keys", "revoke", key_id)

    assert (0, 2) == (first.exit_code, second.exit_code)
    assert f"there is no key '{key_id}' to revoke" in second.stderr
    assert "revoked 20" in run("keys", "list").stdout


def test_rules_that_mean_nothing_are_refused() -> None:
    """
    A wrong rule makes no key.
    """
    done = run("keys", "add", "shop", "--quota", "many")

    assert 2 == done.exit_code
    assert "quota 'many' is not of the form" in done.stderr
    assert "[]" == run("keys", "list", "--json").stdout.strip()


def test_tables_can_be_upgraded() -> None:
    """
    The version that they had is told.
    """
    run("keys", "add", "shop")

    assert "of version 2" in run("keys", "upgrade").stderr
    assert {"had": 2} == json.loads(run("keys", "upgrade", "--json").stdout)
