"""
The same faults for the event loop's transport, on the same sockets: the same errors.
"""

from __future__ import annotations

import asyncio
import gc
import time
from queue import SimpleQueue
from socket import MSG_PEEK
from typing import TYPE_CHECKING

import pytest

from mailfailover.errors import ConnectionFailed, InvalidMessage, OutcomeUnknown, SendError
from mailfailover.plugin import Base64, File, HTTPRequest, Response
from mailfailover.testing import Fault, FaultServer, faults
from mailfailover.transports.aio import AsyncHTTPTransport
from tests.faults.test_http_faults import (
    ANY,
    BROKEN,
    LATE,
    PLAIN,
    TIMEOUT,
    TLS,
    Known,
    known,
    mail,
    name,
    not_sent,
    unknown,
)
from tests.transports.sockets import ANSWER, answering, black_hole, drain, server

if TYPE_CHECKING:
    import socket
    from pathlib import Path


# A handshake that is cut off is a reset for asyncio.
DIFFERENT: dict[tuple[str, str], Known] = {
    ("tls_eof", "connecting"): not_sent(BROKEN),
}


def same(cases: list[tuple[Fault, Known]]) -> list[tuple[Fault, Known]]:
    """
    What the transport for threads says, but for the few differences.
    """
    return [(fault, DIFFERENT.get((fault.name, known.stage), known)) for fault, known in cases]


def call(request: HTTPRequest, timeout: float = TIMEOUT, ca_file: str | None = None) -> Response:
    """
    Send *request* in a loop of its own.
    """

    async def once() -> Response:
        transport = AsyncHTTPTransport(ca_file=ca_file)
        try:
            return await transport.send(request, timeout)
        finally:
            await transport.close()

    return asyncio.run(once())


@pytest.mark.parametrize(("fault", "expected"), same([*ANY, *PLAIN]), ids=name)
def test_a_fault(fault: Fault, expected: Known) -> None:
    """
    The error says what is known, no more and no less, and in time.
    """
    with FaultServer() as vendor:
        vendor.fail(fault)
        begun = time.monotonic()
        with pytest.raises(SendError) as caught:
            call(mail(vendor))
        took = time.monotonic() - begun

    assert expected == known(caught.value, vendor.port)
    assert took < TIMEOUT + 1


@pytest.mark.parametrize(("fault", "expected"), same(TLS), ids=name)
def test_a_fault_of_tls(tmp_path: Path, fault: Fault, expected: Known) -> None:
    """
    Whatever goes wrong in the handshake, nothing was sent.
    """
    with FaultServer(tls=True) as vendor:
        assert vendor.certificates is not None
        ca_file = tmp_path / "ca.pem"
        ca_file.write_bytes(vendor.certificates.ca_pem)
        vendor.fail(fault)
        with pytest.raises(SendError) as caught:
            call(mail(vendor), ca_file=str(ca_file))

    assert expected == known(caught.value, vendor.port)


def test_a_stalled_write() -> None:
    """
    A vendor that stops reading holds us no longer than the deadline.
    """
    with FaultServer(receive_buffer=65536) as vendor:
        vendor.fail("hang_before_read")
        body = (memoryview(bytes(32 * 1024 * 1024)),)
        with pytest.raises(OutcomeUnknown) as caught:
            call(HTTPRequest(url=f"{vendor.url}/mail", body=body))

    assert unknown("writing", None, LATE) == known(caught.value, vendor.port)


def test_nobody_answers_the_call() -> None:
    """
    A host that drops our packets is given up after 3 s, however long the call may take.
    """
    with black_hole() as port:
        begun = time.monotonic()
        with pytest.raises(ConnectionFailed) as caught:
            call(HTTPRequest(url=f"http://127.0.0.1:{port}/", body=b"x"), 10)

    assert not_sent(LATE) == known(caught.value, port)
    assert 3 <= time.monotonic() - begun < 3.5


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (
            b"HTTP/1.1 403 No\r\nContent-Length: 99\r\n\r\nhalf",
            Response(403, {"content-length": "99"}, b"half"),
        ),
        (b"HTTP/1.1 307 Away\r\nLocation: /b\r\n\r\n", Response(307, {"location": "/b"})),
    ],
)
def test_a_refusal_is_a_refusal(answer: bytes, expected: Response) -> None:
    """
    A 3xx or 4xx counts by its status, whatever became of the rest.
    """
    with answering(answer) as port:
        response = call(HTTPRequest(url=f"http://127.0.0.1:{port}/", body=b"x"), 5)

    assert expected == response


def test_what_is_on_the_wire() -> None:
    """
    The request is written as it was built, with nothing added but framing and our name.
    """
    with FaultServer() as vendor:
        url = f"{vendor.url}/mail?dry=1&q=%20"
        call(HTTPRequest("PUT", url, {"X-Key": "k", "content-length": "1"}, b"body"), 5)

    (request,) = vendor.requests
    assert ("PUT", "/mail?dry=1&q=%20", b"body") == (request.method, request.path, request.body)
    assert {
        "Host": f"127.0.0.1:{vendor.port}",
        "Accept-Encoding": "identity",
        "X-Key": "k",
        "User-Agent": "mailfailover",
        "Content-Length": "4",
    } == dict(request.headers)


