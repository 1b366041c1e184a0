"""
Healthy days of every shape: nothing is switched in them.
"""

from __future__ import annotations

import pytest

from tests.simulation.deliveries.healthy import SHAPES, Days
from tests.simulation.deliveries.seeds import PROVING


@pytest.mark.parametrize("shape", SHAPES)
def test_healthy_days_switch_nothing(shape: str) -> None:
    """
    Three of each shape here; `years` runs as many as you like.
    """
    days = Days(SHAPES[shape], PROVING[-1]).run(3)

    assert [] == days.switches
    assert 3 * 288 <= days.looks


def test_looking_each_minute_finds_no_more() -> None:
    """
    Counts change by slices of five minutes, so looking more often hardly shows more.
    """
    assert [] == Days(SHAPES["slow receivers"], PROVING[-2], every=60).run(1).switches
