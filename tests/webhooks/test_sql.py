from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from mailfailover.errors import ConfigurationError, WebhookReplayed
from mailfailover.plugin import WebhookRequest
from mailfailover.testing import FakeClock
from mailfailover.webhooks import receive
from mailfailover.webhooks.sql import SQLReplays
from tests.databases import KINDS, fresh_engine
from tests.webhooks.hooks import DELIVERED, KEY, Acme

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """
    An empty database.
    """
    with fresh_engine("sqlite", tmp_path) as found:
        yield found


@pytest.fixture
def clock() -> FakeClock:
    """
    Time that stands still.
    """
    return FakeClock()


@pytest.fixture
def replays(engine: Engine, clock: FakeClock) -> SQLReplays:
    """
    A store with its table.
    """
    made = SQLReplays(engine, clock=clock)
    made.init()
    return made


def test_claimed_once(replays: SQLReplays) -> None:
    """
    A token that is remembered is not claimed again, others are.
    """
    assert [True, False, True] == [replays.claim(token, 60) for token in ("a", "a", "b")]


def test_the_time_that_is_left_is_known(replays: SQLReplays, clock: FakeClock) -> None:
    """
    A claim is remembered for less than what was handled, and nothing for no time.
    """
    replays.claim("a", 60)
    clock.advance(20)

    assert [40, 0] == [replays.left(token) for token in ("a", "b")]


def test_claim_ends(replays: SQLReplays, clock: FakeClock) -> None:
    """
    A claim whose process died ends by itself, and can be claimed once.
    """
    replays.claim("a", 60)

    clock.advance(61)

    assert [True, False] == [replays.claim("a", 60) for _ in range(2)]


def test_kept_is_remembered_longer(replays: SQLReplays, clock: FakeClock) -> None:
    """
    What was handled outlives its claim.
    """
    replays.claim("a", 60)
    replays.keep("a", 3600)

    clock.advance(3599)

    assert not replays.claim("a", 60)


def test_kept_without_a_claim(replays: SQLReplays) -> None:
    """
    A claim that was purged meanwhile is kept all the same.
    """
    replays.keep("a", 3600)

    assert not replays.claim("a", 60)


def test_released_is_forgotten(replays: SQLReplays) -> None:
    """
    What failed may come again; releasing what nobody knows does no harm.
    """
    replays.claim("a", 60)

    replays.release("a")
    replays.release("b")

    assert replays.claim("a", 60)


def test_old_tokens_are_purged(replays: SQLReplays, clock: FakeClock) -> None:
    """
    Now and then, on the way.
    """
    replays.claim("a", 60)
    clock.advance(3601)
    replays.claim("b", 60)

    with replays.engine.connect() as connection:
        count = connection.scalar(text("SELECT count(*) FROM webhook_replays"))
    assert 1 == count


@pytest.mark.parametrize("kind", KINDS)
def test_processes_share_it(kind: str, tmp_path: Path, clock: FakeClock) -> None:
    """
    Of several that claim at the same time, one gets it, in every database; "A" is another one.
    """
    with fresh_engine(kind, tmp_path) as engine:
        stores = [SQLReplays(engine, clock=clock) for _ in range(4)]
        stores[0].init()

        with ThreadPoolExecutor(4) as pool:
            claims = list(pool.map(lambda number: stores[number % 4].claim("a", 60), range(40)))

        assert 1 == sum(claims)
        assert stores[0].claim("A", 60)
        stores[0].keep("a", 3600)
        clock.advance(3000)
        assert [False, True] == [stores[1].claim(token, 60) for token in "aA"]


def test_webhook_is_taken_once(replays: SQLReplays) -> None:
    """
    It is a store for receive().
    """
    request = WebhookRequest("POST", "/", {**KEY, "Acme-Id": "7"}, DELIVERED)
    receive(Acme(), request, replays=replays)

    with pytest.raises(WebhookReplayed):
        receive(Acme(), request, replays=replays)


def test_missing_table_is_named(engine: Engine) -> None:
    """
    The error says what to run; afterwards all is well.
    """
    replays = SQLReplays(engine)

    with pytest.raises(ConfigurationError, match="run `mailfailover webhooks init`"):
        replays.check()
    replays.init()
    replays.check()

    assert 1 == replays.upgrade()
    replays.close()
