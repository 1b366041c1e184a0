from __future__ import annotations

import json
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


def test_json_keeps_the_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    One line has it all: what was raised and where, and a stack that was asked for.
    """
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False)
    log_to_stderr()

    try:
        _ = {"a": 1}["nothing"]
    except KeyError:
        logging.getLogger("a").exception("it failed", stack_info=True)

    (line,) = capsys.readouterr().err.splitlines()
    found = json.loads(line)
    assert found["message"] == "it failed"
    assert found["traceback"].startswith("Traceback (most recent call last):")
    assert found["traceback"].endswith("KeyError: 'nothing'")
    assert found["stack"].startswith("Stack (most recent call last):")


def test_anything_can_be_logged(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    A value that JSON does not know is written as text.
    """
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False)
    log_to_stderr()

    logging.getLogger("a").info("sent", extra={"state": ValueError})

    assert "<class 'ValueError'>" == json.loads(capsys.readouterr().err)["state"]
