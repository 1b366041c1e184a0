"""
Runs the examples of README.md and docs/*.md, each page from top to bottom in one namespace.

The first word of a fence's info string says how, further words change it:

- ``python``: executed. ``pycon``: executed, and its output compared (doctest).
- ``console``: each ``$ mailfailover ...`` and ``$ ... | mailfailover ...`` line is a real
  process and must exit 0, or N with ``exit=N``. ``$ export ...`` holds until the page's end;
  other commands (``$ pip install ...``) and all output are for the reader.
- ``program``: a whole file, which ``test_docs_programs.py`` runs by a process of its own.
- ``notest``: not run. There must be few of those.

The working directory is empty at first and the page's own; ``MAILFAILOVER_*`` is unset.
"""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
PAGES = [page for page in (ROOT / "README.md", *sorted(ROOT.glob("docs/*.md"))) if page.exists()]
MAX_NOT_TESTED = 8

FENCE = re.compile(r"(?ms)^ *(?P<ticks>```+)(?P<info>[^`\n]*)\n(?P<code>.*?)^ *(?P=ticks)$")
COMMAND = re.compile(r"(export|mailfailover) |.*\| mailfailover ")
DOCTEST = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@dataclass(frozen=True, slots=True)
class _Block:
    page: Path
    line: int
    language: str
    options: tuple[str, ...]
    code: str


def _blocks(page: Path) -> list[_Block]:
    text = page.read_text("utf-8")
    found = []
    for match in FENCE.finditer(text):
        language, *options = match["info"].split() or [""]
        line = text.count("\n", 0, match.start("code"))
        found.append(_Block(page, line, language, tuple(options), dedent(match["code"])))
    return found


def _run_python(block: _Block, module: ModuleType) -> None:
    # Line numbers in a traceback are the page's.
    source = "\n" * block.line + block.code
    exec(compile(source, str(block.page), "exec", dont_inherit=True), module.__dict__)  # noqa: S102


def _run_pycon(block: _Block, module: ModuleType) -> None:
    page, namespace = str(block.page), module.__dict__
    test = doctest.DocTestParser().get_doctest(block.code, namespace, page, page, block.line)
    test.globs = namespace  # not a copy: names hold for the rest of the page

    shown: list[str] = []
    result = doctest.DocTestRunner(optionflags=DOCTEST).run(
        test, out=shown.append, clear_globs=False
    )
    assert not result.failed, "".join(shown)


def _run_console(block: _Block, exports: list[str]) -> None:
    wanted = next((int(o.removeprefix("exit=")) for o in block.options if o[:5] == "exit="), 0)
    lines = block.code.replace("\\\n", " ").splitlines()

    for command in (line[2:] for line in lines if line.startswith("$ ")):
        if command.startswith("export "):
            exports.append(command)
        elif COMMAND.match(f"{command} "):
            define = f'mailfailover() {{ "{sys.executable}" -m mailfailover "$@"; }}'
            script = "\n".join((define, *exports, command))
            done = subprocess.run(
                ["sh", "-c", script],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )

            where = f"{block.page.name}:{block.line}: $ {command}\n{done.stdout}{done.stderr}"
            assert wanted == done.returncode, where


@pytest.fixture
def _environment() -> Iterator[None]:
    before = dict(os.environ)
    for name in before:
        if name.startswith(("MAILFAILOVER_", "MAILGUN_", "MANDRILL_")):
            del os.environ[name]

    yield

    os.environ.clear()
    os.environ.update(before)


@pytest.mark.usefixtures("_environment")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_examples(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Every example of the page works as it stands there.
    """
    module = ModuleType(f"examples_{re.sub(r'[^a-z]', '_', page.stem.lower())}")
    monkeypatch.setitem(sys.modules, module.__name__, module)  # dataclasses look their module up
    monkeypatch.chdir(tmp_path)
    exports: list[str] = []

    for block in _blocks(page):
        if {"notest", "program"} & {*block.options}:
            continue
        if block.language == "python":
            _run_python(block, module)
        elif block.language == "pycon":
            _run_pycon(block, module)
        elif block.language == "console":
            _run_console(block, exports)


def test_few_examples_are_not_tested() -> None:
    """
    ``notest`` is the exception.
    """
    skipped = [block for page in PAGES for block in _blocks(page) if "notest" in block.options]

    assert len(skipped) <= MAX_NOT_TESTED, skipped
