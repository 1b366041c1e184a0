"""
A vendor that fails on command, and a client to suffer from it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests

from mailfailover.testing import FaultServer

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def vendor() -> Iterator[FaultServer]:
    """
    A healthy vendor without peculiarities.
    """
    with FaultServer() as server:
        yield server


@pytest.fixture
def client() -> Iterator[requests.Session]:
    """
    A client with nothing configured by the machine.
    """
    with requests.Session() as session:
        session.trust_env = False
        yield session