def test_a_body_of_parts(tmp_path: Path) -> None:
    """
    Files and base64 are written as they are read, of a length that was told before.
    """
    path = tmp_path / "file"
    path.write_bytes(b"x" * 300_000)
    body = (b"{", Base64(File(path, 300_000)), memoryview(b"}" * 40_000))
    with FaultServer() as vendor:
        call(HTTPRequest(url=vendor.url, body=body), 5)

    (request,) = vendor.requests
    assert b"{" + b"eHh4" * 100_000 + b"}" * 40_000 == request.body
    assert str(len(request.body)) == request.header("Content-Length")


def test_a_file_that_shrinks_meanwhile(tmp_path: Path) -> None:
    """
    A mail is never sent with half of its attachment.
    """
    path = tmp_path / "file"
    path.write_bytes(bytes(1000))
    size = 8_000_000
    received: SimpleQueue[int] = SimpleQueue()

    def serve(connection: socket.socket) -> None:
        connection.recv(1, MSG_PEEK)  # the first part is being written
        path.write_bytes(bytes(10))
        received.put(drain(connection))

    with server(serve) as port, pytest.raises(InvalidMessage, match="changed its size"):
        body = (memoryview(bytes(size)), File(path, 1000))
        call(HTTPRequest(url=f"http://127.0.0.1:{port}/", body=body), 5)

    assert received.get(timeout=10) < size + 1000


def test_a_file_that_is_gone(tmp_path: Path) -> None:
    """
    A mail without its attachment is not begun.
    """
    body = (b"{", File(tmp_path / "gone", 40_000))
    with FaultServer() as vendor, pytest.raises(InvalidMessage, match="cannot be read"):
        call(HTTPRequest(url=vendor.url, body=body), 5)

    assert () == tuple(vendor.requests)


def test_connections_are_kept_for_one_loop() -> None:
    """
    A loop keeps its connections; another loop gets its own.
    """
    transport = AsyncHTTPTransport()

    async def twice(vendor: FaultServer) -> None:
        await transport.send(mail(vendor), 5)
        await transport.send(mail(vendor), 5)
        await transport.close()
        await transport.close()

    with FaultServer() as vendor:
        asyncio.run(twice(vendor))
        asyncio.run(twice(vendor))

    assert [1, 1, 2, 2] == [request.connection for request in vendor.requests]


# Nobody can close in good order what belongs to a loop that is gone.
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_a_loop_that_is_gone() -> None:
    """
    Its connections are neither used nor closed in another loop.
    """
    transport = AsyncHTTPTransport()
    with FaultServer() as vendor:
        asyncio.run(transport.send(mail(vendor), 5))
        asyncio.run(transport.send(mail(vendor), 5))
        asyncio.run(transport.close())
    gc.collect()

    assert [1, 2] == [request.connection for request in vendor.requests]


@pytest.mark.parametrize(
    ("url", "problem"),
    [("http://vendor.example/", "plain http"), ("nonsense", "not of the form")],
)
def test_an_url_that_is_none(url: str, problem: str) -> None:
    """
    Nothing is sent in the clear, or to nowhere.
    """
    with pytest.raises(SendError, match=f"nothing was sent: .*{problem}") as caught:
        call(HTTPRequest(url=url))

    assert "preparing" == caught.value.stage


def test_no_time_left() -> None:
    """
    A call without time is none.
    """
    with FaultServer() as vendor, pytest.raises(ConnectionFailed, match="no time is left"):
        call(mail(vendor), 0)

    assert () == tuple(vendor.requests)


@pytest.mark.parametrize(
    ("fault", "stage"), [("tls_hang", "connecting"), ("hang_after_read", "written")]
)
def test_a_cancelled_call_tells_its_stage(fault: str, stage: str) -> None:
    """
    Whoever cancels learns whether the mail may have left.
    """

    async def cancelled(vendor: FaultServer) -> object:
        transport = AsyncHTTPTransport()
        task = asyncio.create_task(transport.send(mail(vendor), 5))
        await asyncio.sleep(0.2)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError as exc:
            return getattr(exc, "stage", None)
        finally:
            await transport.close()
        return "not cancelled"

    tls = fault.startswith("tls")
    with FaultServer(tls=tls) as vendor:
        vendor.fail(getattr(faults, fault)())
        assert stage == asyncio.run(cancelled(vendor))


def test_healthy_answer() -> None:
    """
    Status, headers and body come whole.
    """
    with answering(ANSWER) as port:
        response = call(HTTPRequest("GET", f"http://127.0.0.1:{port}/"), 5)

    assert Response(200, {"content-length": "2"}, b"{}") == response
