"""
Runs the examples of each page with nothing but the extras that the page names.

``python -m tests.page_environment``, in an environment that has all of them.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
INSTALL = re.compile(r'pip install "?mailfailover(?:\[([a-z0-9,-]+)\])?')


def main() -> int:
    """
    Run all pages, two environments at a time; return the number of those that failed.
    """
    pages: dict[str, list[str]] = defaultdict(list)
    for page in (ROOT / "README.md", *sorted(ROOT.glob("docs/*.md"))):
        told = INSTALL.findall(page.read_text("utf-8"))
        extras = {extra for found in told for extra in found.split(",") if extra}
        pages[",".join(sorted(extras))].append(page.relative_to(ROOT).as_posix())
    with ThreadPoolExecutor(2) as pool:
        return sum(pool.map(_run, pages, pages.values()))


def _run(extras: str, pages: list[str]) -> bool:
    command = [sys.executable, "-m", "pytest", "-q", "--noconftest", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, *(f"tests/test_docs_examples.py::test_examples[{page}]" for page in pages)],
        cwd=ROOT,
        env={
            **os.environ,
            "ONLY_EXTRAS": extras,
            "PYTHONPATH": str(HERE),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    sys.stdout.write(f"[{extras}] {', '.join(pages)}: {done.stdout.strip().splitlines()[-1]}\n")
    if done.returncode:
        sys.stdout.write(done.stdout + done.stderr)
    return bool(done.returncode)


if __name__ == "__main__":
    sys.exit(main())
