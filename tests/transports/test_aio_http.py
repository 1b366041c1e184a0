"""
The connections of an event loop: which are kept, and what is written over them.
"""

from __future__ import annotations

import asyncio
import socket
import threading
import tracemalloc
from queue import SimpleQueue
from typing import TYPE_CHECKING

import pytest

from mailfailover.errors import ConnectionFailed, InvalidMessage, OutcomeUnknown, RequestRefused
from mailfailover.plugin import File, HTTPRequest, Response
from mailfailover.testing import CannedResponse, FaultServer, faults
from mailfailover.transports._aio_dial import connect
from mailfailover.transports._answer import Answer
from mailfailover.transports._progress import Progress
from mailfailover.transports._target import find_target
from mailfailover.transports._tls import TLS
from mailfailover.transports.aio import AsyncHTTPTransport
from tests.transports.looped import Looped, looped, loops
from tests.transports.sockets import ANSWER, answering, black_hole, drain, server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY = "key-7d1f"


@pytest.fixture(params=loops(), ids=lambda make: make.__module__)
def transport(request: pytest.FixtureRequest) -> Iterator[Looped]:
    """
    A transport with nothing configured, in each kind of loop.
    """
    with looped(request.param) as made:
        yield made


def mail(vendor: FaultServer, body: bytes | tuple[memoryview, ...] = b"{}") -> HTTPRequest:
    """
    A mail to *vendor*.
    """
    return HTTPRequest(url=f"{vendor.url}/mail", body=body)


def connections(vendor: FaultServer) -> list[int]:
    """
    Over which connection each request came.
    """
    return [request.connection for request in vendor.requests]


def test_connections_are_kept(tls_vendor: FaultServer, vendor: FaultServer, ca_file: str) -> None:
    """
    The next call to the same origin goes over the same connection.
    """
    with looped(ca_file=ca_file) as transport:
        for _ in range(3):
            transport.send(mail(tls_vendor), 5)
            transport.send(mail(vendor), 5)

    assert (1, 1) == (tls_vendor.connections, vendor.connections)


def test_a_stale_connection_is_noticed(transport: Looped, vendor: FaultServer) -> None:
    """
    What the vendor closed while the loop stood still is replaced before anything is written.
    """
    transport.send(mail(vendor), 5)
    vendor.drop_connections()
    transport.send(mail(vendor), 5)

    assert [1, 2] == connections(vendor)


@pytest.mark.parametrize("last", [b"", b"HTTP/1.1 408 Timeout\r\n\r\n"], ids=["end", "noise"])
def test_the_loop_notices_it_too(transport: Looped, last: bytes) -> None:
    """
    What ends or speaks while it is idle is not used again.
    """
    seen = []

    def serve(connection: socket.socket) -> None:
        seen.append(connection.recv(65536))
        connection.sendall(ANSWER)
        if len(seen) == 1:
            connection.sendall(last)
            connection.shutdown(socket.SHUT_WR)
        connection.recv(1)

    with server(serve) as port:
        for _ in range(2):
            transport.send(HTTPRequest(url=f"http://127.0.0.1:{port}/", body=b"x"), 5)
            transport.runner.run(asyncio.sleep(0.05))

    assert 2 == len(seen)


@pytest.mark.parametrize(("idle", "expected"), [(0.0, [1, 2]), (30.0, [1, 1])])
def test_an_old_connection_is_closed(vendor: FaultServer, idle: float, expected: list[int]) -> None:
    """
    A connection that was idle for too long is closed instead of used again.
    """
    with looped(idle=idle) as transport:
        transport.send(mail(vendor), 5)
        transport.send(mail(vendor), 5)

    assert expected == connections(vendor)


