from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from random import Random
from threading import Barrier
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from mailfailover import MemoryHealth, ProviderHealth
from mailfailover._health.breaker import Hold, Ticket
from mailfailover.errors import (
    AccountSuspended,
    AuthenticationFailed,
    ConnectionFailed,
    MessageRejected,
    OutcomeUnknown,
    ProviderUnavailable,
    QuotaExceeded,
    RateLimited,
    SenderRefused,
    SendError,
)
from mailfailover.testing import FakeClock

if TYPE_CHECKING:
    from mailfailover._health.protocol import Health

WALL = datetime(2026, 11, 24, 12, tzinfo=UTC)
DOWN = ProviderUnavailable("HTTP 503")
FAILURES = [ConnectionFailed("refused"), DOWN, OutcomeUnknown("no answer")]


class Middle(Random):
    """
    Chance that always hits the middle: no jitter.
    """

    def uniform(self, a: float, b: float) -> float:
        return (a + b) / 2


class Probe:
    """
    One provider's health, as short to ask as a test wants it.
    """

    def __init__(self, rng: Random | None = None) -> None:
        self.clock = FakeClock(0.0)
        self.health: Health = MemoryHealth(
            clock=self.clock, wall=WALL.timestamp, rng=rng or Middle()
        )

    def ask(self, domain: str = "example.com") -> Ticket | Hold:
        return self.health.ask("a", domain, 15.0)

    def ticket(self, domain: str = "example.com") -> Ticket:
        answer = self.ask(domain)
        assert isinstance(answer, Ticket), answer
        return answer

    def force(self) -> Ticket | Hold:
        return self.health.force("a", "example.com", 15.0)

    def forced(self) -> Ticket:
        answer = self.force()
        assert isinstance(answer, Ticket), answer
        return answer

    def fail(self, error: SendError = DOWN, *, after: float = 0.0) -> bool:
        ticket = self.ticket()
        self.clock.advance(after)
        return self.health.failed(ticket, error, count=True)

    def succeed(self) -> bool:
        return self.health.succeeded(self.ticket())

    def open(self) -> None:
        assert self.fail(after=1.0)

    def state(self) -> ProviderHealth:
        return self.health.snapshot()["a"]


@pytest.fixture
def probe() -> Probe:
    """
    A provider of which nothing is known.
    """
    return Probe()


@pytest.mark.parametrize("error", FAILURES, ids=lambda error: type(error).__name__)
def test_three_fast_failures_in_a_row_open(probe: Probe, error: SendError) -> None:
    """
    The third failure in a row opens it, whichever kind of failure it is.
    """
    opened = [probe.fail(error, after=0.9) for _ in range(3)]

    assert opened == [False, False, True]
    assert probe.ask() == Hold("open", probe.clock() + 30, str(error))


def test_a_success_between_starts_the_row_anew(probe: Probe) -> None:
    """
    Two failures, a success and two failures are no three in a row.
    """
    for _ in range(2):
        probe.fail()
        probe.fail()
        probe.succeed()

    assert probe.state() == ProviderHealth("closed", 0.0, 6, 4, "", {})


def test_one_slow_failure_opens(probe: Probe) -> None:
    """
    A failure that took a second opens it alone.
    """
    assert probe.fail(after=1.0)
    assert probe.ask() == Hold("open", 31.0, "HTTP 503")


def test_a_slow_failure_is_old_news_after_a_later_success(probe: Probe) -> None:
    """
    A call begun after the slow one has succeeded already: only a failure like any other.
    """
    slow = probe.ticket()
    probe.clock.advance(0.5)
    probe.succeed()
    probe.clock.advance(9.5)

    assert not probe.health.failed(slow, DOWN, count=True)
    assert probe.state() == ProviderHealth("closed", 0.0, 2, 1, "", {})


def test_an_old_success_that_comes_late_does_not_hide_a_newer_one(probe: Probe) -> None:
    """
    What counts is when the call began, not when it ended.
    """
    old = probe.ticket()
    probe.clock.advance(0.5)
    slow = probe.ticket()
    probe.clock.advance(0.5)
    probe.succeed()
    probe.health.succeeded(old)
    probe.clock.advance(9)

    assert not probe.health.failed(slow, DOWN, count=True)


