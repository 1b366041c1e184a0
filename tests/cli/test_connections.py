from __future__ import annotations

import resource
import socket
import sys
import time
from contextlib import ExitStack, contextmanager
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import requests

from mailfailover.cli import connections
from mailfailover.cli.connections import ConnectionLimits, Server
from tests.cli.running import listening

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

PARTIAL = b"POST /email/api/1.0/send HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999\r\n\r\n"


def hello(environ: dict[str, Any], respond: Callable[..., object]) -> Iterable[bytes]:
    """
    Answer with what was posted.
    """
    respond("200 OK", [("Content-Type", "text/plain")])
    return [environ["wsgi.input"].read()]


@contextmanager
def serving(**limits: Any) -> Iterator[tuple[str, int]]:
    """
    Run a server in a thread; yield its address.
    """
    bound = socket.create_server(("127.0.0.1", 0))
    server = Server(hello, bound, ConnectionLimits(look=0.05, **limits), threads=1, ident=None)
    thread = Thread(target=server.run)
    thread.start()
    try:
        yield bound.getsockname()
    finally:
        server.pull_trigger()
        server.asyncore.close_all(server._map)  # type: ignore[attr-defined]  # the stubs do not know it
        server.task_dispatcher.shutdown()
        thread.join()


@pytest.fixture(name="stack")
def _stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def connect(stack: ExitStack, address: tuple[str, int]) -> socket.socket:
    """
    Open a connection that ends with the test.
    """
    return stack.enter_context(socket.create_connection(address, 30))


def is_ended(one: socket.socket) -> bool:
    """
    Wait until the other side ends a connection.
    """
    try:
        while one.recv(4096):
            pass
    except ConnectionResetError:
        pass
    return True


def ask(one: socket.socket) -> bytes:
    """
    Ask for something small over a connection that stays.
    """
    one.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    return one.recv(4096)


@pytest.mark.parametrize("sent", [b"", PARTIAL, PARTIAL[:20]])
def test_waiting_connections_do_not_stop_the_service(sent: bytes, stack: ExitStack) -> None:
    """
    Beside 300 connections that idle, or bring half a request, everybody else is served.
    """
    with listening("serve", "--preview", "--workers", "0") as (_, url):
        parts = urlsplit(url)
        for _ in range(300):
            one = connect(stack, (str(parts.hostname), int(parts.port or 0)))
            one.sendall(sent)

        answer = requests.get(f"{url}/healthz", timeout=30)

    assert 200 == answer.status_code


def test_one_connection_too_many_ends_the_oldest(stack: ExitStack) -> None:
    """
    Whoever comes new is served; whoever has waited longest makes room.
    """
    with serving(most=3) as address:
        oldest = connect(stack, address)
        others = [connect(stack, address) for _ in range(3)]

        assert b"200 OK" in ask(connect(stack, address))
        assert is_ended(oldest)
        assert b"200 OK" in ask(others[-1])


@pytest.mark.parametrize(
    ("limits", "sent"),
    [
        ({"first": 0.1}, b""),
        ({"idle": 0.1}, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        ({"grace": 0.1}, PARTIAL),
    ],
)
def test_connection_that_takes_too_long_is_ended(
    limits: dict[str, float], sent: bytes, stack: ExitStack
) -> None:
    """
    Before its first byte, between two requests, and within one.
    """
    with serving(**limits) as address:
        one = connect(stack, address)
        one.sendall(sent)

        assert is_ended(one)


def test_dripping_body_is_no_sign_of_life(stack: ExitStack) -> None:
    """
    A byte now and then does not lengthen the time for a request.
    """
    with serving(grace=0.3, rate=1e6) as address:
        one = connect(stack, address)
        one.sendall(PARTIAL)
        ended = False
        while not ended:
            try:
                one.sendall(b"x")
            except OSError:
                ended = True
            time.sleep(0.02)

    assert ended


def test_large_body_has_the_time_it_needs(stack: ExitStack) -> None:
    """
    What comes in fast enough may take longer than the grace.
    """
    with serving(grace=0.1, rate=1.0) as address:
        one = connect(stack, address)
        one.sendall(PARTIAL)
        for _ in range(9):
            time.sleep(0.05)
            one.sendall(b"x" * 111)

        assert b"200 OK" in one.recv(4096)


@pytest.mark.parametrize(
    ("soft", "hard", "expected"),
    [
        (100, 1000, [(1000, 1000)]),
        (100, -1, [(5000, -1)]),
        (9000, 9000, []),
        (-1, -1, []),
    ],
)
def test_limit_of_files_is_raised(
    soft: int, hard: int, expected: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    As far as the system lets us, and never lowered.
    """
    given = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda _, pair: given.append(pair))

    connections._allow_files(5000)

    assert expected == given


def test_system_without_such_a_limit_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Windows has no module for it.
    """
    monkeypatch.setitem(sys.modules, "resource", None)

    connections._allow_files(5000)
