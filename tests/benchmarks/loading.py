"""
What an application pays before its first mail: the import, the plugins, the chain.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from importlib.metadata import distributions
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.table import Row

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

RUNS = 5
DISTRIBUTIONS = 150
MILLI = 1e3
PLUGIN = """
from mailfailover.providers.null import Null as Plugin
"""
PROVIDER = "[mailfailover.providers]\nplugin{} = plugin_module:Plugin\n"
COMMAND = "[console_scripts]\ncommand{} = plugin_module:main\n"
IMPORT = "import time; t = time.process_time(); import {}; print(time.process_time() - t)"
FIRST = """
import sys, time
sys.path.append(sys.argv[1])
from mailfailover import Mailer
import mailfailover._setup.dsn, mailfailover._setup.registry, mailfailover.providers.null
import email.parser, importlib_metadata._adapters, zipp.compat.overlay
import mailfailover.transports
t = time.process_time()
Mailer("null://")
print(time.process_time() - t)
"""
SENDS = """
import sys, time
sys.path.append(sys.argv[1])
from mailfailover import Mailer
mailer = Mailer("failover(a=plugin0:// b=plugin1:// c=plugin2://)")
send = lambda: mailer.send(to="ann@example.org", from_email="a@example.com", subject="s", text="t")
for _ in range(200): send()
t = time.process_time()
for _ in range(5000): send()
print((time.process_time() - t) / 5000)
"""


def rows() -> Iterator[Row]:
    """
    Measure it all, each in fresh processes.
    """
    ours, theirs = _in_turns((IMPORT.format("mailfailover"),), (IMPORT.format("requests"),))
    yield Row("import mailfailover: CPU", ours / theirs, "x import requests", 0.15)
    with tempfile.TemporaryDirectory() as folder:
        here = len(list(distributions()))  # those of the environment are looked through too
        _install(Path(folder), range(5), registers=True)
        _install(Path(folder), range(5, max(DISTRIBUTIONS - here, 5)), registers=False)
        count = max(DISTRIBUTIONS, here + 5)
        first, _ = _in_turns((FIRST, folder), (FIRST, folder))
        yield Row(f"first Mailer(dsn), {count} distributions: CPU", first * MILLI, "ms", 10)
    with tempfile.TemporaryDirectory() as many, tempfile.TemporaryDirectory() as few:
        _install(Path(many), range(100), registers=True)
        _install(Path(few), range(3), registers=True)
        ours, theirs = _in_turns((SENDS, many), (SENDS, few))
        yield Row("a send with 100 plugins installed: CPU", ours / theirs, "x with 3", 1.1)


def _in_turns(*programs: tuple[str, ...]) -> list[float]:
    runs = [[_run(*program) for program in programs] for _ in range(RUNS)]
    return [statistics.median(column) for column in zip(*runs, strict=True)]


def _run(code: str, *arguments: str) -> float:
    command = [sys.executable, "-c", code, *arguments]
    return float(subprocess.run(command, capture_output=True, check=True).stdout)


def _install(folder: Path, numbers: Iterable[int], *, registers: bool) -> None:
    """
    Distributions as pip leaves them, which register a provider each or a command.
    """
    (folder / "plugin_module.py").write_text(PLUGIN)
    for number in numbers:
        info = folder / f"plugin{number}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: plugin{number}\nVersion: 1\n")
        entry = PROVIDER if registers else COMMAND
        (info / "entry_points.txt").write_text(entry.format(number))
