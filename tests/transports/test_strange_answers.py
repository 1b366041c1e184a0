"""
Answers that are none, or more than one, on real sockets: the same for threads and event loops.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Protocol

import pytest

from mailfailover.errors import OutcomeUnknown
from mailfailover.plugin import HTTPRequest, Response
from mailfailover.transports.http import HTTPTransport
from tests.transports.looped import looped, loops
from tests.transports.sockets import answering, server

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator

    class AnyTransport(Protocol):
        def send(self, request: HTTPRequest, timeout: float) -> Response: ...


YES = b'HTTP/1.1 202 Accepted\r\nContent-Length: 9\r\n\r\n{"id": 1}'
NO = b"HTTP/1.1 422 No\r\nContent-Length: 2\r\n\r\n{}"
ACCEPTED = Response(202, {"content-length": "9"}, b'{"id": 1}')
REFUSED = Response(422, {"content-length": "2"}, b"{}")
IN_CHUNKS = b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(params=["threads", *loops()], ids=lambda made: getattr(made, "__module__", made))
def transport(request: pytest.FixtureRequest) -> Iterator[AnyTransport]:
    """
    Each transport for HTTP, in each kind of loop.
    """
    if request.param == "threads":
        made = HTTPTransport()
        yield made
        made.close()
    else:
        with looped(request.param) as in_loop:
            yield in_loop


def mail(port: int) -> HTTPRequest:
    """
    A mail to the vendor at *port*.
    """
    return HTTPRequest(url=f"http://127.0.0.1:{port}/mail", body=b"x")


def scripted(*answers: bytes) -> tuple[Callable[[socket.socket], None], list[int]]:
    """
    A vendor that gives *answers* in turn, over any connections, and the connection of each.
    """
    waiting = iter(answers)
    used: list[int] = []

    def serve(connection: socket.socket) -> None:
        number = max(used, default=0) + 1
        while connection.recv(65536):
            used.append(number)
            connection.sendall(next(waiting))

    return serve, used


@pytest.mark.parametrize(
    "interim",
    [
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 102 Processing\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n",
        b"HTTP/1.1 199 Other\r\nContent-Length: 5\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\n\r\n" * 3,
    ],
    ids=["100", "102", "103", "199", "several"],
)
def test_an_interim_answer_is_skipped(transport: AnyTransport, interim: bytes) -> None:
    """
    The next mail never gets the answer to the one before.
    """
    serve, used = scripted(interim + YES, NO)
    with server(serve) as port:
        answers = [transport.send(mail(port), 5) for _ in range(2)]

    assert ([ACCEPTED, REFUSED], [1, 1]) == (answers, used)


def test_an_interim_answer_that_comes_first(transport: AnyTransport) -> None:
    """
    The same where the final answer takes its time.
    """
    told: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        while data := connection.recv(65536):
            told.append(data)
            connection.sendall(b"HTTP/1.1 103 Early Hints\r\n\r\n")
            time.sleep(0.05)
            connection.sendall(YES if len(told) == 1 else NO)

    with server(serve) as port:
        answers = [transport.send(mail(port), 5) for _ in range(2)]

    assert [ACCEPTED, REFUSED] == answers


@pytest.mark.parametrize(
    "more", [YES, b"\r\n", b"x", b"HTTP/1.1 103 Early Hints\r\n\r\n"], ids=repr
)
def test_what_follows_an_answer(transport: AnyTransport, more: bytes) -> None:
    """
    A second answer, or anything else that nobody asked for, ends the connection.
    """
    serve, used = scripted(YES + more, NO)
    with server(serve) as port:
        answers = [transport.send(mail(port), 5) for _ in range(2)]

    assert ([ACCEPTED, REFUSED], [1, 2]) == (answers, used)


def test_what_follows_an_answer_later(transport: AnyTransport) -> None:
    """
    The same where it comes while the connection is idle.
    """
    told: list[int] = []

    def serve(connection: socket.socket) -> None:
        connection.recv(65536)
        told.append(1)
        connection.sendall(YES if len(told) == 1 else NO)
        connection.sendall(YES)
        connection.recv(1)

    with server(serve) as port:
        first = transport.send(mail(port), 5)
        time.sleep(0.1)
        second = transport.send(mail(port), 5)

    assert (ACCEPTED, REFUSED) == (first, second)


def test_another_protocol_that_nobody_asked_for(transport: AnyTransport) -> None:
    """
    A 101 is the last that HTTP says over a connection.
    """
    serve, used = scripted(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", NO)
    with server(serve) as port:
        answers = [transport.send(mail(port), 5) for _ in range(2)]

    assert ([Response(101, {"upgrade": "x"}), REFUSED], [1, 2]) == (answers, used)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 202 Accepted\r\n",
        b"HTTP/1.1 202 Accepted\r\nContent-Length: 9\r\n",
        b"HTTP/1.1 202 Accepted\nContent-Length: 2\n\n{}",
        b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\n\n{}",
        b"HTTP/1.1 202 Accepted\rContent-Length: 2\r\r{}",
        b"HTTP/1.1 202 Accepted\r\nA: b\rContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 +202 Accepted\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1  202 Accepted\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 2020 Accepted\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/0.9 202 Accepted\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/2.0 202 Accepted\r\nContent-Length: 2\r\n\r\n{}",
        b"\r\nHTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 202 Accepted\r\n Content-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 202 Accepted\r\nContent-Length : 2\r\n\r\n{}",
        b"HTTP/1.1 202 Accepted\r\nno field\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 202 Accepted\r\nA: \0\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\nContent-Length: 1\r\n\r\n{}",
        b"HTTP/1.1 202 Accepted\r\nContent-Length: 2, 1\r\n\r\n{}",
        b"HTTP/1.1 202 Accepted\r\nContent-Length: +2\r\n\r\n{}",
        b"HTTP/1.1 202 Accepted\r\nContent-Length: 0x2\r\n\r\n{}",
        b"HTTP/1.1 202 Accepted\r\nContent-Length: " + b"1" * 5000 + b"\r\n\r\n{}",
        b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: gzip\r\n\r\n{}",
        b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: identity\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        *(
            IN_CHUNKS + body
            for body in (
                b"+2\r\n{}\r\n0\r\n\r\n",
                b"0x2\r\n{}\r\n0\r\n\r\n",
                b"0_2\r\n{}\r\n0\r\n\r\n",
                b" 2\r\n{}\r\n0\r\n\r\n",
                b"2\n{}\r\n0\r\n\r\n",
                b"2\r\n{}\n0\r\n\r\n",
                b"2\r\n{}0\r\n\r\n",
                b"1\r\n{}\r\n0\r\n\r\n",
                b"2\r\n{}\r\n0\r\n",
                b"2\r\n{}\r\n0\n\n",
                b"2\r\n{}\r\n0\r\nno field\r\n\r\n",
                b"f" * 5000 + b"\r\n",
            )
        ),
    ],
    ids=lambda answer: repr(answer)[2:90],
)
def test_what_is_no_answer(
    transport: AnyTransport, answer: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """
    It may have been sent: an answer that is not one says nothing, and the log nothing either.
    """
    caplog.set_level(logging.DEBUG)
    with answering(answer) as port, pytest.raises(OutcomeUnknown):
        transport.send(mail(port), 5)

    assert [] == [record for record in caplog.records if record.name != asyncio.__name__]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\n\n",
        b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\nContent-Length: 1\r\n\r\n",
        IN_CHUNKS + b"2\n",
        b"HTTP/1.1 202 Accepted\n",
    ],
    ids=repr,
)
def test_nobody_waits_for_more_of_it(transport: AnyTransport, answer: bytes) -> None:
    """
    What can become no answer is given up at once, although the vendor keeps the connection.
    """

    def serve(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(answer)
        connection.recv(1)

    with server(serve) as port, pytest.raises(OutcomeUnknown) as caught:
        transport.send(mail(port), 30)

    assert "in time" not in str(caught.value)


@pytest.mark.parametrize("status", [302, 403, 429])
def test_a_refusal_counts_however_it_goes_on(transport: AnyTransport, status: int) -> None:
    """
    With a status of 3xx or 4xx the vendor has refused, and the rest would only say why.
    """
    answer = b"HTTP/1.1 %d No\r\nContent-Length: 2\r\nContent-Length: 1\r\n\r\n{}" % status
    with answering(answer) as port:
        response = transport.send(mail(port), 5)

    assert Response(status, {"content-length": "2, 1"}) == response
