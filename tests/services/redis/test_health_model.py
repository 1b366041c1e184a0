"""
Health in Redis against health in memory: whatever happens, they say the same.
"""

from __future__ import annotations

import os
from random import Random
from typing import TYPE_CHECKING, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from mailfailover import Link, MemoryHealth
from mailfailover._health.breaker import Hold, Ticket
from mailfailover._health.limits import Grant, Portion
from mailfailover.errors import (
    AuthenticationFailed,
    MessageRejected,
    ProviderUnavailable,
    QuotaExceeded,
    RateLimited,
    SenderRefused,
)
from mailfailover.redis import RedisHealth
from mailfailover.testing import FakeClock
from tests.chains import Scripted

if TYPE_CHECKING:
    from mailfailover import ProviderHealth
    from tests.services.redis.server import RedisServer

pytestmark = pytest.mark.services

KEYS = st.sampled_from(["a", "a", "a", "b"])
DOMAINS = st.sampled_from(["a.example", "b.example"])
ERRORS = {
    "failure": ProviderUnavailable("HTTP 503"),
    "account": AuthenticationFailed("401"),
    "sender": SenderRefused("403"),
    "rate": RateLimited("429", retry_after=20.0),
    "quota": QuotaExceeded("quota"),
    "none": MessageRejected("400"),
}
LINKS = [
    Link(Scripted("p"), rate="4/m"),
    Link(Scripted("q"), quota="6/m"),
    Link(Scripted("r"), rate="10/s", quota="100/h"),
    Link(Scripted("s"), rate="3/h", quota="5/h"),
]
EVERY_LINK = [*LINKS, Link(Scripted("a")), Link(Scripted("b"))]
ENDINGS = st.sampled_from([*["success"] * 6, *["failure"] * 12, "release", *ERRORS])


class Chosen(Random):
    """
    Chance that the test chooses.
    """

    share = 0.5

    def uniform(self, a: float, b: float) -> float:
        return a + (b - a) * self.share


class SharedAgainstMemory(RuleBasedStateMachine):
    """
    Two processes that share their health in Redis behave as two threads that share a memory.
    """

    url: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock(1000.0)
        self.chance = Chosen()
        self.model = MemoryHealth(clock=self.clock, wall=self.clock, rng=self.chance)
        self.model.know(EVERY_LINK)
        self.processes = [self.process(), self.process()]
        self.processes[0]._store.redis.flushall()
        self.running: list[tuple[RedisHealth, Ticket, Ticket]] = []

    def process(self) -> RedisHealth:
        one = RedisHealth(
            self.url, gather=0.0, clock=self.clock, wall=self.clock, rng=self.chance, now=self.clock
        )
        return one.for_links(EVERY_LINK)

    def teardown(self) -> None:
        for one in self.processes:
            one.close()

    @rule(seconds=st.sampled_from([0.25, 1.0, 1.5, 5.0, 15.0, 60.0]))
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule(key=KEYS)
    def wait_until_it_is_due(self, key: str) -> None:
        one = self.model.snapshot().get(key)
        if one is not None:
            self.clock.advance(max([one.seconds_left or 0.0, *(one.senders or {}).values()]))

    @rule(place=st.integers(0, 1), key=KEYS, domain=DOMAINS, forced=st.booleans())
    def begin(self, place: int, key: str, domain: str, forced: bool) -> None:
        one = self.processes[place]
        ask = [one.force, self.model.force] if forced else [one.ask, self.model.ask]
        found, expected = (method(key, domain, 15.0) for method in ask)

        if isinstance(expected, Hold):
            assert isinstance(found, Hold)
            assert (expected.reason, expected.detail) == (found.reason, found.detail)
            assert found.until == pytest.approx(expected.until)
            return
        assert isinstance(found, Ticket)
        assert expected._replace(generation=0) == found._replace(generation=0)
        self.running.append((one, found, expected))

    @precondition(lambda self: self.running)
    @rule(data=st.data(), ending=ENDINGS, count=st.sampled_from([True, True, True, False]))
    def end(self, data: st.DataObject, ending: str, count: bool) -> None:
        place = data.draw(st.integers(0, len(self.running) - 1))
        self.chance.share = data.draw(st.sampled_from([0.0, 0.5, 1.0]))
        duration = data.draw(st.sampled_from([None, 0.1, 1.0]))
        one, ticket, twin = self.running.pop(place)
        if ending == "success":
            assert self.model.succeeded(twin) == one.succeeded(ticket)
        elif ending == "release":
            one.release(ticket)
            self.model.release(twin)
        else:
            error = ERRORS[ending]
            expected = self.model.failed(twin, error, count=count, duration=duration)
            assert expected == one.failed(ticket, error, count=count, duration=duration)

    @rule(
        place=st.integers(0, 1),
        key=KEYS,
        endings=st.lists(ENDINGS, min_size=2, max_size=12),
        data=st.data(),
    )
    def go_on(self, place: int, key: str, endings: list[str], data: st.DataObject) -> None:
        """
        Some calls one after the other.
        """
        for ending in endings:
            before = len(self.running)
            self.begin(place, key, "a.example", forced=False)
            if len(self.running) > before:
                self.running.insert(0, self.running.pop())
                self.end(data, ending, count=True)

    @rule(
        place=st.integers(0, 1),
        number=st.integers(0, 3),
        least=st.sampled_from([1, 1, 1, 2, 5, 9]),
        more=st.sampled_from([0, 0, 1, 10]),
        look=st.booleans(),
    )
    def take(self, place: int, number: int, least: int, more: int, look: bool) -> None:
        portion = Portion(least, least + more)
        name = "look" if look else "take"

        expected: Grant = getattr(self.model, name)(LINKS[number], portion)
        found: Grant = getattr(self.processes[place], name)(LINKS[number], portion)

        assert expected.recipients == found.recipients
        assert expected.wait == pytest.approx(found.wait)

    @rule(place=st.integers(0, 1), key=KEYS, what=st.sampled_from(["reset", *[""] * 9, "isolate"]))
    def interfere(self, place: int, key: str, what: str) -> None:
        if what:
            getattr(self.processes[place], what)(key)
            getattr(self.model, what)(key)

    @invariant()
    def both_say_the_same(self) -> None:
        expected = {key: _flat(one) for key, one in self.model.snapshot().items()}
        for process in self.processes:
            found = {key: _flat(one) for key, one in process.snapshot().items()}
            assert expected == found


def _flat(one: ProviderHealth) -> object:
    left = None if one.seconds_left is None else round(one.seconds_left, 6)
    return one.state, left, one.calls, one.failures, one.detail, dict(one.senders or {})


def test_it_behaves_as_health_in_memory(
    server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    """
    Over random histories of calls, errors and time, with two processes on one Redis.
    """
    machine = type("Machine", (SharedAgainstMemory,), {"url": server.url})

    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=int(os.environ.get("MAILFAILOVER_ROUNDS", "40")),
            stateful_step_count=40,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
    assert [] == caplog.records