def test_old_ones_are_closed_while_others_are_in_use() -> None:
    """
    Connections of a busy hour do not stay open for ever.
    """
    ended: SimpleQueue[int] = SimpleQueue()

    def serve(connection: socket.socket) -> None:
        while connection.recv(65536):
            connection.sendall(ANSWER)
        ended.put(1)

    async def use(port: int) -> None:
        transport = AsyncHTTPTransport(idle=0.3)
        request = HTTPRequest(url=f"http://127.0.0.1:{port}/", body=b"x")
        await asyncio.gather(*(transport.send(request, 5) for _ in range(3)))
        for _ in range(3):
            await asyncio.sleep(0.2)
            await transport.send(request, 5)
        await asyncio.to_thread(ended.get, timeout=5)
        await asyncio.to_thread(ended.get, timeout=5)
        await transport.close()

    with server(serve) as port:
        asyncio.run(use(port))
        assert 1 == ended.get(timeout=5)


def test_a_closed_transport_lets_a_call_end(vendor: FaultServer) -> None:
    """
    The connection in use is closed when the call is over.
    """
    vendor.fail(faults.slow(0.2), times=1)

    async def use() -> list[int]:
        transport = AsyncHTTPTransport()
        call = asyncio.create_task(transport.send(mail(vendor), 5))
        await asyncio.sleep(0.1)
        await transport.close()
        first = await call
        second = await transport.send(mail(vendor), 5)
        await transport.close()
        return [first.status_code, second.status_code]

    assert [200, 200] == asyncio.run(use())
    assert [1, 2] == connections(vendor)


def test_a_broken_connection_is_not_kept(transport: Looped, vendor: FaultServer) -> None:
    """
    After any failure the next mail goes over a new connection.
    """
    vendor.script(["truncate", "huge_body", "hang_after_read", None, None])
    for _ in range(3):
        with pytest.raises(OutcomeUnknown):
            transport.send(mail(vendor), 0.5)
    transport.send(mail(vendor), 5)
    transport.send(mail(vendor), 5)

    assert [1, 2, 3, 4, 4] == connections(vendor)


def test_an_answer_that_ends_the_connection(transport: Looped) -> None:
    """
    A vendor that says it will close is taken at its word.
    """
    headers = (("Connection", "close"),)
    with FaultServer(lambda _: CannedResponse(200, b"{}", headers)) as vendor:
        transport.send(mail(vendor), 5)
        transport.send(mail(vendor), 5)

        assert [1, 2] == connections(vendor)


def test_nothing_is_sent_twice(transport: Looped, vendor: FaultServer) -> None:
    """
    One call is one request, however it ends.
    """
    vendor.script(["close_after_read", "unavailable", "rate_limited"])
    with pytest.raises(OutcomeUnknown):
        transport.send(mail(vendor), 5)
    statuses = [transport.send(mail(vendor), 5).status_code for _ in range(2)]

    assert ([503, 429], 3) == (statuses, len(vendor.requests))


@pytest.mark.parametrize("status", [413, 200])
def test_an_early_answer_counts(transport: Looped, status: int) -> None:
    """
    A vendor may answer before it has read all of a large mail; the connection is of no use then.
    """
    done = threading.Event()
    seen = []

    def serve(connection: socket.socket) -> None:
        seen.append(connection.recv(1))
        connection.sendall(b"HTTP/1.1 %d Early\r\nContent-Length: 0\r\n\r\n" % status)
        done.wait(10)

    with server(serve) as port:
        request = HTTPRequest(url=f"http://127.0.0.1:{port}/", body=bytes(32 * 1024 * 1024))
        responses = [transport.send(request, 10) for _ in range(2)]
        done.set()

    assert [Response(status, {"content-length": "0"})] * 2 == responses
    assert 2 == len(seen)


def test_a_reset_within_a_large_mail(transport: Looped) -> None:
    """
    Some of it was written, not all of it.
    """

    def serve(connection: socket.socket) -> None:
        connection.recv(1)
        connection.close()  # with bytes unread: a reset

    with server(serve) as port, pytest.raises(OutcomeUnknown) as caught:
        body = (memoryview(bytes(8 * 1024 * 1024)),)
        transport.send(HTTPRequest(url=f"http://127.0.0.1:{port}/", body=body), 5)

    assert "writing" == caught.value.stage


