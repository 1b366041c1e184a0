"""
Addresses that did not answer: they are tried again, but not first.
"""

from __future__ import annotations

import socket
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from mailfailover.plugin import HTTPRequest
from mailfailover.transports import _addresses, _progress
from mailfailover.transports._addresses import LEAST, Unanswered, share
from mailfailover.transports._progress import Progress
from mailfailover.transports.http import HTTPTransport
from tests.transports.looped import looped
from tests.transports.sockets import ANSWER, black_hole, server

if TYPE_CHECKING:
    from collections.abc import Iterator

FIRST, SECOND, THIRD = ((socket.AF_INET, 1, 6, "", (f"192.0.2.{n}", 443)) for n in (1, 2, 3))
ALL = [FIRST, SECOND, THIRD]


class Clock:
    """
    A clock that a test sets.
    """

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """
    The time of the memory.
    """
    made = Clock()
    monkeypatch.setattr(_addresses, "monotonic", made)
    return made


def test_the_resolvers_order() -> None:
    """
    Nothing is known against any: the resolver's order counts.
    """
    assert ALL == Unanswered().order(ALL)


def test_one_that_did_not_answer_is_last(clock: Clock) -> None:
    """
    Of several that did not, the one that failed longest ago is tried first.
    """
    memory = Unanswered()
    memory.add(SECOND[4])
    clock.now += 1
    memory.add(FIRST[4])

    assert [THIRD, SECOND, FIRST] == memory.order(ALL)


def test_one_that_answers_again(clock: Clock) -> None:
    """
    It has its place again.
    """
    memory = Unanswered()
    memory.add(FIRST[4])
    memory.remove(FIRST[4])

    assert ALL == memory.order(ALL)


def test_nothing_is_held_against_it_for_ever(clock: Clock) -> None:
    """
    After ten minutes it is tried first again, and forgotten.
    """
    memory = Unanswered()
    memory.add(FIRST[4])
    clock.now += 601

    assert ALL == memory.order(ALL)


@pytest.mark.parametrize(
    ("left", "others", "expected"),
    [(3.0, 0, 3.0), (3.0, 1, 1.5), (3.0, 2, 1.0), (3.0, 9, LEAST), (0.5, 3, 0.5)],
)
def test_addresses_share_the_time(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, left: float, others: int, expected: float
) -> None:
    """
    Each gets its part of what is left, but enough for one lost packet where so much is left.
    """
    monkeypatch.setattr(_progress, "monotonic", clock)

    assert expected == share(Progress(left), others)


@pytest.fixture
def dead_and_alive(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """
    The name localhost with a dead address before a living one; gives those that are called.
    """

    def serve(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(ANSWER.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))

    called: list[Any] = []
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    class Recording(socket.socket):
        """
        A socket that tells whom it calls.
        """

        def connect(self, address: Any) -> None:
            called.append(address)
            connect(self, address)

        def connect_ex(self, address: Any) -> int:
            called.append(address)
            return connect_ex(self, address)

    with ExitStack() as stack:
        dead, alive = stack.enter_context(black_hole()), stack.enter_context(server(serve))
        kind = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
        addresses = [(*kind, ("127.0.0.1", port)) for port in (dead, alive)]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: addresses)
        monkeypatch.setattr(socket, "socket", Recording)
        yield called


@pytest.mark.parametrize("kind", ["threads", "loop"])
def test_a_dead_address_is_tried_first_only_once(dead_and_alive: list[Any], kind: str) -> None:
    """
    The second mail does not wait again for the address that did not answer the first.
    """
    request = HTTPRequest(url="http://localhost/", body=b"x")
    with looped() as in_loop:
        transport = HTTPTransport() if kind == "threads" else in_loop
        statuses = [transport.send(request, 2.5).status_code for _ in range(2)]

    assert ([200, 200], 3) == (statuses, len(dead_and_alive))
    assert dead_and_alive[0] != dead_and_alive[1] == dead_and_alive[2]
