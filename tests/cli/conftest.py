from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from mailfailover.testing import FaultServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def _bare_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """
    An empty working directory, and no configuration in the environment.
    """
    monkeypatch.chdir(tmp_path)
    for name in tuple(os.environ):
        if name.startswith(("MAILFAILOVER_", "MAILGUN_", "MANDRILL_")):
            monkeypatch.delenv(name)


@pytest.fixture(name="vendor")
def _vendor() -> Iterator[FaultServer]:
    with FaultServer("sendgrid") as vendor:
        yield vendor
