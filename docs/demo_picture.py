"""
Draws what ``mailfailover demo`` prints, for the README: ``python docs/demo_picture.py``.

Mails that go the same way as the one before are left out, so that the picture fits on a screen.
"""

from __future__ import annotations

import re
import subprocess
import sys
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PICTURE = Path(__file__).parent / "pictures" / "demo.svg"
COLUMNS, LINE, MARGIN = 104, 19, 18
PORT = re.compile(r"127\.0\.0\.1:\d+")
COLOURS = (
    (re.compile(r"^\d+\. "), "scene"),
    (re.compile(r"passed by"), "bad"),
    (re.compile(r"back in its place|, 0 lost"), "good"),
    (re.compile(r", then |flagged"), "switch"),
)


def main() -> None:
    """
    Run the demo and write the picture.
    """
    command = [sys.executable, "-m", "mailfailover", "demo"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 -- ours
    lines = list(_shortened(done.stdout.splitlines()))
    PICTURE.write_text(_svg([("plain", "$ mailfailover demo"), *lines]), "utf-8")


def _shortened(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """
    Yield lines with their colours, without mails that differ only by number from the one before.
    """
    before = ""
    for text in filter(str.strip, lines):
        line = PORT.sub("its server", text)
        way = re.sub(r"mail \d+", "mail", line)
        if way != before:
            yield from ((_colour(line), part) for part in _wrapped(line))
        before = way


def _wrapped(line: str) -> Iterator[str]:
    while len(line) > COLUMNS:
        cut = line.rfind(" ", 0, COLUMNS)
        yield line[:cut]
        line = f"      {line[cut + 1 :]}"
    yield line


def _svg(lines: list[tuple[str, str]]) -> str:
    height = len(lines) * LINE + 2 * MARGIN
    rows = "\n".join(
        f'<text class="{colour}" x="{MARGIN}" y="{MARGIN + number * LINE + 13}" '
        f'xml:space="preserve">{escape(line)}</text>'
        for number, (colour, line) in enumerate(lines)
    )
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 880 {height}" role="img">
<title>mailfailover demo: three vendors fail and recover, and no mail is lost</title>
<style>
  text {{ font: 13px ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #c9d1d9; }}
  .scene {{ fill: #79c0ff; font-weight: 600; }}
  .switch {{ fill: #e3b341; }}
  .good {{ fill: #56d364; }}
  .bad {{ fill: #ff7b72; }}
</style>
<rect width="880" height="{height}" rx="10" fill="#0d1117"/>
{rows}
</svg>
"""


def _colour(line: str) -> str:
    return next((name for pattern, name in COLOURS if pattern.search(line)), "plain")


if __name__ == "__main__":
    main()
