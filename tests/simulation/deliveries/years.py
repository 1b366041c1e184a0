"""
Counts the false switches of many healthy days.

Run as ``python -m tests.simulation.deliveries.years 10000``: so many days in all, shared out among
the shapes of traffic. Ten thousand take an hour of one core. ``docs/simulation/healthy-days.json``
has what ``--write`` wrote, count by count, and which judge found it.
"""

from __future__ import annotations

import argparse
import json
import logging
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from tests.simulation.deliveries.healthy import SHAPES, Days, Switch
from tests.simulation.deliveries.seeds import PROVING, TUNING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

log = logging.getLogger(__name__)

_RUN = 50
"""Days of one run, which learns a week first."""


@dataclass
class Tally:
    """
    What was found in the days of one shape.

    Attributes:
        days: How many there were.

        switches: How often a place was called ill.

        alerts: How often webhooks were called silent.
    """

    days: int = 0
    switches: int = 0
    alerts: int = 0


def run(shape: str, seed: int, every: int) -> tuple[list[Switch], int]:
    """
    The switches and the alerts of one run, by the name of its shape.
    """
    days = Days(SHAPES[shape], seed, every).run(_RUN)
    return days.switches, days.alerts


def main() -> None:
    """
    Run them all, and print each switch and the sums.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("days", type=int)
    parser.add_argument("--every", type=int, default=300, help="seconds between two looks")
    parser.add_argument("--tuning", action="store_true", help="the seeds to tune with")
    parser.add_argument("--first", type=int, default=0, help="how many seeds to pass over")
    parser.add_argument("--shapes", nargs="+", choices=SHAPES, default=list(SHAPES))
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--write", type=Path, help="a JSON file for what was found")
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    seeds = islice(TUNING if given.tuning else PROVING, given.first, None)
    found = count(given.days, given.shapes, seeds, given.every, given.processes)
    for shape, tally in found.items():
        log.info("%s: %s", shape, tally)
    if given.write:
        shapes = {shape: asdict(tally) for shape, tally in found.items()}
        data = {
            "seconds between looks": given.every,
            "seeds passed over": given.first,
            "shapes": shapes,
        }
        given.write.write_text(json.dumps(data, indent=2) + "\n")


def count(
    days: int, names: Sequence[str], seeds: Iterator[int], every: int, processes: int
) -> dict[str, Tally]:
    """
    Count what is found in so many days of the shapes with these names.
    """
    found = {shape: Tally() for shape in names}
    with ProcessPoolExecutor(processes) as pool:
        runs = {}
        for number, seed in zip(range(days // _RUN), seeds, strict=False):
            shape = names[number % len(names)]
            runs[pool.submit(run, shape, seed, every)] = shape, seed
        for done in as_completed(runs):
            (shape, seed), (switches, alerts) = runs[done], done.result()
            tally = found[shape]
            tally.days += _RUN
            tally.switches += len(switches)
            tally.alerts += alerts
            for one in switches:
                log.info("%s, seed %s: %s", shape, seed, one)
            log.info("%s days", sum(one.days for one in found.values()))
    return found


if __name__ == "__main__":
    main()
