"""
The chain in fleets of simulated processes: small ones, for what must hold at any size.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from mailfailover.drill.loop import Loop
from tests.simulation.fleet import Report, simulate
from tests.simulation.policies import POLICIES
from tests.simulation.report import DRAWN, row, run, write
from tests.simulation.scenarios import scenarios

if TYPE_CHECKING:
    from pathlib import Path

PROCESSES = 20
RATE = 20.0
OURS = ("mailfailover, local health", "mailfailover, shared health")
ONE_IS_WELL = [name for name in scenarios(RATE) if not name.startswith("both")]


@cache
def found(scenario: str, policy: str) -> Report:
    """
    One run for all tests.
    """
    return run(scenario, policy, PROCESSES, RATE)


@pytest.mark.parametrize("policy", OURS)
@pytest.mark.parametrize("scenario", ONE_IS_WELL)
def test_nothing_is_lost_while_one_is_well(scenario: str, policy: str) -> None:
    """
    Each mail is delivered, and in its time.
    """
    report = found(scenario, policy)

    assert 0 == report.lost
    assert max(report.seconds) < 30


@pytest.mark.parametrize("policy", OURS)
def test_a_dead_provider_is_left_alone(policy: str) -> None:
    """
    It gets a fraction of the calls that trying in order would make.
    """
    ours, theirs = found("refuses", policy), found("refuses", "in order each time")

    assert ours.sick < 0.05
    assert theirs.sick > 0.9
    assert ours.wasted < theirs.wasted / 20


def test_shared_health_asks_less() -> None:
    """
    One probe for all processes, not one for each.
    """
    local, shared = (found("own 503", policy) for policy in OURS)

    assert shared.sick < local.sick / 5


@pytest.mark.parametrize("policy", OURS)
def test_few_errors_do_not_switch(policy: str) -> None:
    """
    A provider with one error in a hundred keeps its mails.
    """
    assert found("1 % errors", policy).sick > 0.9


@pytest.mark.parametrize("policy", POLICIES)
def test_runs_repeat(policy: str) -> None:
    """
    A run is the same each time: chance has a seed.
    """
    histories = scenarios(5.0)["hangs"]
    first, second = (
        simulate(POLICIES[policy], histories, processes=3, rate=5.0, duration=90) for _ in range(2)
    )

    assert first == second


def test_time_goes_on_in_order() -> None:
    """
    What is due first comes first, whenever it was asked for.
    """
    loop, seen = Loop(), []
    for when in (3.0, 1.0, 2.0):
        loop.at(when, lambda: seen.append(loop.now))
    loop.run()

    assert [1.0, 2.0, 3.0] == seen


def test_the_report_is_written(tmp_path: Path) -> None:
    """
    A table with a line for each run, and pictures that are XML.
    """
    reports = {(name, policy): found(name, policy) for name in DRAWN for policy in OURS}
    write(tmp_path, reports, RATE)

    table = (tmp_path / "table.md").read_text()
    assert table.endswith("".join(row(*pair, report) for pair, report in reports.items()))
    for name in DRAWN.values():
        assert ET.fromstring((tmp_path / name).read_text()).tag.endswith("svg")  # noqa: S314 -- ours
