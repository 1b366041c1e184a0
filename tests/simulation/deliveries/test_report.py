"""
The report of outages, and the count of healthy days in the documentation.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.simulation.deliveries.healthy import SHAPES
from tests.simulation.deliveries.report import (
    DRAWN,
    HEAD,
    WITH,
    WITHOUT,
    draw,
    load,
    save,
    table,
)
from tests.simulation.deliveries.result import measure
from tests.simulation.deliveries.scenarios import SCENARIOS
from tests.simulation.deliveries.seeds import PROVING

DOCS = Path(__file__).parents[3] / "docs" / "simulation"


def test_a_report_is_written_and_read(tmp_path: Path) -> None:
    """
    Its table has a row for the scenario, and advice makes fewer mails late.
    """
    name = "shared address"
    found = {way: measure(name, PROVING[20], None, advised=way == WITH) for way in (WITHOUT, WITH)}

    save(tmp_path, {name: found})

    assert {name: found} == load(tmp_path)
    assert table({name: found}).startswith(f"{HEAD}| {SCENARIOS[name].title} | ")
    assert (tmp_path / "blocked.svg").read_text().startswith("<svg")
    assert found[WITH].late < found[WITHOUT].late


def test_the_documentation_has_the_report() -> None:
    """
    Of every scenario: the page's table and pictures are made of the data.
    """
    results = load(DOCS)

    assert list(SCENARIOS) == list(results)
    assert table(results) in (DOCS.parent / "deliveries.md").read_text()
    for name, file in DRAWN.items():
        assert draw(name, results[name]) == (DOCS / file).read_text()


def test_ten_thousand_healthy_days_were_counted() -> None:
    """
    Of every shape of traffic; one link was blamed for a receiver that was slow for all of them.
    """
    first, _ = json.loads((DOCS / "healthy-days.json").read_text())["counts"]

    assert set(SHAPES) == set(first["shapes"])
    assert sum(one["days"] for one in first["shapes"].values()) >= 10_000
    assert {"many receivers": 4} == _switches(first)


def test_healthy_days_were_counted_again() -> None:
    """
    Other days of every shape, with the judge of today: the most of the shape that went wrong.
    """
    first, again = json.loads((DOCS / "healthy-days.json").read_text())["counts"]
    shape = "many receivers"

    assert set(SHAPES) == set(again["shapes"])
    assert again["shapes"][shape]["days"] > first["shapes"][shape]["days"]
    assert {} == _switches(again)


def _switches(count: dict[str, Any]) -> dict[str, int]:
    shapes = count["shapes"].items()
    return {shape: one["switches"] for shape, one in shapes if one["switches"]}
