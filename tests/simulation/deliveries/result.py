"""
What was seen in a run: how soon, how much of the mail was hurt, and what went elsewhere for it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailfailover.deliveries import DeliveriesDown, ReceiverDown, WebhooksSilent
from tests.simulation.deliveries.scenarios import BEGIN, SCENARIOS
from tests.simulation.deliveries.weather import EVERY

if TYPE_CHECKING:
    from tests.simulation.deliveries.scenarios import Scenario
    from tests.simulation.deliveries.world import World

IN_TIME = 1800.0
"""Seconds after which a mail is late."""

STEP = 300
"""Seconds between two values of a curve."""


@dataclass(frozen=True)
class Result:
    """
    How a run went.

    Attributes:
        told: What observers were told first, in a word, "" for nothing.

        minutes: How long after the trouble began, 0.0 where nothing was told.

        down: Minutes until a receiver was told to be down, None where none was.

        late: The part of the mails of the trouble that came late or never.

        moved: The part of the other receivers' mails that went through another link than before.

        back: Minutes after the end until the first link had its place back, None where it still
            had not.

        peak: The most recipients that the second link got from one receiver in an hour.

        curve: The part of the mails delivered in time, in each step.
    """

    told: str
    minutes: float
    down: float | None
    late: float
    moved: float
    back: float | None
    peak: int
    curve: list[float]


def measure(name: str, seed: int, standby: float | None, *, advised: bool) -> Result:
    """
    Run a scenario, by its name.
    """
    scenario = SCENARIOS[name]
    world = scenario.world(seed, standby=standby, advised=advised)
    world.run(scenario.hours * 3600)
    told, minutes = _first(world)
    down = world.first(ReceiverDown)
    return Result(
        told,
        minutes,
        None if down is None else (down - BEGIN) / 60,
        _late(world, scenario),
        _moved(world, scenario),
        _back(world, scenario),
        _peak(world),
        _curve(world),
    )


def _first(world: World) -> tuple[str, float]:
    for at, event in world.told:
        if isinstance(event, DeliveriesDown):
            return f"{event.key} {event.state} at {event.receiver}", (at - BEGIN) / 60
        if isinstance(event, ReceiverDown):
            return f"{event.receiver} down", (at - BEGIN) / 60
        if isinstance(event, WebhooksSilent):
            return f"webhooks of {event.key} silent", (at - BEGIN) / 60
    return "", 0.0


def _late(world: World, scenario: Scenario) -> float:
    end = scenario.end or world.loop.now
    end = min(end, world.loop.now - IN_TIME)
    hurt = [
        mail
        for mail in world.mails
        if BEGIN <= mail.at < end and not mail.is_dead and _receives(scenario, mail.receiver)
    ]
    late = [one for one in hurt if one.delivered is None or one.delivered - one.at > IN_TIME]
    return len(late) / max(1, len(hurt))


def _receives(scenario: Scenario, receiver: str) -> bool:
    names = {one.receiver for one in scenario.weather}
    return not names or EVERY in names or receiver in names


def _moved(world: World, scenario: Scenario) -> float:
    """
    Of the receivers that nothing happened to, compared with the hour before the trouble.
    """
    if not scenario.weather or any(one.receiver == EVERY for one in scenario.weather):
        return 0.0
    others = [one for one in world.mails if not _receives(scenario, one.receiver)]
    before = [one.link == "two" for one in others if one.at < BEGIN]
    after = [one.link == "two" for one in others if one.at >= BEGIN]
    share = sum(after) / max(1, len(after)) - sum(before) / max(1, len(before))
    return max(0.0, share)


def _back(world: World, scenario: Scenario) -> float | None:
    if not (scenario.ill and world.told) or scenario.end >= world.loop.now or world.ill():
        return None
    return max(0.0, (world.told[-1][0] - scenario.end) / 60)


def _peak(world: World) -> int:
    hours = Counter((one.receiver, int(one.at // 3600)) for one in world.mails if one.link == "two")
    return max(hours.values(), default=0)


def _curve(world: World) -> list[float]:
    every: Counter[int] = Counter()
    good: Counter[int] = Counter()
    for one in world.mails:
        if not one.is_dead:
            step = int(one.at // STEP)
            every[step] += 1
            good[step] += one.delivered is not None and one.delivered - one.at <= IN_TIME
    steps = range(int(world.loop.now // STEP) - 6)
    return [round(good[step] / max(1, every[step]), 3) for step in steps]