def test_a_cancelled_upload(vendor: FaultServer) -> None:
    """
    A mail of which some was written may have been sent, as far as anybody can tell.
    """
    vendor.fail("hang_before_read")

    async def use() -> object:
        transport = AsyncHTTPTransport()
        body = (memoryview(bytes(32 * 1024 * 1024)),)
        task = asyncio.create_task(transport.send(mail(vendor, body), 5))
        await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await task
        await transport.close()
        return getattr(caught.value, "stage", None)

    assert "writing" == asyncio.run(use())


def test_a_cancelled_dial() -> None:
    """
    A connection that is given up before it stands leaves no socket behind.
    """

    async def use(port: int) -> object:
        transport = AsyncHTTPTransport()
        request = HTTPRequest(url=f"http://127.0.0.1:{port}/", body=b"x")
        task = asyncio.create_task(transport.send(request, 5))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await task
        return getattr(caught.value, "stage", None)

    with black_hole() as port:
        assert "connecting" == asyncio.run(use(port))


def test_a_small_request_is_one_write(transport: Looped) -> None:
    """
    Head and body leave together, so that they share a packet.
    """
    received = []

    def serve(connection: socket.socket) -> None:
        received.append(connection.recv(65536))
        connection.sendall(ANSWER)

    with server(serve) as port:
        transport.send(HTTPRequest(url=f"http://127.0.0.1:{port}/", body=b"x" * 2000), 5)

    assert received[0].endswith(b"\r\n\r\n" + b"x" * 2000)


def test_a_large_attachment_is_hardly_copied(transport: Looped) -> None:
    """
    10 MiB go out with under a tenth of that in new memory.
    """
    size = 10 * 1024 * 1024
    received = []

    def serve(connection: socket.socket) -> None:
        received.append(drain(connection))
        connection.sendall(ANSWER)

    content = memoryview(bytes(size))
    with server(serve) as port:
        request = HTTPRequest(url=f"http://127.0.0.1:{port}/", body=(b"{", content, b"}"))
        tracemalloc.start()
        transport.send(request, 20)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()

    assert [size + 2] == received
    assert peak < size / 10


@pytest.mark.parametrize(
    ("method", "expected"), [("POST", "0"), ("GET", ""), ("HEAD", ""), ("DELETE", "")]
)
def test_a_call_without_a_body(
    transport: Looped, vendor: FaultServer, method: str, expected: str
) -> None:
    """
    It says so where one could be expected.
    """
    transport.send(HTTPRequest(method, f"{vendor.url}/mail"), 5)

    (request,) = vendor.requests
    assert (method, expected) == (request.method, request.header("Content-Length"))


@pytest.mark.parametrize(
    "request_",
    [
        HTTPRequest(headers={"X-Key": f"{KEY}\r\nX: y"}),
        HTTPRequest(headers={"X-Key": f"{KEY}\u2028"}),
        HTTPRequest(method=None),  # type: ignore[arg-type]  # nonsense, on purpose
    ],
    ids=["line break", "not Latin-1", "no method"],
)
def test_a_malformed_request(transport: Looped, vendor: FaultServer, request_: HTTPRequest) -> None:
    """
    What cannot be written is the adapter's fault; its text quotes nothing.
    """
    whole = HTTPRequest(request_.method, f"{vendor.url}/mail", request_.headers, b"x")
    with pytest.raises(RequestRefused) as caught:
        transport.send(whole, 5)

    assert str(caught.value).startswith("nothing was sent: the request is malformed: ")
    assert KEY not in f"{caught.value!r} {caught.value.__cause__!r}"
    assert 0 == vendor.connections


