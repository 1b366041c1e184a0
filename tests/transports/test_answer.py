"""
Answers that arrive in pieces: what is made of them, when they are whole, what is refused.
"""

from __future__ import annotations

import gzip
import pickle
from http.client import HTTPException, IncompleteRead, RemoteDisconnected
from typing import Any

import h11
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mailfailover.plugin import Response
from mailfailover.transports._answer import Answer
from mailfailover.transports._answer_head import MAX_HEAD, UnreadableAnswerError
from tests.samples import each

LENGTH_0 = {"content-length": "0"}
LENGTH_2 = {"content-length": "2"}
CHUNKED = {"transfer-encoding": "chunked"}
SIZED = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
IN_CHUNKS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
KEEP_ALIVE = b"\r\nConnection: keep-alive\r\n"
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"


def ignore(status: int) -> None:
    """
    What is told of a status that a test does not ask for.
    """


def fed(data: bytes, size: int, limit: int = 1000, method: str = "POST") -> tuple[Answer, bool]:
    """
    Feed *data* in pieces of *size*; the answer, and whether it was whole with the last.
    """
    answer = Answer(ignore, limit, method)
    is_whole = False
    for start in range(0, len(data), size):
        assert not is_whole
        is_whole = answer.feed(data[start : start + size])
    return answer, is_whole