def test_a_success_that_did_not_begin_later_does_not_excuse_a_slow_failure(probe: Probe) -> None:
    """
    Of two calls begun together, one that succeeded says nothing of the later minutes.
    """
    slow, quick = probe.ticket(), probe.ticket()
    probe.health.succeeded(quick)
    probe.clock.advance(10)

    assert probe.health.failed(slow, DOWN, count=True)


def test_half_of_ten_calls_within_a_minute_open(probe: Probe) -> None:
    """
    Five failures of ten calls open it, though never three in a row.
    """
    for _ in range(4):
        probe.fail()
        probe.succeed()
        probe.clock.advance(5)
    probe.succeed()
    assert probe.state().state == "closed"

    assert probe.fail()
    assert probe.state() == ProviderHealth("open", 30.0, 10, 5, "HTTP 503", {})


def test_nine_calls_are_too_few_for_a_rate(probe: Probe) -> None:
    """
    Of nine calls, any number may fail as long as there are no three in a row.
    """
    for _ in range(3):
        probe.succeed()
        probe.fail()
        probe.fail()

    assert probe.state() == ProviderHealth("closed", 0.0, 9, 6, "", {})


def test_the_window_slides(probe: Probe) -> None:
    """
    Calls of a minute ago no longer count.
    """
    for _ in range(4):
        probe.fail()
        probe.succeed()
    probe.succeed()
    probe.clock.advance(60)

    assert not probe.fail()
    assert probe.state() == ProviderHealth("closed", 0.0, 1, 1, "", {})


def test_it_stays_open_twice_as_long_each_time_up_to_five_minutes(probe: Probe) -> None:
    """
    30 seconds, doubled with each probe that fails, 300 at most, however often.
    """
    probe.open()
    seconds = []
    for _ in range(1100):  # beyond what a float can double
        left = probe.state().seconds_left
        assert left is not None
        seconds.append(left)
        probe.clock.advance(left)
        probe.fail()

    assert seconds[:6] == [30.0, 60.0, 120.0, 240.0, 300.0, 300.0]
    assert set(seconds[6:]) == {300.0}


def test_coming_back_forgets_the_doubling(probe: Probe) -> None:
    """
    After a success the next opening is for 30 seconds again.
    """
    probe.open()
    probe.clock.advance(30)
    probe.fail()
    probe.clock.advance(60)
    probe.succeed()

    probe.open()

    assert probe.state().seconds_left == 30.0


def test_opening_is_jittered() -> None:
    """
    The time is up to a tenth shorter or longer, so that many processes do not probe at once.
    """
    found = []
    for seed in range(50):
        one = Probe(Random(seed))
        one.open()
        found.append(one.state().seconds_left or 0.0)

    assert len(set(found)) == 50
    assert all(27.0 <= seconds <= 33.0 for seconds in found)
    assert min(found) < 29.0
    assert max(found) > 31.0


def test_jitter_does_not_go_beyond_five_minutes() -> None:
    """
    300 seconds are the most, jitter included.
    """
    for seed in range(20):
        one = Probe(Random(seed))
        one.open()
        for _ in range(5):
            one.clock.advance(one.state().seconds_left or 0.0)
            one.fail()
        assert 270.0 <= (one.state().seconds_left or 0.0) <= 300.0


def test_one_call_probes_while_the_others_pass_by(probe: Probe) -> None:
    """
    When the time is over, one gets a lease, and the others learn until when.
    """
    probe.open()
    probe.clock.advance(30)

    first, second = probe.ask(), probe.ask()

    assert first == Ticket("a", "example.com", 31.0, 1, 46.0)
    assert second == Hold("probing", 46.0, "HTTP 503")


def test_a_good_probe_puts_it_back(probe: Probe) -> None:
    """
    A success of the probe closes it, by itself and with a clean window.
    """
    probe.open()
    probe.clock.advance(30)

    assert probe.succeed()
    assert probe.state() == ProviderHealth("closed", 0.0, 1, 0, "", {})


def test_a_lease_ends_so_that_a_crashed_prober_wedges_nothing(probe: Probe) -> None:
    """
    Nobody came back with the probe: the next one gets it.
    """
    probe.open()
    probe.clock.advance(30)
    probe.ticket()
    probe.clock.advance(15)

    assert probe.ask() == Ticket("a", "example.com", 46.0, 1, 61.0)


def test_a_prober_that_gives_up_frees_the_probe(probe: Probe) -> None:
    """
    A lease that is released can be had at once.
    """
    probe.open()
    probe.clock.advance(30)
    probe.health.release(probe.ticket())

    assert probe.ticket().lease == 46.0


