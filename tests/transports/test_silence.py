"""
The silence between two calls, however the system is asked about it.
"""

from __future__ import annotations

import select
import socket
from typing import TYPE_CHECKING

import pytest

from mailfailover.transports._silence import Silence

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(params=["poll", "select"])
def pair(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[socket.socket, socket.socket, Silence]]:
    """
    Both ends of a connection, and the silence at the first.
    """
    if request.param == "select":
        monkeypatch.delattr(select, "poll")
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs, Silence(ours)


def test_nothing_is_said(pair: tuple[socket.socket, socket.socket, Silence]) -> None:
    """
    A vendor that says nothing can be called again.
    """
    assert pair[2].lasts()


def test_something_is_said(pair: tuple[socket.socket, socket.socket, Silence]) -> None:
    """
    What nobody asked for ends the silence.
    """
    pair[1].send(b"x")

    assert not pair[2].lasts()


def test_the_end(pair: tuple[socket.socket, socket.socket, Silence]) -> None:
    """
    So does the end of the connection.
    """
    pair[1].close()

    assert not pair[2].lasts()
