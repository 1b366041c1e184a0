"""
The list of suppressions in days on which receivers answer that live addresses do not exist.
"""

from __future__ import annotations

from collections import Counter

import pytest

from mailfailover.suppression import BouncesQuarantined
from tests.simulation.deliveries.scenarios import NO_ACCOUNT
from tests.simulation.deliveries.seeds import PROVING
from tests.simulation.deliveries.weather import Weather
from tests.simulation.deliveries.world import DAY, World, is_dead, is_gone

BEGIN, END = 2 * DAY, 4 * DAY
GONE = 1 * DAY
"""When some addresses stop to exist, a day before the outage."""


def _world(seed: int, *weather: Weather) -> World:
    """
    Fifteen days in which each of a hundred addresses gets a few mails a day.
    """
    world = World(
        seed,
        weather,
        receivers={"gmail": 0.5, "microsoft": 0.25, "yahoo": 0.25},
        rate=lambda _now: 0.15,
        suppressing=True,
        looks=1800.0,
        addresses=40,
        gone=GONE,
    )
    world.learn()
    return world.run(15 * DAY)


def _suppressed(world: World, state: str = "suppressed") -> set[str]:
    found = world.suppressions.list(state=state, limit=10_000)
    return {
        one.email for one in found if one.expires is None or one.expires > world.suppressions.now()
    }


@pytest.mark.parametrize(
    ("share", "seed"), [(0.8, PROVING[10]), (1.0, PROVING[11])], ids=["most", "all"]
)
def test_an_outage_of_two_days_suppresses_nobody(share: float, seed: int) -> None:
    """
    Gmail in December 2020: afterwards each live address gets its mail, each dead one none.
    """
    world = _world(seed, Weather(BEGIN, END, receiver="gmail", bounced=share, words=NO_ACCOUNT))

    quarantined = world.first(BouncesQuarantined, receiver="gmail")
    late = {address for at, address in world.left_out if at > END + 7 * DAY}

    assert _dead(world) == _suppressed(world)
    assert late <= _dead(world)
    assert quarantined is not None
    assert BEGIN < quarantined < BEGIN + DAY / 2


def _dead(world: World) -> set[str]:
    """
    The addresses that do not exist, or no longer, and got mail.
    """
    return {one.address for one in world.mails if is_dead(one.address) or is_gone(one.address)}


def test_without_an_outage_the_second_bounce_suppresses() -> None:
    """
    And an address that never took any mail, its first one.
    """
    world = _world(PROVING[12])

    assert _dead(world) == _suppressed(world)
    sent = Counter(one.address for one in world.mails if one.at >= GONE or is_dead(one.address))
    assert {1} == {sent[one] for one in _dead(world) if is_dead(one)}
    assert {2} == {sent[one] for one in _dead(world) if is_gone(one)}