def test_an_old_lease_does_not_free_a_new_one(probe: Probe) -> None:
    """
    Who comes back after its lease ended does not end that of the one now probing.
    """
    probe.open()
    probe.clock.advance(30)
    late = probe.ticket()
    probe.clock.advance(15)
    probe.ticket()

    probe.health.release(late)

    assert probe.ask() == Hold("probing", 61.0, "HTTP 503")


def test_a_lease_from_before_a_change_does_not_free_a_new_one(probe: Probe) -> None:
    """
    Even where both end at the same moment.
    """
    probe.open()
    old = probe.forced()
    probe.health.reset("a")
    probe.health.force("a", "example.com", 15.0)

    probe.health.release(old)

    assert isinstance(probe.force(), Hold)


@pytest.mark.parametrize("error", [DOWN, AuthenticationFailed("401"), RateLimited("429")], ids=str)
def test_errors_of_calls_begun_before_a_change_are_discarded(
    probe: Probe, error: SendError
) -> None:
    """
    An operator repaired the account and reset it: what older calls report is stale.
    """
    old = probe.ticket()
    probe.health.reset("a")

    assert not probe.health.failed(old, error, count=True)
    assert probe.state() == ProviderHealth("closed", 0.0, 0, 0, "", {})


def test_successes_of_calls_begun_before_it_opened_are_discarded(probe: Probe) -> None:
    """
    A late success of the time before the outage does not close it.
    """
    old = probe.ticket()
    probe.open()

    assert not probe.health.succeeded(old)
    assert probe.state().state == "open"


def test_a_failure_that_does_not_count_is_forgotten(probe: Probe) -> None:
    """
    Only the lease is given back.
    """
    probe.open()
    probe.clock.advance(30)

    assert not probe.health.failed(probe.ticket(), DOWN, count=False)
    assert isinstance(probe.ask(), Ticket)
    assert probe.state().calls == 1


@pytest.mark.parametrize("error", [AuthenticationFailed("401"), AccountSuspended("402")], ids=str)
def test_a_refused_account_is_parked_for_a_quarter_of_an_hour(
    probe: Probe, error: SendError
) -> None:
    """
    For every sender, and then with one probe.
    """
    assert probe.fail(error)
    assert probe.ask("other.example") == Hold("account", 900.0, str(error))
    probe.clock.advance(900)

    assert probe.ticket().lease == 915.0
    assert isinstance(probe.ask(), Hold)


def test_a_refused_sender_is_parked_for_its_domain_only(probe: Probe) -> None:
    """
    Other From domains go on; this one is tried again after a quarter of an hour.
    """
    assert probe.fail(SenderRefused("not verified"))
    assert probe.ask() == Hold("sender", 900.0, "the sender was refused")
    assert isinstance(probe.ask("other.example"), Ticket)
    assert probe.state() == ProviderHealth("closed", 0.0, 1, 0, "", {"example.com": 900.0})

    probe.clock.advance(900)

    assert probe.ticket().lease == 0.0
    assert probe.state().senders == {}


COOLDOWNS: dict[str, tuple[SendError, float]] = {
    "rate with seconds": (RateLimited("429", retry_after=7.0), 7.0),
    "rate without": (RateLimited("429"), 5.0),
    "quota until": (QuotaExceeded("quota", until=WALL + timedelta(hours=12)), 43200.0),
    "quota with seconds": (QuotaExceeded("quota", retry_after=60.0), 60.0),
    "quota without": (QuotaExceeded("quota"), 900.0),
}


@pytest.mark.parametrize("name", COOLDOWNS)
def test_who_asks_us_to_wait_is_parked_so_long(probe: Probe, name: str) -> None:
    """
    Until the time it named, else for a while; it is no failure, and needs no probe after.
    """
    error, seconds = COOLDOWNS[name]

    assert probe.fail(error)
    assert probe.ask() == Hold("cooldown", seconds, str(error))
    assert probe.state() == ProviderHealth("cooldown", seconds, 1, 0, str(error), {})
    probe.clock.advance(seconds)

    assert probe.ticket().lease == 0.0


def test_a_quota_renewed_in_the_past_parks_nobody(probe: Probe) -> None:
    """
    A time that is over already is no time to wait.
    """
    probe.fail(QuotaExceeded("quota", until=WALL - timedelta(days=1)))

    assert isinstance(probe.ask(), Ticket)


