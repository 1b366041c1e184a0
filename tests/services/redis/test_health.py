from __future__ import annotations

import os
import socket
import sys
import time
from logging import INFO, WARNING
from typing import TYPE_CHECKING

import pytest
from redis import Redis

from mailfailover import ConfigurationError, Link, Mailer, ProviderHealth
from mailfailover._health.breaker import FOREVER, Hold, Ticket
from mailfailover.errors import AuthenticationFailed, ProviderUnavailable
from mailfailover.providers.mailgun import Mailgun
from mailfailover.redis import RedisHealth
from mailfailover.testing import FakeClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.services.redis.server import RedisServer

pytestmark = pytest.mark.services

DOWN = ProviderUnavailable("HTTP 503")
CLEAN = ProviderHealth("closed", 0.0, 0, 0, "", {})


@pytest.fixture
def clock() -> FakeClock:
    """
    The clock of a process; that of Redis is the machine's.
    """
    return FakeClock()


@pytest.fixture
def one(redis: RedisServer, clock: FakeClock) -> RedisHealth:
    """
    Health as one process sees it.
    """
    return RedisHealth(redis.url, clock=clock)


@pytest.fixture
def other(redis: RedisServer) -> RedisHealth:
    """
    Health as a process on another machine sees it, whose clock shows something else.
    """
    return RedisHealth(redis.url, clock=FakeClock(5.0))


def ask(health: RedisHealth, key: str = "a") -> Ticket | Hold:
    """
    Whether *key* may be called.
    """
    return health.ask(key, "example.com", 15.0)


def ticket(health: RedisHealth, key: str = "a") -> Ticket:
    """
    The right to call *key*, which must be there.
    """
    answer = ask(health, key)
    assert isinstance(answer, Ticket), answer
    return answer


def fail(health: RedisHealth, times: int = 3) -> None:
    """
    So many calls of "a" fail; three open it.
    """
    for _ in range(times):
        health.failed(ticket(health), DOWN, count=True)


def scripts_run(redis: RedisServer) -> int:
    """
    How many questions and results Redis heard of so far.
    """
    with redis.client() as client:
        found: int = client.info("commandstats")["cmdstat_evalsha"]["calls"]
        return found


def test_what_one_machine_learned_all_know(one: RedisHealth, other: RedisHealth) -> None:
    """
    It is open for the other too, which reads the end off its own clock.
    """
    fail(one)

    hold = ask(other)

    assert isinstance(hold, Hold)
    assert ("open", "HTTP 503") == (hold.reason, hold.detail)
    assert 5.0 + 26.0 < hold.until < 5.0 + 33.1


def test_one_call_probes_of_all_machines(one: RedisHealth, other: RedisHealth) -> None:
    """
    A lease that one holds is news to the other.
    """
    fail(one)

    assert isinstance(one.force("a", "example.com", 15.0), Ticket)
    assert "probing" == other.force("a", "example.com", 15.0)[0]


def test_operators_speak_for_all(one: RedisHealth, other: RedisHealth) -> None:
    """
    Isolated and reset once, it is so everywhere.
    """
    one.isolate("a")
    assert Hold("isolated", FOREVER, "") == ask(other)
    assert {"a": ProviderHealth("isolated", None, 0, 0, "", {})} == other.snapshot()

    other.reset()

    assert {"a": CLEAN} == one.snapshot()
    assert isinstance(ask(one), Ticket)


def test_an_isolation_ends_by_itself(redis: RedisServer) -> None:
    """
    By Redis's time, whoever began it; then the provider is in use again.
    """
    now = [1000.0]
    health = RedisHealth(redis.url, now=lambda: now[0])
    health.isolate("a", 30.0)
    now[0] += 10.0
    held = ask(health)
    forced = health.force("a", "example.com", 15.0)
    standing = health.snapshot()["a"]
    now[0] += 20.0

    assert isinstance(held, Hold)
    assert isinstance(forced, Hold)
    assert (held.reason, forced.reason) == ("isolated", "isolated")
    assert standing == ProviderHealth("isolated", 20.0, 0, 0, "", {})
    assert {"a": CLEAN} == health.snapshot()
    assert isinstance(ask(health), Ticket)


def test_a_healthy_mail_costs_one_round_trip(redis: RedisServer, one: RedisHealth) -> None:
    """
    And one a second for the successes of all.
    """
    one.succeeded(ticket(one))
    before = scripts_run(redis)

    for _ in range(100):
        one.succeeded(ticket(one))

    assert 100 == scripts_run(redis) - before
    assert 101 == one.snapshot()["a"].calls


def test_a_success_is_told_once_a_second(
    one: RedisHealth, other: RedisHealth, clock: FakeClock
) -> None:
    """
    Where mails are rare, nothing waits for the next one.
    """
    for _ in range(3):
        clock.advance(1)
        one.succeeded(ticket(one))

    other.failed(ticket(other), DOWN, count=True)

    assert (4, 1) == (other.snapshot()["a"].calls, other.snapshot()["a"].failures)


