from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from mailfailover.errors import ConfigurationError
from mailfailover.service import limits
from mailfailover.service.keys import Keys
from mailfailover.service.rules import Caller, Rules
from mailfailover.testing import FakeClock
from tests.databases import KINDS, fresh_engine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine


@pytest.fixture(name="engine", params=KINDS)
def _engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    with fresh_engine(request.param, tmp_path) as engine:
        yield engine


@pytest.fixture(name="clock")
def _clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(name="keys")
def _keys(engine: Engine, clock: FakeClock) -> Keys:
    keys = Keys(engine, clock=clock)
    keys.init()
    return keys


def id_of(key: str) -> str:
    """
    The part of a key that is no secret.
    """
    return key.split("_")[1]


def test_key_opens_the_door(keys: Keys) -> None:
    """
    Who has a key is known by its name and rules.
    """
    rules = Rules(senders=("shop@example.com",))

    key = keys.add("shop", rules)

    assert Caller(id_of(key), "shop", rules) == keys.check(key)
    assert Caller(id_of(key), "shop", rules) == keys.caller(id_of(key))


def test_only_the_digest_is_stored(keys: Keys, engine: Engine) -> None:
    """
    The database does not hold what opens the door.
    """
    key = keys.add("shop")

    with engine.connect() as connection:
        rows = str(connection.execute(text("SELECT * FROM mailfailover_keys")).all())
    assert key.split("_", 2)[2] not in rows


def test_nothing_else_opens_the_door(keys: Keys) -> None:
    """
    Neither half a key, nor another's secret, nor nonsense.
    """
    key, other = keys.add("shop"), keys.add("other")
    swapped = f"mfk_{id_of(key)}_{other.split('_', 2)[2]}"

    for text_ in ("", key[:-1], key + "A", key.upper(), swapped, "mfk_" + "0" * 12, f"{key}\n"):
        assert keys.check(text_) is None
    assert keys.caller("0" * 12) is None


def test_revoked_key_is_worthless(keys: Keys) -> None:
    """
    A key can be revoked once, and stays in the list.
    """
    key = keys.add("shop")
    assert keys.check(key)

    assert keys.revoke(id_of(key))
    assert not keys.revoke(id_of(key))

    assert keys.check(key) is None
    assert [False] == [one.revoked is None for one in keys.list()]


def test_revoking_elsewhere_holds_within_a_second(keys: Keys, clock: FakeClock) -> None:
    """
    Another process hears of it as soon as what it remembers is a second old.
    """
    key = keys.add("shop")
    assert keys.check(key)

    Keys(keys.engine).revoke(id_of(key))
    clock.advance(1.1)

    assert keys.check(key) is None


def test_service_stays_closed_when_the_last_key_is_revoked(keys: Keys, clock: FakeClock) -> None:
    """
    That there were keys is never forgotten.
    """
    assert not keys.exist()
    key = Keys(keys.engine).add("shop")
    clock.advance(1.1)
    assert keys.exist()

    keys.revoke(id_of(key))

    assert keys.exist()


def test_list_shows_no_secret(keys: Keys) -> None:
    """
    What is listed is data without the key.
    """
    key = keys.add("shop", Rules(quota="5/d", grants=("admin",)))

    (found,) = keys.list()

    data = found.to_dict()
    assert re.fullmatch(r"20\d\d-.*\+00:00", data.pop("created"))
    assert {
        "id": id_of(key),
        "name": "shop",
        "senders": [],
        "recipients": [],
        "rate": "",
        "quota": "5/d",
        "max_recipients": 1000,
        "callbacks": [],
        "grants": ["admin"],
        "revoked": None,
    } == data


@pytest.mark.parametrize("name", ["", "a\nb", "x" * 65])
def test_name_must_be_one_line(name: str, tmp_path: Path) -> None:
    """
    A name that would spoil a list is refused.
    """
    with (
        fresh_engine("sqlite", tmp_path) as engine,
        pytest.raises(ConfigurationError, match="one line of 1 to 64 characters"),
    ):
        Keys(engine).add(name)


def take(keys: Keys, key: str, recipients: int, wall: float) -> float:
    """
    Count in a transaction of its own, taken back if the limit is reached.
    """
    rules = keys.list()[0].rules
    with keys.engine.connect() as connection, connection.begin() as transaction:
        wait = limits.take(connection, id_of(key), rules, recipients, wall)
        if wait:
            transaction.rollback()
    return wait


def test_limits_hold_and_begin_anew(keys: Keys) -> None:
    """
    A rate and a quota are counted side by side; the longer wait is told.
    """
    key = keys.add("shop", Rules(rate="2/s", quota="3/d"))

    waits = [take(keys, key, 1, wall) for wall in (10.0, 10.5, 10.9, 11.0, 12.0, 86400.0)]

    assert pytest.approx([0, 0, 0.1, 0, 86388, 0]) == waits


def test_what_does_not_fit_uses_nothing(keys: Keys) -> None:
    """
    A mail to many that does not fit leaves room for a mail to few.
    """
    key = keys.add("shop", Rules(quota="3/d"))

    waits = [take(keys, key, many, 0.0) for many in (2, 2, 1, 1)]

    assert [0, 86400, 0, 86400] == waits


def test_key_without_limits_is_not_counted(keys: Keys) -> None:
    """
    No limit, no wait.
    """
    assert 0 == take(keys, keys.add("shop"), 10_000, 0.0)
