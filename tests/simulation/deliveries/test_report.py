"""
The report of outages, and the count of healthy days in the documentation.
"""

from __future__ import annotations

import json
from pathlib import Path

from tests.simulation.deliveries.healthy import SHAPES
from tests.simulation.deliveries.report import HEAD, WITH, WITHOUT, load, save, table
from tests.simulation.deliveries.result import measure
from tests.simulation.deliveries.scenarios import SCENARIOS
from tests.simulation.deliveries.seeds import PROVING

DOCS = Path(__file__).parents[3] / "docs" / "simulation"


def test_a_report_is_written_and_read(tmp_path: Path) -> None:
    """
    Its table has a row for each scenario, and advice makes fewer mails late.
    """
    name = "shared address"
    found = {way: measure(name, PROVING[20], None, advised=way == WITH) for way in (WITHOUT, WITH)}

    save(tmp_path, {name: found})

    assert {name: found} == load(tmp_path)
    page = (tmp_path / "outages.md").read_text()
    assert page == table({name: found})
    assert page.startswith(f"{HEAD}| {SCENARIOS[name].title} | ")
    assert (tmp_path / "blocked.svg").read_text().startswith("<svg")
    assert found[WITH].late < found[WITHOUT].late


def test_ten_thousand_healthy_days_were_counted() -> None:
    """
    Of every shape of traffic; where receivers are slow twice in two hours, one link was blamed.
    """
    data = json.loads((DOCS / "healthy-days.json").read_text())["shapes"]

    assert set(SHAPES) == set(data)
    assert sum(one["days"] for one in data.values()) >= 10_000
    assert {"many receivers": 4} == {
        shape: one["switches"] for shape, one in data.items() if one["switches"]
    }
