"""
Outages that happened, and days that only look like one, with seeds that nothing was tuned on.
"""

from __future__ import annotations

from functools import cache

import pytest

from mailfailover._health.ramp import FIRST_HOUR
from mailfailover.deliveries import DeliveriesDown, ReceiverDown, WebhooksSilent
from tests.simulation.deliveries.scenarios import BEGIN, HOUR, SCENARIOS
from tests.simulation.deliveries.seeds import PROVING, TUNING
from tests.simulation.deliveries.weather import EVERY, Weather
from tests.simulation.deliveries.world import World

SEEDS = list(PROVING[:3])
SICK = [name for name, one in SCENARIOS.items() if one.ill]
WELL = [name for name, one in SCENARIOS.items() if not one.ill]
ENDING = [name for name in SICK if SCENARIOS[name].end < SCENARIOS[name].hours * HOUR]


@cache
def found(name: str, seed: int = PROVING[0]) -> World:
    """
    One run for all tests.
    """
    scenario = SCENARIOS[name]
    return scenario.world(seed).run(scenario.hours * HOUR)


def test_what_was_tuned_on_proves_nothing() -> None:
    """
    The seeds of these tests are others than those of whoever changes the judge.
    """
    assert set(SEEDS).isdisjoint(TUNING)


@pytest.mark.parametrize("name", SICK)
def test_an_outage_is_found_for_what_it_is(name: str) -> None:
    """
    Each place that it is about, or each of its cells, within the hour, and no other link.
    """
    world = found(name)

    for link, receiver in SCENARIOS[name].ill:
        at = _told(world, link, receiver)
        assert at is not None
        assert BEGIN < at <= BEGIN + HOUR
    assert world.first(DeliveriesDown, key="two", receiver=EVERY) is None


def _told(world: World, link: str, receiver: str) -> float | None:
    """
    When a place was told to be ill, or the last of its cells.
    """
    if link == EVERY:
        return world.first(ReceiverDown, receiver=receiver)
    whole = world.first(DeliveriesDown, key=link, receiver=receiver)
    if whole is not None or receiver != EVERY:
        return whole
    cells = [world.first(DeliveriesDown, key=link, receiver=one) for one in world.receivers]
    times = [at for at in cells if at is not None]
    return max(times) if len(times) == len(cells) else None


@pytest.mark.parametrize("name", ENDING)
def test_the_first_link_is_back_by_itself(name: str) -> None:
    """
    Within half an hour after the end, and it stays.
    """
    world, scenario = found(name), SCENARIOS[name]

    assert set() == world.ill()
    assert world.told[-1][0] <= scenario.end + HOUR / 2
    receiver = next((one.receiver for one in scenario.weather if one.receiver != EVERY), "gmail")
    back = max(world.told[-1][0], world.loop.now - HOUR)
    assert world.through("one", receiver, back, world.loop.now) > 0.9


@pytest.mark.parametrize("name", WELL)
def test_what_is_no_outage_switches_nothing(name: str) -> None:
    """
    At most it is told that webhooks are silent.
    """
    told = {type(event) for _, event in found(name).told}

    assert told <= {WebhooksSilent}
    assert ("endpoint" in name or "secret" in name) == bool(told)


@pytest.mark.parametrize("name", ["microsoft", "shared address", "gmail", "yahoo"])
def test_other_receivers_are_untouched(name: str) -> None:
    """
    Their mails go where they went before.
    """
    world, scenario = found(name), SCENARIOS[name]
    hurt = {one.receiver for one in scenario.weather}

    for receiver in world.receivers.keys() - hurt:
        before = world.through("one", receiver, 0.0, BEGIN)
        after = world.through("one", receiver, BEGIN, world.loop.now)
        assert after == pytest.approx(before, abs=0.02)


@pytest.mark.parametrize("name", SICK)
def test_a_standby_at_most_doubles_each_hour(name: str) -> None:
    """
    For each receiver: twice its usual hour at first, at least 100, and its own part of the mail.
    """
    world = found(name)
    for receiver in world.receivers:
        taken = [one.at for one in world.mails if (one.link, one.receiver) == ("two", receiver)]
        usual = 2 * 0.02 * 60 * world.rate(0.0) * world.receivers[receiver]
        least = max(FIRST_HOUR, 2 * usual)
        for hour in range(int(world.loop.now // HOUR) - 1):
            begin = BEGIN + hour * HOUR
            mails = sum(begin <= at < begin + HOUR for at in taken)
            assert mails <= least * 2**hour + usual + 10


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("standby", [0.0, 0.3], ids=["cold", "proven"])
def test_a_blocked_receiver_at_ten_mails_a_minute(seed: int, standby: float) -> None:
    """
    Within ten minutes 95 mails of 100 leave through the link that is well.

    One that never sent takes a hundred of them in the first hour, as its ramp allows.
    """
    words = "550 5.7.1 (S3150)"
    blocks = Weather(BEGIN, 9 * HOUR, "one", "microsoft", bounced=0.95, words=words)
    world = World(
        seed,
        [blocks],
        links={"one": 0.0, "two": standby},
        past=("one", "two") if standby else ("one",),
        receivers={"microsoft": 1.0, "gmail": 2.0},
        rate=lambda _now: 30.0,
    )
    world.learn()
    world.run(BEGIN + HOUR)

    assert world.through("two", "microsoft", BEGIN + 240, BEGIN + 600) >= 0.95
    if standby:
        assert world.through("two", "microsoft", BEGIN + 600, BEGIN + HOUR) >= 0.95


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", ["a fifth", "mandrill"])
def test_a_fifth_is_found_within_the_hour(name: str, seed: int) -> None:
    """
    Of the mails of a vendor, at a hundred a minute, also where most of its webhooks are dead.
    """
    world = SCENARIOS[name].world(seed).run(BEGIN + HOUR)

    assert world.first(DeliveriesDown, key="one", receiver=EVERY) is not None


def test_runs_repeat() -> None:
    """
    A run is the same each time: chance has a seed.
    """
    one, two = (SCENARIOS["microsoft"].world(PROVING[0]).run(1.2 * HOUR) for _ in range(2))

    assert (one.mails, one.told) == (two.mails, two.told)