def test_the_longest_cooldown_holds(probe: Probe) -> None:
    """
    A shorter one that comes in later does not cut it short.
    """
    long, short = probe.ticket(), probe.ticket()
    probe.health.failed(long, RateLimited("429", retry_after=60.0), count=True)
    probe.health.failed(short, RateLimited("429", retry_after=1.0), count=True)

    assert probe.ask() == Hold("cooldown", 60.0, "429")


def test_a_probe_waits_for_the_cooldown(probe: Probe) -> None:
    """
    Who is open and asked us to wait is not probed before.
    """
    quick = probe.ticket()
    probe.clock.advance(1)
    slow = probe.ticket()
    probe.health.failed(quick, RateLimited("429", retry_after=100.0), count=True)
    probe.clock.advance(1)
    assert probe.health.failed(slow, DOWN, count=True)

    probe.clock.advance(50)

    assert probe.ask() == Hold("cooldown", 101.0, "HTTP 503")


def test_an_answer_that_is_no_failure_proves_it_to_be_up(probe: Probe) -> None:
    """
    A rejected message ends a row of failures, and closes what was open.
    """
    probe.open()
    probe.clock.advance(30)

    assert not probe.fail(MessageRejected("bad"))
    assert probe.state().state == "closed"


def test_a_forced_call_is_one_at_a_time(probe: Probe) -> None:
    """
    A call in spite of the hold gets a lease, and the next one waits.
    """
    probe.open()

    assert probe.force() == Ticket("a", "example.com", 1.0, 1, 16.0)
    assert probe.force() == Hold("probing", 16.0, "HTTP 503")


def test_a_forced_call_that_succeeds_ends_every_hold(probe: Probe) -> None:
    """
    It was called in spite of opening, cooldown and refused sender, and it went well.
    """
    probe.fail(SenderRefused("not verified"))
    probe.health.failed(probe.forced(), RateLimited("429", retry_after=60.0), count=True)
    probe.health.failed(probe.forced(), AuthenticationFailed("401"), count=True)

    assert probe.health.succeeded(probe.forced())
    assert probe.state() == ProviderHealth("closed", 0.0, 1, 0, "", {})
    assert isinstance(probe.ask(), Ticket)


def test_a_forced_call_that_fails_leaves_the_account_parked(probe: Probe) -> None:
    """
    An outage says nothing of the account, which is not asked again any sooner.
    """
    probe.fail(AuthenticationFailed("401"))
    probe.clock.advance(60)

    assert not probe.health.failed(probe.forced(), DOWN, count=True)
    assert probe.ask() == Hold("account", 900.0, "401")


def test_a_forced_call_during_a_cooldown_fails_like_any_other(probe: Probe) -> None:
    """
    One fast failure opens nothing that was not open.
    """
    probe.fail(RateLimited("429", retry_after=60.0))

    assert not probe.health.failed(probe.forced(), DOWN, count=True)
    assert probe.state().state == "cooldown"


def test_isolated_means_whatever_happens(probe: Probe) -> None:
    """
    No time, no forced call and no late result puts it back, only a reset.
    """
    running = probe.ticket()
    probe.health.isolate("a")
    probe.health.failed(running, AuthenticationFailed("401"), count=True)
    probe.health.succeeded(running)
    probe.clock.advance(1e9)

    assert isinstance(probe.ask(), Hold)
    assert probe.force() == Hold("isolated", float("inf"))
    assert probe.state() == ProviderHealth("isolated", None, 0, 0, "", {})

    probe.health.reset("a")
    assert isinstance(probe.ask(), Ticket)


def test_an_isolation_may_have_an_end(probe: Probe) -> None:
    """
    Then the provider is in use again, and so it is after a reset before.
    """
    probe.health.isolate("a", 30.0)
    probe.clock.advance(10.0)
    assert probe.force() == Hold("isolated", probe.clock() + 20.0)
    assert probe.state() == ProviderHealth("isolated", 20.0, 0, 0, "", {})

    probe.clock.advance(20.0)

    assert probe.state().state == "closed"
    assert isinstance(probe.ask(), Ticket)


def test_a_call_may_be_forced_once_an_isolation_is_over(probe: Probe) -> None:
    """
    As to any provider that is in use.
    """
    probe.health.isolate("a", 30.0)
    probe.clock.advance(30.0)

    assert isinstance(probe.force(), Ticket)


