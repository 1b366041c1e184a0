from __future__ import annotations

import json
import logging
import sys
from typing import TYPE_CHECKING

import pytest

from mailfailover._cli.logs import JSONFormatter, log_to_stderr

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level


def test_record_is_a_line_of_json() -> None:
    """
    With its extra fields, whatever they are.
    """
    record = logging.makeLogRecord(
        {"name": "a", "levelname": "INFO", "msg": "sent %s", "args": ("m1",), "created": 0.5}
        | {"mail_id": "m1", "odd": {1}}
    )

    assert {
        "time": "1970-01-01T00:00:00.500+00:00",
        "level": "INFO",
        "logger": "a",
        "message": "sent m1",
        "mail_id": "m1",
        "odd": "{1}",
    } == json.loads(JSONFormatter().format(record))


def test_error_is_told_by_its_class_alone() -> None:
    """
    What an error says may hold an address.
    """
    try:
        raise ValueError("ann@example.com")
    except ValueError:
        record = logging.makeLogRecord({"msg": "failed", "exc_info": sys.exc_info()})

    line = JSONFormatter().format(record)

    assert "ValueError" == json.loads(line)["error"]
    assert "ann@example.com" not in line


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


def test_form_can_be_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    """
    Whoever knows better says so.
    """
    log_to_stderr(as_json=True)
    logging.getLogger("a").info("sent")

    assert "sent" == json.loads(capsys.readouterr().err)["message"]
