"""
Game days: when a link is taken out of a running fleet, and when it is put back.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from mailfailover import Mailer, MemoryHealth
from mailfailover.drill import End, FleetWatch, GameDay, Look, hold_game_day
from mailfailover.errors import ConfigurationError, ProviderUnavailable
from mailfailover.outbox import OutboxStats, State
from mailfailover.testing import FakeClock

if TYPE_CHECKING:
    from collections.abc import Callable

DOWN = ProviderUnavailable("HTTP 503")
NOW = 1_800_000_000.0


class SharedHealth:
    """
    Health that stands for one in a shared store.
    """

    def __init__(self, clock: FakeClock) -> None:
        self.memory = MemoryHealth(clock=clock)
        self.is_away = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.memory, name)


class FakeOutbox:
    """
    An outbox that counts what it is told.
    """

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.counts = {State.SENT: 100, State.DEAD: 2}
        self.oldest: datetime | None = None

    def stats(self) -> OutboxStats:
        return OutboxStats(dict(self.counts), oldest=self.oldest)


class Fleet:
    """
    A chain of two links, and what happens at each look.
    """

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.health = SharedHealth(self.clock)
        self.mailer = Mailer("failover(a=null:// b=null://)", health=self.health)
        self.outbox = FakeOutbox(self.clock)
        self.meanwhile: Callable[[], None] = lambda: None
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.clock.advance(seconds)
        self.meanwhile()

    def state(self, key: str = "a") -> str:
        return str(self.health.snapshot()[key].state)

    def call(self, key: str = "b", error: ProviderUnavailable | None = None) -> None:
        ticket = self.health.ask(key, "example.com", 15.0)
        if error is None:
            self.health.succeeded(ticket)
        else:
            self.health.failed(ticket, error, count=True, duration=0.1)

    def play(self, key: str = "a", *, counted: bool = True, **options: Any) -> GameDay:
        watch = FleetWatch(
            self.mailer, key, self.outbox if counted else None, wall=lambda: NOW + self.clock()
        )
        limits = {"seconds": 60.0, "budget": 1000} | options
        return hold_game_day(self.mailer, key, watch, clock=self.clock, sleep=self.sleep, **limits)


@pytest.fixture
def fleet() -> Fleet:
    """
    Two links that are well.
    """
    return Fleet()


def test_a_link_is_out_for_its_time(fleet: Fleet) -> None:
    """
    Renewed at each look, and back in use at the end.
    """
    seen = []
    fleet.meanwhile = lambda: seen.append(fleet.state())

    found = fleet.play()

    assert (found.end, found.lasted, found.is_passed) == (End.TIME, 60.0, True)
    assert seen == ["isolated"] * 12
    assert fleet.state() == "closed"


def test_mails_are_counted_by_the_outbox(fleet: Fleet) -> None:
    """
    Those that were sent, are unknown or dead since the begin; a purge takes none away.
    """

    def send() -> None:
        fleet.outbox.counts[State.SENT] += 3
        if len(fleet.pauses) == 4:
            fleet.outbox.counts[State.SENT] -= 100

    fleet.meanwhile = send

    found = fleet.play()

    assert (found.affected, found.counted) == (33, True)


def test_mails_are_estimated_without_an_outbox(fleet: Fleet) -> None:
    """
    By the calls that the others took within the minute.
    """

    def send() -> None:
        for _ in range(10):
            fleet.call()

    fleet.meanwhile = send

    found = fleet.play(counted=False)

    assert not found.counted
    assert 60 <= found.affected <= 120


def test_a_budget_ends_it(fleet: Fleet) -> None:
    """
    As soon as so many mails went another way.
    """

    def send() -> None:
        fleet.outbox.counts[State.SENT] += 60

    fleet.meanwhile = send

    found = fleet.play(budget=200)

    assert (found.end, found.affected, found.lasted) == (End.BUDGET, 240, 20.0)
    assert found.is_passed
    assert fleet.state() == "closed"


def fails(fleet: Fleet) -> None:
    """
    The other link's calls fail now and then.
    """
    for number in range(9):
        fleet.call(error=DOWN if number % 3 == 2 else None)


def opens(fleet: Fleet) -> None:
    """
    The other link opens.
    """
    for _ in range(3):
        fleet.call(error=DOWN)


def dies(fleet: Fleet) -> None:
    """
    A mail ends dead.
    """
    fleet.outbox.counts[State.DEAD] += 1


def waits(fleet: Fleet) -> None:
    """
    A mail waits since long before.
    """
    fleet.outbox.oldest = datetime.fromtimestamp(NOW - 90, UTC)


def is_reset(fleet: Fleet) -> None:
    """
    An operator puts the link back.
    """
    fleet.health.reset("a")


def is_away(fleet: Fleet) -> None:
    """
    The store cannot be asked.
    """
    fleet.health.is_away = True


def is_interrupted(fleet: Fleet) -> None:
    """
    Ctrl-C.
    """
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("meanwhile", "end"),
    [
        (fails, End.FAILURES),
        (opens, End.FAILURES),
        (dies, End.DEAD),
        (waits, End.WAITING),
        (is_reset, End.RESET),
        (is_away, End.AWAY),
        (is_interrupted, End.INTERRUPTED),
    ],
)
def test_trouble_ends_it(fleet: Fleet, meanwhile: Callable[[Fleet], None], end: End) -> None:
    """
    At the first look that shows it, and the link is in use again.
    """
    fleet.meanwhile = lambda: meanwhile(fleet)

    found = fleet.play()

    assert (found.end, found.lasted, found.is_passed) == (end, 5.0, False)
    assert fleet.state() == "closed"


def test_any_other_end_puts_the_link_back_too(fleet: Fleet) -> None:
    """
    Whatever goes wrong in the watch.
    """

    def fail() -> None:
        raise OSError("the database is away")

    fleet.meanwhile = fail

    with pytest.raises(OSError, match="the database is away"):
        fleet.play()

    assert fleet.state() == "closed"


def test_nobody_left_means_soon_back(fleet: Fleet) -> None:
    """
    Where nothing renews the lease, it ends by itself.
    """
    fleet.health.isolate("a", 30.0)
    fleet.clock.advance(30.0)

    assert fleet.state() == "closed"


def test_looks_are_json(fleet: Fleet) -> None:
    """
    The whole day is JSON-safe data.
    """
    found = fleet.play(seconds=5.0).to_dict()

    look = {"at": 5.0, "closed": 1, "calls": 0, "failures": 0, "affected": 0, "dead": 2}
    assert found == {
        "key": "a",
        "end": "time",
        "passed": True,
        "lasted": 5.0,
        "affected": 0,
        "counted": True,
        "looks": [*[look | {"at": 0.0, "waits": 0.0}] * 2, look | {"waits": 0.0}],
    }


def test_each_look_is_shown(fleet: Fleet) -> None:
    """
    But the one before the begin.
    """
    seen: list[Look] = []

    fleet.play(seconds=10.0, on_look=seen.append)

    assert [look.at for look in seen] == [5.0, 10.0]


def test_health_must_be_shared() -> None:
    """
    A link taken out of this process alone shows nothing.
    """
    mailer = Mailer("failover(a=null:// b=null://)")

    with pytest.raises(
        ConfigurationError, match="name the Redis of your workers, by MAILFAILOVER_RED"
    ):
        hold_game_day(mailer, "a", FleetWatch(mailer, "a"), seconds=60, budget=1)


def test_a_link_must_be_there(fleet: Fleet) -> None:
    """
    By its key in the chain.
    """
    with pytest.raises(ConfigurationError, match="link 'c' is unknown; known: a, b"):
        fleet.play("c")


@pytest.mark.parametrize(
    ("isolated", "problem"),
    [
        ("a", r"link 'a' is out of use already \(isolated\)"),
        ("b", "no other link than 'a' is in use: nothing would be sent"),
    ],
)
def test_the_fleet_must_be_well(fleet: Fleet, isolated: str, problem: str) -> None:
    """
    Nothing is taken out of a fleet that is in trouble.
    """
    fleet.health.isolate(isolated)

    with pytest.raises(ConfigurationError, match=problem):
        fleet.play()

    assert fleet.state(isolated) == "isolated"


def test_the_store_must_be_there(fleet: Fleet) -> None:
    """
    A link would be isolated in this process only.
    """
    fleet.health.is_away = True

    with pytest.raises(ConfigurationError, match="Redis cannot be asked now"):
        fleet.play()
