"""
Answers that arrive in pieces: what is made of them, and when they are whole.
"""

from __future__ import annotations

import gzip
from http.client import HTTPException, IncompleteRead, RemoteDisconnected

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailfailover.plugin import Response
from mailfailover.transports._aio_answer import MAX_HEAD, Answer
from mailfailover.transports._answer_body import UnreadableBodyError
from mailfailover.transports._progress import Progress

LENGTH_0 = {"content-length": "0"}
LENGTH_2 = {"content-length": "2"}
CHUNKED = {"transfer-encoding": "chunked"}
IN_CHUNKS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def fed(data: bytes, size: int, *, limit: int = 1000, is_head: bool = False) -> tuple[Answer, bool]:
    """
    Feed *data* in pieces of *size*; the answer, and whether it was whole with the last.
    """
    answer = Answer(Progress(5), limit, is_head=is_head)
    is_whole = False
    for start in range(0, len(data), size):
        assert not is_whole
        is_whole = answer.feed(data[start : start + size])
    return answer, is_whole


@pytest.mark.parametrize("size", [1, 7, 1000], ids=["bytes", "pieces", "whole"])
@pytest.mark.parametrize(
    ("data", "expected", "is_last"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", Response(200, LENGTH_2, b"{}"), False),
        (b"HTTP/1.1 200\nContent-Length: 2\n\n{}", Response(200, LENGTH_2, b"{}"), False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", Response(200, LENGTH_0), False),
        (b"HTTP/1.1 204 No Content\r\n\r\n", Response(204), False),
        (b"HTTP/1.1 101 Other\r\n\r\n", Response(101), False),
        (
            b"HTTP/1.1 100 Continue\r\nA: b\r\n\r\nHTTP/1.1 103 H\r\n\r\nHTTP/1.1 304 N\r\n\r\n",
            Response(304),
            False,
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\n{}",
            Response(200, {"content-length": "2, 2"}, b"{}"),
            False,
        ),
        (
            b"HTTP/1.1 204 OK\r\nConnection: Close\r\n\r\n",
            Response(204, {"connection": "Close"}),
            True,
        ),
        (b"HTTP/1.0 204 OK\r\n\r\n", Response(204), True),
        (
            b"HTTP/1.0 204 OK\r\nConnection: keep-alive\r\n\r\n",
            Response(204, {"connection": "keep-alive"}),
            False,
        ),
        (
            IN_CHUNKS + b"5\r\nhello\r\n1 ;a=b\r\n!\r\n0\r\nA: trailer\r\n\r\n",
            Response(200, CHUNKED, b"hello!"),
            False,
        ),
    ],
)  # fmt: skip
def test_an_answer(data: bytes, expected: Response, is_last: bool, size: int) -> None:
    """
    It is whole with its last byte, however it is cut.
    """
    answer, is_whole = fed(data, size)

    assert (True, expected, is_last) == (is_whole, answer.response(), answer.is_last)


@given(
    st.lists(st.binary(min_size=1, max_size=40), max_size=8),
    st.integers(min_value=1, max_value=50),
)
def test_chunks_are_put_together(chunks: list[bytes], size: int) -> None:
    """
    However the vendor and the network cut a body, it comes whole.
    """
    body = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    answer, is_whole = fed(IN_CHUNKS + body + b"0\r\n\r\n", size)

    assert (True, b"".join(chunks)) == (is_whole, answer.response().body)


def test_no_body_comes_after_head() -> None:
    """
    The length in an answer to HEAD is that of a body which is not sent.
    """
    answer, is_whole = fed(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", 9, is_head=True)

    assert (True, Response(200, LENGTH_2)) == (is_whole, answer.response())


def test_what_follows_is_not_trusted() -> None:
    """
    Nothing was asked that more could be the answer to.
    """
    answer, is_whole = fed(b"HTTP/1.1 204 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", 1000)

    assert (True, True, 204) == (is_whole, answer.is_last, answer.status)


@pytest.mark.parametrize("framing", [b"", b"Content-Length: -2\r\n", b"Content-Length: \xb2\r\n"])
def test_without_a_length_it_ends_with_the_connection(framing: bytes) -> None:
    """
    All that came until then is the body.
    """
    answer, is_whole = fed(b"HTTP/1.1 200 OK\r\n" + framing + b"\r\nhello", 3)
    answer.end()

    assert (False, b"hello", True) == (is_whole, answer.response().body, answer.is_last)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", RemoteDisconnected),
        (b"HTTP/1.1 200", IncompleteRead),
        (b"HTTP/1.1 200 OK\r\nA: b\r\n", IncompleteRead),
        (b"HTTP/1.1 100 Continue\r\n\r\n", RemoteDisconnected),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", IncompleteRead),
        (IN_CHUNKS + b"5\r\nhello\r\n", IncompleteRead),
    ],
)
def test_it_breaks_off(data: bytes, kind: type[Exception]) -> None:
    """
    What is not whole is none, and nothing at all is told from something.
    """
    answer, _ = fed(data, 1000)

    with pytest.raises(kind):
        answer.end()