def test_a_name_that_is_unknown(transport: Looped, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    No address, nothing sent.
    """

    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(ConnectionFailed) as caught:
        transport.send(HTTPRequest(url="https://nobody.invalid/", body=b"x"), 5)

    text = "nothing was sent: the name of nobody.invalid:443 cannot be resolved"
    assert (text, "connecting") == (str(caught.value), caught.value.stage)


def test_a_dead_address_among_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The addresses of a name share the time to connect, so that the second gets its turn.
    """
    with black_hole() as dead, answering(ANSWER) as alive:
        kind = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
        addresses = [(*kind, ("127.0.0.1", dead)), (*kind, ("127.0.0.1", alive))]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: addresses)
        with looped() as transport:
            response = transport.send(HTTPRequest(url="http://localhost/", body=b"x"), 2.5)

    assert 200 == response.status_code


def test_a_name_without_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A resolver that knows the name but no address leads nowhere.
    """
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [])
    with looped() as transport, pytest.raises(ConnectionFailed, match="OSError at localhost:80"):
        transport.send(HTTPRequest(url="http://localhost/", body=b"x"), 5)


@pytest.mark.parametrize("greeting", [b"", b"220 mail.example ESMTP\r\n"], ids=["end", "words"])
def test_a_connection_that_is_none(greeting: bytes) -> None:
    """
    To what ended, or spoke before it was asked, nothing is written.
    """

    def serve(connection: socket.socket) -> None:
        connection.sendall(greeting)
        connection.shutdown(socket.SHUT_WR)
        connection.recv(1)

    async def use(port: int) -> None:
        target = find_target(f"http://127.0.0.1:{port}/")
        progress = Progress(5)
        connection = await connect(target, None, TLS(None), progress)
        await asyncio.sleep(0.1)
        await connection.exchange(b"x", b"", Answer(progress.answered, 1000), progress)

    with server(serve) as port, pytest.raises(ConnectionError, match="before anything was written"):
        asyncio.run(use(port))


def test_the_first_reason_counts() -> None:
    """
    A connection that breaks is told of as reset, although it then ends too.
    """

    async def use(port: int) -> None:
        target = find_target(f"http://127.0.0.1:{port}/")
        progress = Progress(5)
        connection = await connect(target, None, TLS(None), progress)
        answer = Answer(progress.answered, 1000)
        call = asyncio.create_task(connection.exchange(b"x", b"", answer, progress))
        await asyncio.sleep(0)
        connection.connection_lost(ConnectionResetError())
        connection.connection_lost(None)
        await call

    def serve(connection: socket.socket) -> None:
        connection.recv(2)

    with server(serve) as port, pytest.raises(ConnectionResetError):
        asyncio.run(use(port))


def test_a_file_that_is_gone(transport: Looped, vendor: FaultServer, tmp_path: Path) -> None:
    """
    It is found before anything is connected.
    """
    body = (b"{", File(tmp_path / "gone", 3))
    with pytest.raises(InvalidMessage, match="cannot be read"):
        transport.send(HTTPRequest(url=f"{vendor.url}/mail", body=body), 5)

    assert 0 == vendor.connections


def test_an_answer_that_ends_with_the_connection(transport: Looped) -> None:
    """
    Without a length all that came is the body.
    """
    with answering(b"HTTP/1.0 200 OK\r\n\r\nhello") as port:
        response = transport.send(HTTPRequest(url=f"http://127.0.0.1:{port}/", body=b"x"), 5)

    assert Response(200, {}, b"hello") == response


def test_an_error_carries_no_secret(transport: Looped, vendor: FaultServer) -> None:
    """
    Its cause says what the system said.
    """
    vendor.fail("reset_after_read")
    url = f"{vendor.url}/mail?token={KEY}"
    with pytest.raises(OutcomeUnknown) as caught:
        transport.send(HTTPRequest(url=url, headers={"X-Key": KEY}, body=KEY.encode()), 5)

    assert KEY not in f"{caught.value!r} {caught.value.__cause__!r}"
    assert "ConnectionResetError: Connection reset by peer" == str(caught.value.__cause__)
