"""
The report of outages, and the count of healthy days in the documentation.
"""

from __future__ import annotations

import json
from pathlib import Path

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
    data = json.loads((DOCS / "healthy-days.json").read_text())["shapes"]

    assert set(SHAPES) == set(data)
    assert sum(one["days"] for one in data.values()) >= 10_000
    assert {"many receivers": 4} == {
        shape: one["switches"] for shape, one in data.items() if one["switches"]
    }