def test_kept_successes_are_told_with_the_next_result(one: RedisHealth, other: RedisHealth) -> None:
    """
    So a failure after a success never looks as if it followed another failure.
    """
    fail(one, times=2)
    running = [ticket(one) for _ in range(3)]
    for success in running[:2]:
        one.succeeded(success)

    assert not one.failed(running[2], DOWN, count=True)
    ask(other)
    assert ProviderHealth("closed", 0.0, 5, 3, "", {}) == other.snapshot()["a"]


def test_kept_successes_of_before_a_change_are_forgotten(
    one: RedisHealth, other: RedisHealth
) -> None:
    """
    They prove nothing any more.
    """
    running = [ticket(one) for _ in range(3)]
    for success in running[:2]:
        one.succeeded(success)
    other.reset("a")
    fresh = ticket(one)
    one.succeeded(running[2])  # stale, and kept
    one.succeeded(fresh)  # and so is what was kept before it
    one.succeeded(running[2])

    assert 1 == one.snapshot()["a"].calls


def test_a_child_does_not_tell_its_parents_successes(one: RedisHealth) -> None:
    """
    What was kept at a fork is told by the parent, once.
    """
    for _ in range(3):
        one.succeeded(ticket(one))
    child = os.fork()
    if not child:  # pragma: no cover -- runs in the child
        try:
            one.snapshot()
        finally:
            os._exit(0)
    os.waitpid(child, 0)

    assert 3 == one.snapshot()["a"].calls


def test_a_flushed_redis_begins_anew(redis: RedisServer, one: RedisHealth) -> None:
    """
    And calls of before it are stale there.
    """
    old = [ticket(one) for _ in range(3)]
    with redis.client() as client:
        client.flushall()

    for one_call in old:
        one.failed(one_call, DOWN, count=True)

    assert CLEAN == one.snapshot()["a"]


def test_a_link_that_no_mail_asked_for_is_shown_in_use(
    redis: RedisServer, one: RedisHealth
) -> None:
    """
    A chain shows all of its links, while Redis is away too.
    """
    view = one.for_links([Link(Mailgun(api_key="key", domain="mg.example"), "a")])

    assert {"a": ProviderHealth("closed", senders={})} == view.snapshot()
    redis.kill()
    assert {"a": ProviderHealth("closed", senders={})} == view.snapshot()
    redis.start()


def test_chains_share_accounts_not_keys(one: RedisHealth) -> None:
    """
    The same key may be another account, and another key the same.
    """
    mine, yours = (Mailgun(api_key=key, domain="mg.example") for key in ("mine", "yours"))
    first = one.for_links([Link(mine, "a"), Link(yours, "b")])
    second = one.for_links([Link(yours, "a"), Link(mine, "b")])

    fail(first)

    assert ("open", "closed") == (second.snapshot()["b"].state, ask(second) and "closed")
    assert isinstance(ask(second, "b"), Hold)


def test_only_a_day_is_remembered(redis: RedisServer, one: RedisHealth) -> None:
    """
    Of an account nobody uses; what is isolated stays so.
    """
    fail(one)
    one.isolate("b")

    with redis.client() as client:
        assert 86400 < client.ttl("mailfailover:health:{a}") <= 86400 + 34
        assert -1 == client.ttl("mailfailover:health:{b}")


def test_a_client_of_your_own(redis: RedisServer) -> None:
    """
    With its own options, such as texts for answers, and a prefix beside.
    """
    with Redis.from_url(redis.url, decode_responses=True) as client:
        health = RedisHealth(client, prefix="shop")
        health.failed(ticket(health), AuthenticationFailed("401"), count=True)

        hold = ask(health)

        assert isinstance(hold, Hold)
        assert ("account", "401") == (hold.reason, hold.detail)
        assert ["shop:health:{a}"] == list(client.scan_iter("shop:*"))
        connected = client.info("clients")["connected_clients"]
        health.close()
        assert connected == client.info("clients")["connected_clients"]


def test_without_redis_each_goes_on_by_itself(
    redis: RedisServer, one: RedisHealth, caplog: pytest.LogCaptureFixture
) -> None:
    """
    Calls, results, operators and all; a warning says so, once.
    """
    running = [ticket(one) for _ in range(4)]
    probe = one.force("a", "example.com", 15.0)
    assert isinstance(probe, Ticket)
    redis.kill()

    for failing in running[:3]:
        one.failed(failing, DOWN, count=True)
    assert not one.failed(running[3], DOWN, count=True)
    one.release(probe)

    assert "open" == ask(one)[0]
    assert [
        "Redis is away (ConnectionError): until it is back, this process judges providers by itself"
    ] == [record.getMessage() for record in caplog.records if record.levelno == WARNING]
    forced = one.force("a", "example.com", 15.0)
    assert isinstance(forced, Ticket)
    one.release(forced)
    forced = one.force("a", "example.com", 15.0)
    assert isinstance(forced, Ticket)
    assert one.succeeded(forced)
    assert "closed" == one.snapshot()["a"].state


