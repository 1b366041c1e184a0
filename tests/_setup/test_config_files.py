"""
The files of a configuration, read again when they change.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from mailfailover._setup.config_files import CHECK_SECONDS, Watched, read_file
from mailfailover.testing import FakeClock

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def write(path: Path, text: str) -> None:
    """
    Put *text* into place as those who rotate secrets do: at once, as another file.
    """
    new = path.with_suffix(".new")
    new.write_text(text)
    new.replace(path)


def watched(path: Path, clock: FakeClock) -> Watched[str]:
    return Watched(lambda: read_file(path, "key_file"), clock=clock)


def test_a_new_file_is_a_new_value(tmp_path: Path, clock: FakeClock) -> None:
    """
    Once a second has passed.
    """
    path = tmp_path / "key"
    path.write_text("old")
    found = watched(path, clock)
    write(path, "new")
    early = found.refresh()

    clock.advance(CHECK_SECONDS)

    assert (early, found.refresh(), found.value, found.refresh()) == (False, True, "new", False)


@pytest.mark.parametrize("broken", ["", " ", None], ids=["empty", "blank", "gone"])
def test_a_broken_file_leaves_the_value(
    tmp_path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture, broken: str | None
) -> None:
    """
    It is told once, and what mends it is taken.
    """
    path = tmp_path / "key"
    path.write_text("old")
    found = watched(path, clock)
    if broken is None:
        path.unlink()
    else:
        write(path, broken)

    renewed = []
    for _ in range(3):
        clock.advance(CHECK_SECONDS)
        renewed.append(found.refresh())
    errors = [one.getMessage() for one in caplog.records if one.levelno == logging.ERROR]
    write(path, "mended")
    clock.advance(CHECK_SECONDS)

    assert (renewed, len(errors)) == ([False] * 3, 1)
    assert "the one before stays in use: the file that key_file names" in errors[0]
    assert (found.refresh(), found.value) == (True, "mended")


def test_what_has_no_files_is_never_looked_at(clock: FakeClock) -> None:
    """
    A value from the environment alone costs nothing.
    """
    calls: list[int] = []
    found = Watched(lambda: calls.append(1), clock=clock)
    clock.advance(100)

    assert (found.refresh(), calls) == (False, [1])