def test_what_broke_off_is_there() -> None:
    """
    A refusal counts by its status, and the rest may tell why.
    """
    answer, _ = fed(b"HTTP/1.1 403 No\r\nContent-Length: 9\r\n\r\nhalf", 3)

    assert Response(403, {"content-length": "9"}, b"half") == answer.response()


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"garbage\r\n", 0),
        (b"HTTP/2.0 200 OK\r\n", 0),
        (b"HTTP/1.1 20 OK\r\n", 0),
        (b"HTTP/1.1 0200 OK\r\n", 0),
        (b"HTTP/1.1 \xb200 OK\r\n", 0),
        (b"x" * (MAX_HEAD + 1), 0),
        (b"HTTP/1.1 429 Slow\r\nA: " + b"x" * MAX_HEAD, 429),
        (b"HTTP/1.1 429 Slow\r\n" + b"A: b\r\n" * 101 + b"\r\n", 429),
        (IN_CHUNKS + b"-5\r\n", 200),
        (IN_CHUNKS + b"5x\r\n", 200),
        (IN_CHUNKS + b"2\r\n{}5\r\n", 200),
        (IN_CHUNKS + b"5;" + b"x" * MAX_HEAD, 200),
    ],
)  # fmt: skip
def test_what_is_no_answer(data: bytes, status: int) -> None:
    """
    It is given up at once, with the status if there was one.
    """
    answer = Answer(Progress(5), 1000)

    with pytest.raises(HTTPException):
        answer.feed(data)

    assert status == answer.status


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1001,
        b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n" + b"x" * 1001,
        IN_CHUNKS + b"ffff\r\n" + b"x" * 1001,
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n"
        % len(gzip.compress(bytes(1001)))
        + gzip.compress(bytes(1001)),
    ],
    ids=["endless", "length", "chunks", "packed"],
)
def test_it_is_too_large(data: bytes) -> None:
    """
    No more is kept than is sane.
    """
    answer = Answer(Progress(5), 1000)

    with pytest.raises(UnreadableBodyError, match="larger than 1000 bytes"):
        answer.feed(data)


def test_packed_until_the_end() -> None:
    """
    A body that ends with the connection is unpacked then.
    """
    answer, _ = fed(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(b"{}"), 9)
    answer.end()

    assert b"{}" == answer.response().body


def test_the_status_is_told_at_once() -> None:
    """
    A call that is given up within the headers knows that it was answered.
    """
    progress = Progress(5)
    answer = Answer(progress, 1000)
    answer.feed(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202 OK\r")
    before = progress.status_code
    answer.feed(b"\n")

    assert (None, 202, "response") == (before, progress.status_code, progress.stage)