def test_it_is_shared_again_when_redis_is_back(
    redis: RedisServer, one: RedisHealth, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    """
    Some seconds later, without a restart.
    """
    caplog.set_level(INFO)
    ticket(one)
    redis.kill()
    lonely = ticket(one)
    redis.start()

    one.isolate("b")
    clock.advance(5)
    one.failed(lonely, DOWN, count=True)
    fail(one, times=2)

    assert {"a": ProviderHealth("closed", 0.0, 2, 2, "", {})} == one.snapshot()
    assert "Redis is back" == caplog.records[-1].getMessage()


def test_what_was_heard_of_others_still_holds(
    redis: RedisServer, one: RedisHealth, other: RedisHealth, clock: FakeClock
) -> None:
    """
    An open provider stays open until its time, an isolated one until a reset.
    """
    fail(other)
    other.isolate("b")
    ask(one, "a"), ask(one, "b")
    redis.kill()

    assert ("open", "isolated") == (ask(one, "a")[0], ask(one, "b")[0])
    assert isinstance(one.force("a", "example.com", 15.0), Ticket)
    assert "isolated" == one.force("b", "example.com", 15.0)[0]
    states = {key: (found.state, found.detail) for key, found in one.snapshot().items()}
    assert {"a": ("open", "HTTP 503"), "b": ("isolated", "")} == states

    clock.advance(34)
    one.reset("b")

    assert isinstance(ask(one, "a"), Ticket)
    assert isinstance(ask(one, "b"), Ticket)
    assert {"a": CLEAN, "b": CLEAN} == one.snapshot()


def test_a_reset_without_redis_forgets_all_that_was_heard(
    redis: RedisServer, one: RedisHealth, caplog: pytest.LogCaptureFixture
) -> None:
    """
    Here; the log says that the others were not told.
    """
    fail(one)
    one.isolate("b")
    ask(one, "a"), ask(one, "b")
    plain = ticket(one, "d")
    redis.kill()

    assert not one.succeeded(plain)
    one.reset()
    one.isolate("c")

    assert isinstance(ask(one, "a"), Ticket)
    assert [
        "Redis is away: every provider is reset in this process only",
        "Redis is away: c is isolated in this process only",
    ] == [record.getMessage() for record in caplog.records][1:]


def test_a_provider_that_is_well_again_is_not_held(redis: RedisServer, one: RedisHealth) -> None:
    """
    What was heard last counts.
    """
    fail(one)
    ask(one)
    one.reset("a")
    ask(one)
    redis.kill()

    assert isinstance(ask(one), Ticket)


def test_no_mail_waits_for_a_redis_that_hangs() -> None:
    """
    One that takes connections and says nothing costs one call a fifth of a second, then none.
    """
    with socket.create_server(("127.0.0.1", 0)) as silent:
        health = RedisHealth(f"redis://127.0.0.1:{silent.getsockname()[1]}")
        start = time.monotonic()
        for _ in range(1000):
            ticket(health)

        assert time.monotonic() - start < 1.5


@pytest.mark.parametrize("url", ["http://u:pl4nted@h", "redis://u:pl4nted@h/?socket_timeout=x"])
def test_a_wrong_url_is_not_quoted(url: str) -> None:
    """
    It may hold a password.
    """
    with pytest.raises(ConfigurationError, match="the URL of Redis must be like") as caught:
        RedisHealth(url)

    assert caught.value.__context__ is None


def configured(redis: RedisServer) -> list[Callable[[], Mailer]]:
    """
    The ways to ask for it.
    """
    environ = {"MAILFAILOVER_DSN": "failover(a=null:// b=null://)", "MAILFAILOVER_REDIS": redis.url}
    return [
        lambda: Mailer(environ["MAILFAILOVER_DSN"], health=redis.url),
        lambda: Mailer(environ["MAILFAILOVER_DSN"], health=RedisHealth(redis.url)),
        lambda: Mailer.from_env(environ),
    ]


@pytest.mark.parametrize("way", range(3))
def test_a_mailer_shares_its_health(redis: RedisServer, way: int) -> None:
    """
    By a URL, by an object, by a variable of the environment.
    """
    with configured(redis)[way]() as mailer:
        mailer.send(to="ann@example.com", from_email="me@example.com", subject="S", text="T")

    with Mailer({"c": "null://"}, health=redis.url) as mailer:
        assert 1 == mailer.health.snapshot()["c"].calls


def test_without_the_package_the_error_tells_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    As soon as the mailer is made.
    """
    for name in [name for name in sys.modules if name.startswith("mailfailover.redis")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "redis", None)

    with pytest.raises(ConfigurationError, match=r"pip install \"mailfailover\[redis\]\""):
        Mailer("null://", health="redis://localhost")
