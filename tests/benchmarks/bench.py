"""
What mails cost, as ratios to what they cost without us. Run by ``make bench``.

Prints a table and writes it as JSON. Name sections to measure only those.
"""

from __future__ import annotations

import argparse
import json
from importlib import import_module
from pathlib import Path

SECTIONS = ("sending", "bodies", "loading", "failing", "growing", "posting", "outbox", "deliveries")


def main() -> None:
    """
    Measure everything, print it and write it down.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sections", nargs="*", choices=(*SECTIONS, []), default=SECTIONS)
    parser.add_argument("--json", type=Path, default=Path("bench.json"))
    given = parser.parse_args()
    found = []
    for section in given.sections:
        for row in import_module(f"tests.benchmarks.{section}").rows():
            print(row, flush=True)
            found.append(row._asdict())
    given.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