def test_reset_without_a_key_is_for_all(probe: Probe) -> None:
    """
    Every provider begins with a clean record.
    """
    probe.open()
    probe.health.isolate("b")

    probe.health.reset()

    clean = ProviderHealth("closed", 0.0, 0, 0, "", {})
    assert probe.health.snapshot() == {"a": clean, "b": clean}


def test_an_open_provider_that_is_due_has_no_time_left(probe: Probe) -> None:
    """
    It waits for its probe, with no seconds left.
    """
    probe.open()
    probe.clock.advance(100)

    assert probe.state() == ProviderHealth("open", 0.0, 0, 0, "HTTP 503", {})


def test_providers_do_not_share_their_health(probe: Probe) -> None:
    """
    What one did is no matter of another.
    """
    probe.open()

    assert isinstance(probe.health.ask("b", "example.com", 15.0), Ticket)


@pytest.mark.parametrize("forced", [False, True])
def test_of_32_threads_one_gets_the_probe(forced: bool) -> None:
    """
    However many ask at the same moment.
    """
    one = Probe()
    one.open()
    one.clock.advance(0 if forced else 30)
    start = Barrier(32)

    def ask(_: int) -> str:
        start.wait()
        return type(one.force() if forced else one.ask()).__name__

    with ThreadPoolExecutor(32) as pool:
        assert Counter(pool.map(ask, range(32))) == {"Ticket": 1, "Hold": 31}


def test_threads_lose_no_call() -> None:
    """
    The counts of many threads add up.
    """
    one = Probe()
    start = Barrier(8)

    def use(_: int) -> None:
        start.wait()
        for _ in range(100):
            one.succeed()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(use, range(8)))

    assert one.state() == ProviderHealth("closed", 0.0, 800, 0, "", {})


DOMAINS = st.sampled_from(["a.example", "b.example"])
ENDINGS = st.sampled_from(
    ["success", "success", "failure", "failure", "failure", "account", "sender", "cooldown", "none"]
)


