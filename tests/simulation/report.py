"""
Runs every policy through every scenario and writes what was found, with pictures.

Run as ``python -m tests.simulation.report FOLDER``; 1,000 processes send 10^8 mails a day. Takes
about half an hour of two cores.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from tests.simulation.chart import chart
from tests.simulation.fleet import Report, simulate
from tests.simulation.policies import POLICIES
from tests.simulation.scenarios import BEGIN, END, scenarios

if TYPE_CHECKING:
    from collections.abc import Iterable

DAY = 86_400
MAILS_A_DAY = 1e8
PROCESSES = 1000
DRAWN = {
    "hangs": "hangs.svg",
    "rate limit": "rate-limit.svg",
    "recovers under load": "recovers.svg",
}
HEAD = (
    "| scenario | policy | lost | twice | p99 | p99.9 | wasted | sick | returning |\n"
    "|---|---|--:|--:|--:|--:|--:|--:|--:|\n"
)


def run(scenario: str, policy: str, processes: int, rate: float) -> Report:
    """
    One run, by the names of its parts.
    """
    return simulate(POLICIES[policy], scenarios(rate)[scenario], processes=processes, rate=rate)


def row(scenario: str, policy: str, report: Report) -> str:
    """
    One line of the table.
    """
    share = 1e6 / report.mails
    return (
        f"| {scenario} | {policy} | {report.lost * share:.0f} | {report.duplicated * share:.0f} "
        f"| {report.late(0.01):.2f} s | {report.late(0.001):.2f} s | {report.wasted:.4f} "
        f"| {report.sick:.3f} | {report.peak:.2f} |\n"
    )


def main() -> None:
    """
    Run it all.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--processes", type=int, default=PROCESSES)
    given = parser.parse_args()
    rate = MAILS_A_DAY / DAY * given.processes / PROCESSES
    pairs = list(product(scenarios(rate), POLICIES))
    with ProcessPoolExecutor() as pool:
        futures = [pool.submit(run, *pair, given.processes, rate) for pair in pairs]
        reports = dict(zip(pairs, (future.result() for future in futures), strict=True))
    write(given.folder, reports, rate)


def write(folder: Path, reports: dict[tuple[str, str], Report], rate: float) -> None:
    """
    Write the table and the pictures.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lines = (row(*pair, report) for pair, report in reports.items())
    (folder / "table.md").write_text(HEAD + "".join(lines))
    for scenario, name in DRAWN.items():
        curves = {
            policy: smooth(report.calls, rate)
            for (found, policy), report in reports.items()
            if found == scenario
        }
        title = f"Calls to the first provider, as a part of all mails: {scenario}"
        (folder / name).write_text(chart(title, curves, shade=(BEGIN, END)))


def smooth(calls: Iterable[int], rate: float, seconds: int = 5) -> list[float]:
    """
    The means of so many seconds each, as parts of *rate*.
    """
    values = list(calls)
    return [
        sum(values[start : start + seconds]) / seconds / rate
        for start in range(0, len(values), seconds)
    ]


if __name__ == "__main__":
    main()
