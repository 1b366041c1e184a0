from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

import pytest

from mailfailover.cli.logs import log_to_stderr

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level


@pytest.mark.parametrize(("terminal", "expected"), [(False, "{"), (True, "2")])
def test_terminal_gets_lines(
    terminal: bool,
    expected: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """
    A person reads lines, a program JSON.
    """
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)

    log_to_stderr()
    logging.getLogger("a").info("sent")

    assert capsys.readouterr().err.startswith(expected)
