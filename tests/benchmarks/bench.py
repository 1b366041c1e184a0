"""
What mails cost, as ratios to what they cost without us. Run by ``make bench``.

Prints a table and writes it as JSON. Name sections to measure only those. Each section runs in a
process of its own: if one fails or takes too long, the table says so, and the next one begins.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.benchmarks.section import SECTIONS, SectionFailed, measure

if TYPE_CHECKING:
    from tests.benchmarks.table import Row


def main() -> None:
    """
    Measure the sections, print their rows and write them down after each section.
    """
    given = _arguments()
    before = _values(given.beside) if given.beside else {}
    rows: list[dict[str, Any]] = []
    broken: dict[str, str] = {}
    for section in given.sections:
        try:
            for row in measure(section):
                print(f"{row}{_beside(row, before)}", flush=True)
                rows.append({"section": section, **row._asdict()})
        except SectionFailed as failure:
            print(f"{section}: {failure}", flush=True)
            broken[section] = str(failure)
        given.json.write_text(json.dumps({"rows": rows, "broken": broken}, indent=2) + "\n")
    sys.exit(bool(broken))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sections", nargs="*", choices=(*SECTIONS, []), default=list(SECTIONS))
    parser.add_argument("--json", type=Path, default=Path("bench.json"))
    parser.add_argument(
        "--beside", type=Path, metavar="JSON", help="an earlier run, printed beside this one"
    )
    return parser.parse_args()


def _values(path: Path) -> dict[str, float]:
    return {row["name"]: row["value"] for row in json.loads(path.read_text())["rows"]}


def _beside(row: Row, before: dict[str, float]) -> str:
    return f"   before: {before[row.name]:.3f}" if row.name in before else ""


if __name__ == "__main__":
    main()
