"""
Plays every scenario with and without advice, and writes what was found for the documentation.

Run as ``python -m tests.simulation.deliveries.report docs/simulation``. Takes a minute of one core,
and prints the table of ``docs/deliveries.md``. ``python -m tests.simulation.deliveries.years DAYS``
counts false switches.
"""

from __future__ import annotations

import argparse
import json
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from tests.simulation.chart import Scale, chart
from tests.simulation.deliveries.result import STEP, Result, measure
from tests.simulation.deliveries.scenarios import BEGIN, SCENARIOS
from tests.simulation.deliveries.seeds import PROVING

if TYPE_CHECKING:
    from collections.abc import Mapping

WITHOUT, WITH = "without", "with"
DRAWN = {
    "sendgrid 2015": "sendgrid.svg",
    "shared address": "blocked.svg",
}
HEAD = (
    "| what happened | told after | as | late, without | late, with | moved | back after |\n"
    "| --- | --: | --- | --: | --: | --: | --: |\n"
)
_SCALE = Scale(step=STEP // 60, tick=60, unit="min", most=1.05)

Results = dict[str, dict[str, Result]]
"""By the name of the scenario, what was found without advice and with it."""


def main() -> None:
    """
    Run it all.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=PROVING[0])
    given = parser.parse_args()
    with ProcessPoolExecutor(2) as pool:
        futures = {
            (name, way): pool.submit(measure, name, given.seed, None, advised=way == WITH)
            for name, way in product(SCENARIOS, (WITHOUT, WITH))
        }
    results: Results = {name: {} for name in SCENARIOS}
    for (name, way), future in futures.items():
        results[name][way] = future.result()
    save(given.folder, results)
    sys.stdout.write(table(results))


def save(folder: Path, results: Results) -> None:
    """
    Write the data and the pictures.
    """
    data = {name: {way: asdict(one) for way, one in ways.items()} for name, ways in results.items()}
    (folder / "outages.json").write_text(json.dumps(data, separators=(",", ":")) + "\n")
    for name in DRAWN.keys() & results:
        (folder / DRAWN[name]).write_text(draw(name, results[name]))


def load(folder: Path) -> Results:
    """
    Read the data.
    """
    data = json.loads((folder / "outages.json").read_text())
    return {name: {way: Result(**one) for way, one in ways.items()} for name, ways in data.items()}


def table(results: Results) -> str:
    """
    The table of the documentation.
    """
    return HEAD + "".join(_row(name, found) for name, found in results.items())


def draw(name: str, found: Mapping[str, Result]) -> str:
    """
    The part of the mails delivered in time, over time.
    """
    curves = {f"{way} deliveries": one.curve for way, one in found.items()}
    title = f"Delivered within 30 minutes: {SCENARIOS[name].title.partition(':')[0]}"
    last = len(found[WITH].curve) * STEP / 60
    shade = (BEGIN / 60, min(SCENARIOS[name].end / 60, last))
    return chart(title, curves, shade=shade, scale=_SCALE)


def _row(name: str, found: Mapping[str, Result]) -> str:
    without, with_ = found[WITHOUT], found[WITH]
    told = f"{with_.minutes:.0f} min" if with_.told else "-"
    back = "-" if with_.back is None else f"{with_.back:.0f} min"
    return (
        f"| {SCENARIOS[name].title} | {told} | {_words(with_)} | {without.late:.0%} "
        f"| {with_.late:.0%} | {with_.moved:.1%} | {back} |\n"
    )


def _words(found: Result) -> str:
    told = found.told.replace(" at *", "").replace("webhooks of *", "all webhooks") or "-"
    return told if found.down is None else f"{told}; as a receiver after {found.down:.0f} min"


if __name__ == "__main__":
    main()
