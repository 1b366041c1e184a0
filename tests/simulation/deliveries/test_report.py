"""
The documentation's table of outages and its count of healthy days are those of the data beside it.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.simulation.deliveries.healthy import SHAPES
from tests.simulation.deliveries.report import DRAWN, WITH, WITHOUT, draw, load, table
from tests.simulation.deliveries.result import Result, measure
from tests.simulation.deliveries.scenarios import SCENARIOS
from tests.simulation.deliveries.seeds import PROVING

FOLDER = Path(__file__).parents[3] / "docs" / "simulation"


@pytest.fixture(scope="module")
def results() -> dict[str, dict[str, Result]]:
    """
    What the last run of the report found.
    """
    return load(FOLDER)


def test_the_page_has_what_was_found(results: dict[str, dict[str, Result]]) -> None:
    """
    Each scenario, in the table and in the pictures.
    """
    assert list(SCENARIOS) == list(results)
    assert table(results) == (FOLDER / "outages.md").read_text()
    for name, file in DRAWN.items():
        assert draw(name, results[name]) == (FOLDER / file).read_text()


@pytest.mark.parametrize("name", [name for name, one in SCENARIOS.items() if one.ill])
def test_each_outage_hurts_less(name: str, results: dict[str, dict[str, Result]]) -> None:
    """
    Found within the hour; where another link reaches the receiver, fewer mails are late.
    """
    with_, without = results[name][WITH], results[name][WITHOUT]

    assert 0 < with_.minutes <= 60
    assert with_.moved <= 0.02
    if SCENARIOS[name].ill[0][0] != "*":
        assert with_.late < without.late


@pytest.mark.parametrize("name", [name for name, one in SCENARIOS.items() if not one.ill])
def test_no_healthy_day_is_called_ill(name: str, results: dict[str, dict[str, Result]]) -> None:
    """
    At most webhooks are called silent.
    """
    told = results[name][WITH].told

    assert not told or told.startswith("webhooks of ")


@pytest.mark.parametrize("name", ["shared address", "gmail"])
def test_the_data_is_of_this_judge(name: str, results: dict[str, dict[str, Result]]) -> None:
    """
    Playing a scenario again finds the same, with another seed too.
    """
    found = measure(name, PROVING[20], None, advised=True)
    kept = results[name][WITH]

    assert kept.told.partition(" ")[0] == found.told.partition(" ")[0]
    assert found.minutes == pytest.approx(kept.minutes, abs=5)
    assert found.late == pytest.approx(kept.late, abs=0.1)


def test_ten_thousand_healthy_days_have_at_most_one_false_switch() -> None:
    """
    Of every shape of traffic, in the data of the last count.
    """
    data = json.loads((FOLDER / "healthy-days.json").read_text())["shapes"]

    assert set(SHAPES) == set(data)
    assert sum(one["days"] for one in data.values()) >= 10_000
    assert sum(one["switches"] for one in data.values()) <= 1
