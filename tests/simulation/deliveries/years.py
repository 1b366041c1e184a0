"""
Counts the false switches of many healthy days.

Run as ``python -m tests.simulation.deliveries.years 10000``: so many days in all, shared out among
the shapes of traffic. Ten thousand take an hour of two cores.
"""

from __future__ import annotations

import argparse
import logging
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed

from tests.simulation.deliveries.healthy import SHAPES, Days, Switch
from tests.simulation.deliveries.seeds import PROVING, TUNING

log = logging.getLogger(__name__)

_RUN = 50
"""Days of one run, which learns a week first."""


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
    parser.add_argument("--every", type=int, default=600, help="seconds between two looks")
    parser.add_argument("--tuning", action="store_true", help="the seeds to tune with")
    parser.add_argument("--processes", type=int, default=2)
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    seeds = iter(TUNING if given.tuning else PROVING)
    days, switches, alerts = Counter[str](), Counter[str](), Counter[str]()
    with ProcessPoolExecutor(given.processes) as pool:
        runs = {}
        for number in range(given.days // _RUN):
            shape = list(SHAPES)[number % len(SHAPES)]
            seed = next(seeds)
            runs[pool.submit(run, shape, seed, given.every)] = shape, seed
        for done in as_completed(runs):
            (shape, seed), (found, silent) = runs[done], done.result()
            days[shape] += _RUN
            switches[shape] += len(found)
            alerts[shape] += silent
            log.info("%s days, %s switches", days.total(), switches.total())
            for one in found:
                log.info("%s, seed %s: %s", shape, seed, one)
    for shape in SHAPES:
        counted = days[shape], switches[shape], alerts[shape]
        log.info("%s: %s days, %s switches, %s alerts", shape, *counted)
    log.info("in all: %s days, %s switches", days.total(), switches.total())


if __name__ == "__main__":
    main()
