"""
Runs every scenario and writes what was found, with pictures, for the documentation.

Run as ``python -m tests.simulation.deliveries.report FOLDER``. Takes a quarter of an hour of two
cores. ``python -m tests.simulation.deliveries.years DAYS`` counts false switches.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from tests.simulation.chart import Scale, chart
from tests.simulation.deliveries.result import STEP, Result, measure
from tests.simulation.deliveries.scenarios import BEGIN, SCENARIOS
from tests.simulation.deliveries.seeds import PROVING

if TYPE_CHECKING:
    from collections.abc import Mapping

WAYS: dict[str, tuple[float | None, bool]] = {
    "without": (None, False),
    "a standby with 2 % of the mail": (None, True),
    "a standby with 30 % of the mail": (0.3, True),
}
"""The second link's part of the mails, and whether deliveries advise the chain."""

DRAWN = {
    "mandrill": "mandrill.svg",
    "sendgrid 2015": "sendgrid.svg",
    "shared address": "blocked.svg",
}
HEAD = (
    "| what happened | told after | as | late, without | standby 2 % | standby 30 % | others moved "
    "| back after |\n|---|--:|---|--:|--:|--:|--:|--:|\n"
)
_SCALE = Scale(step=STEP // 60, tick=60, unit="min", most=1.05)

Results = dict[tuple[str, str], Result]


def main() -> None:
    """
    Run it all.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=PROVING[0])
    given = parser.parse_args()
    with ProcessPoolExecutor() as pool:
        futures = {
            (name, way): pool.submit(measure, name, given.seed, part, advised=advised)
            for name, (way, (part, advised)) in product(SCENARIOS, WAYS.items())
        }
        write(given.folder, {key: future.result() for key, future in futures.items()})


def write(folder: Path, results: Results) -> None:
    """
    Write the table and the pictures.
    """
    folder.mkdir(parents=True, exist_ok=True)
    names = list(dict.fromkeys(name for name, _ in results))
    lines = (row(name, {way: results[name, way] for way in WAYS}) for name in names)
    (folder / "table.md").write_text(HEAD + "".join(lines))
    for name in DRAWN.keys() & names:
        curves = {way: results[name, way].curve for way in WAYS}
        title = f"Delivered within 30 minutes: {SCENARIOS[name].title.partition(':')[0]}"
        last = len(next(iter(curves.values()))) * STEP / 60
        shade = (BEGIN / 60, min(SCENARIOS[name].end / 60, last))
        (folder / DRAWN[name]).write_text(chart(title, curves, shade=shade, scale=_SCALE))


def row(name: str, found: Mapping[str, Result]) -> str:
    """
    One line of the table.
    """
    without, few, many = (found[way] for way in WAYS)
    told = f"{few.minutes:.0f} min" if few.told else "-"
    back = "-" if few.back is None else f"{few.back:.0f} min"
    return (
        f"| {SCENARIOS[name].title} | {told} | {few.told or '-'} | {without.late:.0%} "
        f"| {few.late:.0%} | {many.late:.0%} | {few.moved:.1%} | {back} |\n"
    )


if __name__ == "__main__":
    main()
