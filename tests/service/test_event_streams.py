from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import threading
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy.exc import OperationalError

from mailfailover.cli.connections import ConnectionLimits, Server
from mailfailover.service.event_news import LIFETIME
from mailfailover.service.event_streams import MOST_UNREAD, EventStreams, Stream
from mailfailover.testing import PLAIN
from tests.service.test_wiring import GUNICORN, _listening_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from flask import Flask

    from mailfailover.service.parts import Service

PATH = "/email/api/1.0/events"
STREAMS = 200


class World:
    """
    One connection whose stream is told by hand, at a time that stands still.
    """

    def __init__(self) -> None:
        self.ours, self.theirs = socket.socketpair()
        self.stream = Stream(self.ours, b"head ", "subject", lambda: self.mails, 0.0)
        self.mails: Sequence[Mapping[str, Any]] = []

    def read(self) -> str:
        return self.theirs.recv(100_000).decode()


@pytest.fixture(name="world")
def _world() -> Iterator[World]:
    world = World()
    with world.ours, world.theirs:
        yield world


def test_stream_tells_what_is_new(world: World) -> None:
    """
    The head comes first, then each mail once.
    """
    mail = {"id": "m1", "state": "sent"}

    assert [True, True] == [world.stream.tell([mail], now) for now in (0.0, 1.0)]
    assert 'head event: mail\ndata: {"id": "m1", "state": "sent"}\n\n' == world.read()


def test_stream_ends_with_its_time(world: World) -> None:
    """
    A stream that has lived for long enough goes on no more.
    """
    assert not world.stream.tell([], LIFETIME)


def test_stream_ends_when_its_client_goes(world: World) -> None:
    """
    A client that has closed its end is noticed although there are no news.
    """
    world.theirs.close()

    assert not world.stream.tell([], 1.0)


def test_stream_ends_with_a_client_that_reads_nothing(world: World) -> None:
    """
    Only so much is kept for a client that does not read.
    """
    mails = [{"id": "m1", "text": "x" * MOST_UNREAD}]

    told = [world.stream.tell([{**mails[0], "turn": turn}], 0.0) for turn in range(4)]

    assert not told[-1]


def test_what_a_client_did_not_take_yet_comes_later(world: World) -> None:
    """
    News longer than a socket's buffer arrive whole.
    """
    mail = {"id": "m1", "text": "x" * (MOST_UNREAD - 100)}
    found = ""
    while not found.endswith("\n\n"):
        assert world.stream.tell([mail], 0.0)
        found += world.read()

    assert f'head event: mail\ndata: {{"id": "m1", "text": "{mail["text"]}"}}\n\n' == found


def test_streams_of_a_database_that_is_away_end(world: World) -> None:
    """
    A look that fails ends the stream; the browser comes again.
    """

    def fail() -> Sequence[Mapping[str, Any]]:
        raise OperationalError("SELECT", None, Exception("away"))

    world.stream.look = fail
    slept = threading.Event()
    streams = EventStreams(lambda: 0.0, lambda _: slept.set())
    streams.add(world.stream, [])

    assert slept.wait(5)
    assert "head " == world.read()
    assert "" == world.read()


def test_stream_whose_client_is_gone_starts_no_thread(world: World) -> None:
    """
    A connection that broke before its first event is only closed.
    """
    world.theirs.close()
    before = threading.active_count()
    EventStreams().add(world.stream, [])

    assert (before, -1) == (threading.active_count(), world.ours.fileno())


@contextmanager
def serving(app: Flask) -> Iterator[int]:
    """
    Serve as ``mailfailover serve`` does, with few threads; yield the port.
    """
    bound = socket.create_server(("127.0.0.1", 0), backlog=1024)
    server = Server(app, bound, ConnectionLimits(), threads=2, ident=None)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield bound.getsockname()[1]
    finally:
        server.pull_trigger()
        server.asyncore.close_all(server._map)  # type: ignore[attr-defined]  # the stubs do not know it
        server.task_dispatcher.shutdown()
        thread.join()


def follow(stack: ExitStack, port: int, count: int) -> list[http.client.HTTPResponse]:
    """
    Open so many streams.
    """
    found = []
    for _ in range(count):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        stack.callback(connection.close)
        connection.request("GET", PATH)
        answer = connection.getresponse()
        stack.callback(answer.close)
        found.append(answer)
    return found


def read_id(answer: http.client.HTTPResponse) -> str:
    """
    Read a stream up to its next mail.
    """
    while not (line := answer.readline()).startswith(b"data: "):
        assert line, "the stream has ended"
    return line.decode().partition('"id": "')[2].partition('"')[0]


def test_streams_hold_no_threads(app: Flask, service: Service) -> None:
    """
    Two threads serve 20 streams and further requests; each stream is told of a new mail.
    """
    with serving(app) as port, ExitStack() as stack:
        before = threading.active_count()
        streams = follow(stack, port, 20)
        service.outbox.add(PLAIN)

        assert [PLAIN.id] * 20 == [read_id(one) for one in streams]
        assert before + 1 == threading.active_count()
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        stack.callback(connection.close)
        connection.request("GET", "/healthz")
        assert 200 == connection.getresponse().status


def test_stream_has_the_headers_of_any_answer(app: Flask) -> None:
    """
    The head that the stream writes itself is that of the application.
    """
    with serving(app) as port, ExitStack() as stack:
        (answer,) = follow(stack, port, 1)

        assert 200 == answer.status
        assert "text/event-stream; charset=utf-8" == answer.getheader("Content-Type")
        assert "nosniff" == answer.getheader("X-Content-Type-Options")
        assert "no-store" == answer.getheader("Cache-Control")
        assert "close" == answer.getheader("Connection")
        assert b"retry: 500\n" == answer.readline()


def test_too_many_streams_come_later(app: Flask, service: Service) -> None:
    """
    A process takes only so many.
    """
    service.event_streams.most = 1
    with serving(app) as port, ExitStack() as stack:
        first, second = follow(stack, port, 2)

        assert b"retry: 500\n" == first.readline()
        assert b"retry: 10000\n" == second.readline()


def test_gunicorn_holds_no_thread_for_a_stream(tmp_path: Path) -> None:
    """
    200 streams at one process with 16 threads: one thread more, and each is told.
    """
    log = tmp_path / "log"
    environment = {
        "MAILFAILOVER_DSN": "null://",
        "MAILFAILOVER_DATABASE": f"sqlite:///{tmp_path}/mails.db",
        "WEB_CONCURRENCY": "1",
    }
    command = [sys.executable, "-m", "gunicorn", *GUNICORN]
    with (
        log.open("w") as output,
        subprocess.Popen(command, env=os.environ | environment, stderr=output) as process,
        ExitStack() as stack,
    ):
        stack.callback(process.terminate)
        port = int(_listening_at(log).rpartition(":")[2])
        streams = follow(stack, port, STREAMS)
        poster = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        stack.callback(poster.close)
        form = "to=ann%40example.org&from_email=shop%40example.com&subject=Hi&text=Hi"
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        poster.request("POST", "/email/api/1.0/send", form, headers)
        answer = poster.getresponse().read().decode()

        assert 1 == len({read_id(one) for one in streams}), answer
        assert _threads_of_child(process.pid) <= 16 + 6


def _threads_of_child(pid: int) -> int:
    (child,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return len(list(Path(f"/proc/{child}/task").iterdir()))