class HealthAgainstItsDescription(RuleBasedStateMachine):
    """
    The health of one provider and, beside it, what the documentation says of it.

    Time goes in whole seconds, and there is no jitter.
    """

    def __init__(self) -> None:
        super().__init__()
        self.one = Probe()
        self.now = 0
        self.running: list[tuple[Ticket, int, bool]] = []  # ticket, its era, whether it probes
        self.past: list[tuple[int, bool]] = []  # when a call ended, and whether it failed
        self.in_a_row = 0
        self.latest_good = -1
        self.era = 0
        self.state, self.until = "closed", 0.0
        self.next_open = 30
        self.probe_until = 0
        self.cooldown = 0
        self.refused: dict[str, int] = {}

    def shift(self, state: str, until: float) -> None:
        self.state, self.until = state, until
        self.era += 1
        self.in_a_row = 0
        self.probe_until = 0

    def expected(self, domain: str) -> str:
        if self.state != "closed" and self.now < self.until:
            return self.state
        if self.now < self.cooldown:
            return "cooldown"
        if self.now < self.refused.get(domain, 0):
            return "sender"
        if self.state == "closed":
            return "call"
        return "probing" if self.now < self.probe_until else "probe"

    @rule(seconds=st.integers(0, 3) | st.integers(10, 1000))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds
        self.one.clock.advance(seconds)

    @rule(domain=DOMAINS)
    def ask(self, domain: str) -> None:
        expected = self.expected(domain)
        answer = self.one.ask(domain)
        if isinstance(answer, Hold):
            assert answer.reason == expected
            return
        assert expected == ("probe" if answer.lease else "call")
        self.begin(answer)

    @rule(domain=DOMAINS)
    def force(self, domain: str) -> None:
        answer = self.one.health.force("a", domain, 15.0)
        if self.state == "isolated" or self.now < self.probe_until:
            assert isinstance(answer, Hold)
            return
        assert isinstance(answer, Ticket)
        self.begin(answer)

    def begin(self, ticket: Ticket) -> None:
        if ticket.lease:
            self.probe_until = self.now + 15
        self.running.append((ticket, self.era, bool(ticket.lease)))

    @precondition(lambda self: self.running)
    @rule(data=st.data(), ending=ENDINGS)
    def end(self, data: st.DataObject, ending: str) -> None:
        place = data.draw(st.integers(0, len(self.running) - 1))
        ticket, era, probes = self.running.pop(place)
        self.report(ticket, ending)
        if era != self.era:
            return  # stale
        if probes and ticket.lease == self.probe_until:
            self.probe_until = 0
        if ending == "failure":
            self.failed(ticket)
        elif ending == "account":
            self.shift("account", self.now + 900)
        else:
            self.answered(ticket, probes=probes)
            if ending == "sender":
                self.refused[ticket.domain] = self.now + 900
            if ending == "cooldown":
                self.cooldown = max(self.cooldown, self.now + 20)

    def report(self, ticket: Ticket, ending: str) -> None:
        errors = {
            "failure": DOWN,
            "account": AuthenticationFailed("401"),
            "sender": SenderRefused("403"),
            "cooldown": RateLimited("429", retry_after=20.0),
            "none": MessageRejected("400"),
        }
        if ending == "success":
            self.one.health.succeeded(ticket)
        else:
            self.one.health.failed(ticket, errors[ending], count=True)

    def answered(self, ticket: Ticket, *, probes: bool) -> None:
        if self.state != "closed":
            self.shift("closed", 0)
            self.past.clear()
            self.next_open = 30
        if probes:
            self.cooldown = 0
            self.refused.pop(ticket.domain, None)
        self.in_a_row = 0
        self.latest_good = max(self.latest_good, int(ticket.started))
        self.past.append((self.now, False))

    def failed(self, ticket: Ticket) -> None:
        self.past.append((self.now, True))
        self.in_a_row += 1
        if self.state == "account" and self.now < self.until:
            return
        recent = [bad for when, bad in self.past if self.now - when < 60]
        slow = self.now - ticket.started >= 1 and not self.latest_good > ticket.started
        often = len(recent) >= 10 and sum(recent) * 2 >= len(recent)
        if self.state != "closed" or slow or often or self.in_a_row >= 3:
            self.shift("open", self.now + self.next_open)
            self.next_open = min(300, self.next_open * 2)

    @rule()
    def isolate(self) -> None:
        self.one.health.isolate("a")
        self.shift("isolated", float("inf"))

    @precondition(lambda self: self.state == "isolated")
    @rule()
    def reset(self) -> None:
        self.one.health.reset("a")
        self.shift("closed", 0)
        self.past.clear()
        self.latest_good, self.next_open, self.cooldown = -1, 30, 0
        self.refused.clear()

    @invariant()
    def it_stands_as_described(self) -> None:
        found = self.one.health.snapshot().get("a")
        if found is None:
            return
        recent = [bad for when, bad in self.past if self.now - when < 60]
        cooling = self.state == "closed" and self.now < self.cooldown
        left: float | None = max(0, (self.cooldown if cooling else self.until) - self.now)
        assert found.state == ("cooldown" if cooling else self.state)
        assert found.seconds_left == (None if self.state == "isolated" else left)
        assert (found.calls, found.failures) == (len(recent), sum(recent))
        held = {one: until - self.now for one, until in self.refused.items() if until > self.now}
        assert found.senders == held


TestHealthAgainstItsDescription = HealthAgainstItsDescription.TestCase
TestHealthAgainstItsDescription.settings = settings(max_examples=80, stateful_step_count=40)


def test_a_failure_is_as_slow_as_its_call_was(probe: Probe) -> None:
    """
    A connection refused at once may be reported a second later, when the backup has answered.
    """
    ticket = probe.ticket()
    probe.clock.advance(5.0)

    assert not probe.health.failed(ticket, FAILURES[0], count=True, duration=0.1)
    assert probe.state() == ProviderHealth("closed", 0.0, 1, 1, "", {})


def test_a_slow_call_opens_however_soon_it_is_reported(probe: Probe) -> None:
    """
    The duration decides, not the age of the ticket.
    """
    assert probe.health.failed(probe.ticket(), DOWN, count=True, duration=1.0)


def test_a_sender_refused_again_is_refused_for_longer(probe: Probe) -> None:
    """
    The new time holds, and the oldest are still first to be forgotten.
    """
    health = probe.health
    for name in ("a.example", "b.example"):
        health.failed(probe.ticket(name), SenderRefused("403"), count=True)
    probe.clock.advance(60)
    ticket = probe.health.force("a", "a.example", 15.0)
    assert isinstance(ticket, Ticket)
    health.failed(ticket, SenderRefused("403"), count=True)

    assert probe.state().senders == {"b.example": 840.0, "a.example": 900.0}
