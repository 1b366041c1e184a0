"""
The headers of an answer, against what the standard library's parser makes of them.
"""

from __future__ import annotations

import io
from http.client import HTTPException, LineTooLong, parse_headers

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailfailover.errors import OutcomeUnknown
from mailfailover.plugin import HTTPRequest, Response
from mailfailover.transports._answer_head import MAX_HEADERS, MAX_LINE, read_fields, read_headers
from mailfailover.transports.http import HTTPTransport
from tests.transports.sockets import ANSWER, answering

LENGTH_2 = {"content-length": "2"}
NEGATIVE = {"content-length": "-2"}

NAMES = st.text("abcXYZ-019", min_size=1)
VALUES = st.text(
    st.characters(min_codepoint=0x21, max_codepoint=0xFF, exclude_characters="\x7f\x85")
)


def _read(head: bytes) -> dict[str, str]:
    return read_headers(io.BufferedReader(io.BytesIO(head)))


@given(st.lists(st.tuples(NAMES, VALUES)))
def test_headers_are_those_of_the_standard_library(headers: list[tuple[str, str]]) -> None:
    """
    Names and values are what the slower parser finds.
    """
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    head = f"{lines}\r\nbody".encode("iso-8859-1")
    parsed = parse_headers(io.BytesIO(head))

    assert {name.lower(): ", ".join(parsed.get_all(name, [])) for name in parsed} == _read(head)


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"A: b\n\n", {"a": "b"}),
        (b"A: b", {"a": "b"}),
        (b"A:\r\n\r\n", {"a": ""}),
        (b"A: b\r\n  c\r\n\td \r\nE: f\r\n\r\n", {"a": "b c d", "e": "f"}),
        (b" folded: from nothing\r\nA: b\r\n\r\n", {"a": "b"}),
        (b"no header\r\nA: b\r\n\r\n", {"a": "b"}),
        (b": nameless\r\nA: b\r\n\r\n", {"a": "b"}),
        (b"A : b\r\nC: d\r\n\r\n", {"c": "d"}),
        (b"A: b\r\n \r\nC: d\r\n\r\n", {"a": "b", "c": "d"}),
        (b"A: b\r\na: c\r\n\r\n", {"a": "b, c"}),
        (b"\r\n", {}),
    ],
)
def test_unusual_headers(head: bytes, expected: dict[str, str]) -> None:
    """
    Bare line feeds and folded lines are read; what is no header is passed by.
    """
    assert expected == _read(head)


def test_endless_headers() -> None:
    """
    A vendor that never stops is stopped.
    """
    with pytest.raises(HTTPException, match="more than 100 headers"):
        _read(b"A: b\r\n" * (MAX_HEADERS + 1))


def test_endless_headers_at_once() -> None:
    """
    The same where they are there as a whole.
    """
    with pytest.raises(HTTPException, match="more than 100 headers"):
        read_fields(b"A: b\r\n" * (MAX_HEADERS + 1))


def test_endless_line() -> None:
    """
    The same for one header without an end.
    """
    with pytest.raises(LineTooLong):
        _read(b"A: " + b"b" * MAX_LINE)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"HTTP/1.1 100 Continue\r\nA: b\r\n\r\n" + ANSWER, Response(200, LENGTH_2, b"{}")),
        (b"HTTP/1.1 204 No Content\r\n\r\nnoise", Response(204)),
        (b"HTTP/1.0 200 OK\r\n\r\nuntil the end", Response(200, {}, b"until the end")),
        (
            b"HTTP/1.1 200\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}noise",
            Response(200, {"content-length": "2, 2"}, b"{}"),
        ),
        (b"HTTP/1.1 200\r\nContent-Length: -2\r\n\r\n{}", Response(200, NEGATIVE, b"{}")),
    ],
)
def test_how_long_the_body_is(answer: bytes, expected: Response) -> None:
    """
    An interim answer is skipped; without a length the body ends with the connection.
    """
    transport = HTTPTransport()
    with answering(answer) as port:
        response = transport.send(HTTPRequest(url=f"http://127.0.0.1:{port}/"), 5)

    assert expected == response


def test_no_body_comes_after_head() -> None:
    """
    The length in an answer to HEAD is that of a body which is not sent.
    """
    transport = HTTPTransport()
    with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n") as port:
        response = transport.send(HTTPRequest("HEAD", f"http://127.0.0.1:{port}/"), 5)

    assert Response(200, LENGTH_2) == response


def test_another_protocol() -> None:
    """
    An answer in a version that nobody asked for tells nothing.
    """
    transport = HTTPTransport()
    with (
        answering(b"HTTP/2.0 200 OK\r\n\r\n") as port,
        pytest.raises(OutcomeUnknown),
    ):
        transport.send(HTTPRequest(url=f"http://127.0.0.1:{port}/"), 5)