@each("size", [1, 7, 1000], ids=["bytes", "pieces", "whole"])
@each(
    ("data", "expected", "is_last"),
    [
        (SIZED, Response(200, LENGTH_2, b"{}"), False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", Response(200, LENGTH_0), False),
        (b"HTTP/1.1 204 No Content\r\n\r\n", Response(204), False),
        (b"HTTP/1.1 304 N\r\nContent-Length: 2\r\n\r\n", Response(304, LENGTH_2), False),
        (b"HTTP/1.1 304 N\r\nTransfer-Encoding: chunked\r\n\r\n", Response(304, CHUNKED), False),
        (b"HTTP/1.1 101 Other\r\nContent-Length: 2\r\n\r\n", Response(101, LENGTH_2), True),
        (b"HTTP/1.1 100 Continue\r\nA: b\r\n\r\n" + SIZED, Response(200, LENGTH_2, b"{}"), False),
        (
            b"HTTP/1.1 102 Processing\r\n\r\n" + HINTS * 3 + b"HTTP/1.1 199 X\r\n\r\n" + SIZED,
            Response(200, LENGTH_2, b"{}"),
            False,
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
            Response(200, {"content-length": "2, 2"}, b"{}"),
            False,
        ),
        (
            b"HTTP/1.1 204 OK\r\nConnection: Close\r\n\r\n",
            Response(204, {"connection": "Close"}),
            True,
        ),
        (
            b"HTTP/1.1 204 OK\r\nConnection: x, close\r\n\r\n",
            Response(204, {"connection": "x, close"}),
            True,
        ),
        (
            b"HTTP/1.1 204 OK\r\nConnection: closed\r\n\r\n",
            Response(204, {"connection": "closed"}),
            False,
        ),
        (b"HTTP/1.0 204 OK\r\n\r\n", Response(204), True),
        (
            b"HTTP/1.0 204 OK\r\nConnection: keep-alive\r\n\r\n",
            Response(204, {"connection": "keep-alive"}),
            False,
        ),
        (
            IN_CHUNKS + b"5\r\nhello\r\n1;a=b \r\n!\r\n000\r\nA: trailer\r\n\r\n",
            Response(200, CHUNKED, b"hello!"),
            False,
        ),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n",
            Response(200, CHUNKED | LENGTH_2),
            True,
        ),
        (
            IN_CHUNKS.replace(b"1.1", b"1.0").replace(b"\r\n", KEEP_ALIVE, 1) + b"0\r\n\r\n",
            Response(200, {"connection": "keep-alive"} | CHUNKED),
            True,
        ),
    ],
)  # fmt: skip
def test_an_answer(data: bytes, expected: Response, is_last: bool, size: int) -> None:
    """
    It is whole with its last byte, however it is cut, and tells whether others may follow.
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

    assert (True, b"".join(chunks)) == (is_whole, answer.body)


@each(
    ("method", "data"),
    [
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"),
        ("HEAD", IN_CHUNKS),
        ("CONNECT", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"),
        ("CONNECT", IN_CHUNKS),
    ],
)
def test_no_body_follows(method: str, data: bytes) -> None:
    """
    After HEAD, and where a tunnel begins, a length is not that of a body.
    """
    answer, is_whole = fed(data, 9, method=method)

    assert (True, b"", b"") == (is_whole, answer.body, bytes(answer.rest))


@each("more", [SIZED, b"x", b"\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"])
@each("data", [SIZED, b"HTTP/1.1 204 OK\r\n\r\n", IN_CHUNKS + b"0\r\n\r\n"])
def test_what_follows_is_not_trusted(data: bytes, more: bytes) -> None:
    """
    Nothing was asked that more could be the answer to: the connection is of no use.
    """
    answer, is_whole = fed(data + more, 1000)

    assert (True, True, more) == (is_whole, answer.is_last, bytes(answer.rest))


@each("size", [1, 3, 100])
def test_without_a_length_it_ends_with_the_connection(size: int) -> None:
    """
    All that came until then is the body.
    """
    answer, is_whole = fed(b"HTTP/1.1 200 OK\r\n\r\nhello", size)
    answer.end()

    assert (False, True, b"hello", True) == (
        is_whole,
        answer.is_whole,
        answer.body,
        answer.is_last,
    )


@each(
    ("data", "kind"),
    [
        (b"", RemoteDisconnected),
        (b"HTTP/1.1 200", IncompleteRead),
        (b"HTTP/1.1 202 Accepted\r\n", IncompleteRead),
        (b"HTTP/1.1 202 Accepted\r\nA: b\r\n", IncompleteRead),
        (b"HTTP/1.1 202 Accepted\r\nA: b\r\n\r", IncompleteRead),
        (b"HTTP/1.1 100 Continue\r\n\r\n", RemoteDisconnected),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", IncompleteRead),
        (IN_CHUNKS + b"5\r\nhello\r\n", IncompleteRead),
        (IN_CHUNKS + b"5\r\nhello\r", IncompleteRead),
        (IN_CHUNKS + b"5\r\nhello\r\n0\r\n", IncompleteRead),
        (IN_CHUNKS + b"5\r\nhello\r\n0\r\nA: b\r\n", IncompleteRead),
        (IN_CHUNKS + b"5\r\nhello\r\n0\r\n\r", IncompleteRead),
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


MALFORMED = [
    (b"garbage\r\n", 0),
    (b"HTTP/2.0 200 OK\r\n", 0),
    (b"HTTP/1.1 +200 OK\r\n", 0),
    (b"\r\nHTTP/1.1 200 OK\r\n", 0),
    (b"HTTP/1.1 200 OK\nContent-Length: 0\n\n", 0),
    (b"HTTP/1.1 200 OK\rContent-Length: 0\r\r", 0),
    (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 0200 OK\r\n", 0),
    (b"HTTP/1.1 103 Early Hints\r\nA : b\r\n\r\n", 0),
    (b"x" * (MAX_HEAD + 1), 0),
    (b"HTTP/1.1 200 OK\r\nA: b\nC: d\r\n", 200),
    (b"HTTP/1.1 200 OK\r\nA: b\rC: d\r\n", 200),
    (b"HTTP/1.1 200 OK\r\n folded: x\r\n\r\n", 200),
    (b"HTTP/1.1 200 OK\r\nA : b\r\n\r\n", 200),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 200),
    (b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n", 200),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 200),
    (b"HTTP/1.1 200 OK\r\n" + b"Transfer-Encoding: chunked\r\n" * 2 + b"\r\n", 200),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n abc\r\n\r\n", 200),
    (b"HTTP/1.1 204 No\r\nTransfer-Encoding: x\r\n\r\n", 200 + 4),
    (b"HTTP/1.1 429 Slow\r\nA: " + b"x" * MAX_HEAD, 429),
    (b"HTTP/1.1 429 Slow\r\n" + b"A: b\r\n" * 101 + b"\r\n", 429),
    *(
        (IN_CHUNKS + chunk, 200)
        for chunk in (
            b"+a\r\n",
            b"-5\r\n",
            b"0xa\r\n",
            b"0_a\r\n",
            b"5x\r\n",
            b" 5\r\n",
            b"5 ;a\r\n",
            b"5 a\r\n",
            b"\r\n",
            b";a\r\n",
            b"5;a\nb\r\n",
            b"5;a\0\r\n",
            b"5\nhello",
            b"5\rhello",
            b"5\r\r\n",
            b"5\r\nhello\n0\r\n",
            b"5\r\nhello0\r\n\r\n",
            b"2\r\n{}5\r\n",
            b"f" * 21 + b"\r\n",
            b"5;" + b"x" * MAX_HEAD,
            b"0\r\nno field\r\n",
            b"0\r\nA : b\r\n",
            b"0\r\nA: b\n",
            b"0\r\nHTTP/1.1 200 OK\r\n",
            b"0\r\n\n",
        )
    ),
]


@each("size", [1, 1_000_000], ids=["bytes", "whole"])
@each(("data", "status"), MALFORMED)
def test_what_is_no_answer(data: bytes, status: int, size: int) -> None:
    """
    It is given up as soon as that is clear, with the status if there was one.
    """
    answer = Answer(ignore, 1000)

    with pytest.raises((HTTPException, UnreadableAnswerError)):
        for start in range(0, len(data), size):
            assert not answer.feed(data[start : start + size])

    assert status == answer.status


@each(
    "data",
    [
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1001,
        b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n" + b"x" * 1001,
        IN_CHUNKS + b"ffff\r\n" + b"x" * 1001,
        IN_CHUNKS + (b"3e8\r\n" + b"x" * 1000 + b"\r\n") * 2,
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n"
        % len(gzip.compress(bytes(1001)))
        + gzip.compress(bytes(1001)),
    ],
    ids=["endless", "length", "chunk", "chunks", "packed"],
)
def test_it_is_too_large(data: bytes) -> None:
    """
    No more is kept than is sane.
    """
    answer = Answer(ignore, 1000)

    with pytest.raises(UnreadableAnswerError, match="larger than 1000 bytes"):
        answer.feed(data)


def test_packed_until_the_end() -> None:
    """
    A body that ends with the connection is unpacked then.
    """
    answer, _ = fed(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(b"{}"), 9)
    answer.end()

    assert b"{}" == answer.body


def test_the_status_is_told_at_once() -> None:
    """
    A call that is given up within the headers knows that it was answered, and that once.
    """
    told: list[int] = []
    answer = Answer(told.append, 1000)
    answer.feed(HINTS + b"HTTP/1.1 202 OK\r")
    before = list(told)
    answer.feed(b"\n")
    after = list(told)
    answer.feed(b"A: b\r\n\r\n")

    assert ([], [202], [202]) == (before, after, told)


SAMPLES = [
    SIZED,
    HINTS + SIZED,
    b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\nhello",
    b"HTTP/1.1 404 No\r\nA: b\r\n c\r\nContent-Length: 2, 2\r\n\r\n{}",
    IN_CHUNKS + b"5;a=b\r\nhello\r\na\r\n0123456789\r\n0\r\nA: trailer\r\n\r\n",
]
NOISE = st.sampled_from(
    [bytes((code,)) for code in b"\r\n\t \0:;,+-_x0123456789afHTP/.\xff"]
    + [b"\r\n", b"\r\n\r\n", b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n", b", 2"]
)


@st.composite
def mutants(draw: st.DrawFn) -> bytes:
    """
    A good answer with up to four places of it replaced, doubled or left out.
    """
    data = draw(st.sampled_from(SAMPLES))
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(data)))
        end = start + draw(st.integers(0, 3))
        data = data[:start] + draw(st.one_of(st.just(b""), NOISE)) + data[end:]
    return data


def by_h11(data: bytes) -> tuple[int, bytes] | None:
    """
    The status and body that h11 reads in *data*, None where it refuses it or waits for more.
    """
    client = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD)
    client.send(h11.Request(method="POST", target="/", headers=[("Host", "acme.example")]))
    client.send(h11.EndOfMessage())
    status, body = 0, b""
    try:
        client.receive_data(data)
        client.receive_data(b"")
        while True:
            event: Any = client.next_event()
            if isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                return status, body
            elif not isinstance(event, h11.InformationalResponse):
                return None
    except h11.RemoteProtocolError:
        return None


@given(mutants(), st.sampled_from([1, 5, 10_000]))
@example(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", 1)
def test_nothing_is_believed_that_h11_refuses(data: bytes, size: int) -> None:
    """
    Whatever happened to an answer: where it is taken at all, it is what h11 reads in it.
    """
    answer = Answer(ignore, 10_000)
    try:
        for start in range(0, len(data), size):
            if answer.feed(data[start : start + size]):
                break
        answer.end()
    except (HTTPException, UnreadableAnswerError):
        return
    if answer.status == 101:  # which h11 takes for the start of another protocol
        return

    assert by_h11(data) == (answer.status, answer.body)


NAMED = st.sampled_from(
    [
        "Content-Length: 2",
        "content-length: 2",
        "Content-Length: 02",
        "Content-Length:2",
        "Content-Length: 3",
        "Connection: keep-alive",
        "Connection: close",
        "Connection: keep-alive, close",
        "Transfer-Encoding: chunked",
        "Content-Encoding: identity",
        "Content-Encoding: gzip",
        "X-Content-Length: 2",
        "Set-Cookie: a=\xe4",
        "A: b",
        "a:\tc ",
        "A : b",
        " folded",
        "A: \0",
        "none",
    ]
)


@given(
    st.sampled_from(["HTTP/1.1 200 OK", "HTTP/1.0 200 OK", "HTTP/1.1 204 No", "HTTP/1.1 404 No"]),
    st.lists(NAMED, max_size=6),
    st.sampled_from([b"{}", b"{}{", b"{", b""]),
)
def test_an_answer_at_once_is_the_same_in_pieces(
    status: str, fields: list[str], body: bytes
) -> None:
    """
    What arrives whole is read as what arrives byte by byte, or refused as that is.
    """
    head = "\r\n".join((status, *fields, "\r\n"))
    data = head.encode("latin-1") + body
    found: list[object] = []

    for size in (len(data), 1):
        answer = Answer(ignore, 1000)
        try:
            for start in range(0, len(data), size):
                if answer.feed(data[start : start + size]):
                    answer.rest += data[start + size :]
                    break
        except (HTTPException, UnreadableAnswerError) as exc:
            found.append((answer.status, type(exc)))
        else:
            ends = answer.is_last or bool(answer.rest)
            found.append((answer.response(), answer.is_whole, ends))

    assert found[0] == found[1]


def test_the_fields_of_a_usual_answer() -> None:
    """
    They are read when somebody asks, and are a mapping like any other.
    """
    answer, _ = fed(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: b\r\nx-a: c \r\n\r\n{}", 1000)
    headers = answer.response().headers
    expected = {"content-length": "2", "x-a": "b, c"}

    assert (expected, 2, "b, c") == (headers, len(headers), headers["x-a"])
    assert (expected, repr(expected)) == (pickle.loads(pickle.dumps(headers)), repr(headers))  # noqa: S301
    assert hash(Response(200, expected, b"{}")) == hash(answer.response())
