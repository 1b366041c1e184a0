"""
What the judge finds in worlds where something is wrong, and in those where nothing is.

Each scenario has its date: it happened to the users of a vendor or of a receiver.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.deliveries.world import DAY, Weather, World, names

HOUR = 3600.0
T0 = 10 * DAY
SEEDS = [11]


def world(seed: int, *weather: Weather, rate: float = 10.0, **options: Any) -> World:
    """
    A world with a healthy week behind it, an hour before something happens.
    """
    found = World(seed, weather=list(weather), rate=lambda _now: rate, **options)
    found.now = T0 - HOUR
    found.learn()
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_a_receiver_that_blocks_one_link(seed: int) -> None:
    """
    Microsoft, February 2026: within ten minutes the mails go through the other link.
    """
    blocks = Weather(T0, T0 + DAY, link="one", receiver="microsoft", blocked=0.95)
    found = world(seed, blocks, rate=50, every=60)
    found.run(HOUR + 1200)

    told = found.first_told(("one", "microsoft"))
    assert told is not None
    assert told - T0 <= 300
    assert found.through("two", "microsoft", told, told + 300) >= 0.95
    assert found.through("one", "gmail", T0, T0 + 1200) >= 0.95
    assert names(found.ill()) == ["one/microsoft"]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_shard_that_is_stuck(seed: int) -> None:
    """
    Mandrill, February 2019: a fifth of the mails is found to be stuck within the hour.
    """
    found = world(seed, Weather(T0, T0 + 40 * HOUR, link="one", stuck=0.2), rate=100)
    found.run(2 * HOUR)

    told = found.first_told(("one", "*"))
    assert told is not None
    assert told - T0 <= HOUR
    assert ("one", "*") in found.ill()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_queue_that_grows_and_clears(seed: int) -> None:
    """
    SendGrid, November 2015: the link is passed by, and is back in its place by itself.
    """
    queue = Weather(T0, T0 + 2 * HOUR, link="one", stuck=0.95, stuck_for=3 * HOUR)
    found = world(seed, queue, rate=30)
    found.run(2 * HOUR)
    during = found.ill()
    found.run(4 * HOUR)

    assert ("one", "*") in during
    assert found.ill() == set()
    assert found.through("one", "gmail", found.now - HOUR, found.now) >= 0.9


@pytest.mark.parametrize("seed", SEEDS)
def test_a_receiver_that_defers_all(seed: int) -> None:
    """
    Yahoo, November 2025: no link is blamed, and the receiver is up again by itself.
    """
    down = Weather(T0, T0 + 2 * HOUR, receiver="yahoo", stuck=0.95, stuck_for=5 * HOUR)
    found = world(seed, down, rate=30)
    found.run(2 * HOUR)
    during = found.ill()
    found.run(2 * HOUR)

    assert ("*", "yahoo") in during
    assert not {place for place in during if place[1] == "*"}
    assert ("*", "yahoo") not in found.ill()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_receiver_that_lies(seed: int) -> None:
    """
    Gmail, December 2020: 550 for addresses that exist, whoever sends.
    """
    found = world(seed, Weather(T0, T0 + HOUR, receiver="gmail", bounced=0.9), rate=30)
    found.run(HOUR + 1800)

    assert ("*", "gmail") in found.ill()


@pytest.mark.parametrize(
    "weather",
    [
        Weather(T0, T0 + 2 * HOUR, mute=True),
        Weather(T0, T0 + 2 * HOUR, link="one", refused=True),
        Weather(T0, T0 + 2 * HOUR, webhook_lag=1500),
        Weather(T0, T0 + 2 * HOUR, link="one", webhook_lag=1500),
    ],
    ids=["endpoint dead", "secret of one wrong", "webhooks late", "webhooks of one late"],
)
def test_webhooks_that_fail_switch_nothing(weather: Weather) -> None:
    """
    Neither while they fail nor afterwards, although what was lost is never told.
    """
    found = world(13, weather, rate=30)
    found.run(HOUR + 1800)
    silent = dict(found.silent)
    found.run(3 * HOUR)

    assert found.told == []
    assert bool(silent) == (weather.mute or weather.refused)
    assert found.silent == {}


@pytest.mark.parametrize(
    ("rate", "share"), [(0.5, 0.02), (10.0, 0.0), (30.0, 0.3)], ids=["few", "cold", "many"]
)
def test_healthy_hours_switch_nothing(rate: float, share: float) -> None:
    """
    With few mails or many, with a standby that never sent and with one that is proven.
    """
    found = world(14, rate=rate, share=share)
    found.run(4 * HOUR)

    assert found.told == []


def test_a_campaign_switches_nothing() -> None:
    """
    A hundred times the usual for an hour.
    """
    found = World(15, rate=lambda now: 300.0 if T0 <= now < T0 + 1800 else 3.0)
    found.now = T0 - HOUR
    found.learn()
    found.run(2 * HOUR)

    assert found.told == []
