"""
The head of an answer, against what the standard library's parser makes of it.
"""

from __future__ import annotations

import io
from http.client import HTTPException, parse_headers

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailfailover.transports._answer_head import (
    MAX_FIELDS,
    UnreadableAnswerError,
    is_chunked,
    read_fields,
    read_length,
    read_status_line,
)
from tests.samples import each

NAMES = st.text("abcXYZ-019", min_size=1)
VALUES = st.text(
    st.characters(min_codepoint=0x21, max_codepoint=0xFF, exclude_characters="\x7f\x85")
)


@given(st.lists(st.tuples(NAMES, VALUES)))
def test_fields_are_those_of_the_standard_library(headers: list[tuple[str, str]]) -> None:
    """
    Names and values are what the slower parser finds.
    """
    text = "".join(f"{name}: {value}\r\n" for name, value in headers)
    parsed = parse_headers(io.BytesIO(f"{text}\r\nbody".encode("iso-8859-1")))
    expected = {name.lower(): ", ".join(parsed.get_all(name, [])) for name in parsed}
    # Controls of Latin-1 are obsolete text to us, and line ends to str.splitlines.
    expected = {name: value for name, value in expected.items() if value.isprintable()}

    found = read_fields(text)

    assert expected == {name: value for name, value in found.items() if name in expected}


@each(
    ("text", "expected"),
    [
        ("", {}),
        ("A:\r\n", {"a": ""}),
        ("A: \t \r\n", {"a": ""}),
        ("A:b\r\n", {"a": "b"}),
        ("A: \tb \t\r\n", {"a": "b"}),
        ("A: b: c\r\n", {"a": "b: c"}),
        ("A: b\r\n  c\r\n\td \r\nE: f\r\n", {"a": "b c d", "e": "f"}),
        ("A: b\r\n \r\nC: d\r\n", {"a": "b", "c": "d"}),
        ("A: b\r\na: c\r\n", {"a": "b, c"}),
        ("!#$%&'*+.^_`|~9: \xfc\x80\r\n", {"!#$%&'*+.^_`|~9": "\xfc\x80"}),
    ],
)
def test_unusual_fields(text: str, expected: dict[str, str]) -> None:
    """
    Empty values, spaces, folded lines and all characters that a name may have are read.
    """
    assert expected == read_fields(text)


@each(
    "text",
    [
        " folded: from nothing\r\nA: b\r\n",
        "\r\nA: b\r\n",
        "no field\r\n",
        ": nameless\r\n",
        "A : b\r\n",
        "A\t: b\r\n",
        "A b: c\r\n",
        "A(: b\r\n",
        "\xe4: b\r\n",
        "A: b\nC: d\r\n",
        "A: b\r\nC: d\n",
        "A: b\rC: d\r\n",
        "A: b\r\r\n",
        "A: b\0\r\n",
        "A: \x01b\r\n",
        "A: b\x7f\r\n",
    ],
)
def test_what_is_no_field(text: str) -> None:
    """
    A line that two readers could understand differently makes the whole head unreadable.
    """
    with pytest.raises(UnreadableAnswerError):
        read_fields(text)


def test_endless_fields() -> None:
    """
    A vendor that never stops is stopped.
    """
    with pytest.raises(UnreadableAnswerError, match="more than 100 fields"):
        read_fields("A: b\r\n" * (MAX_FIELDS + 1))


@each(
    ("line", "expected"),
    [
        ("HTTP/1.1 200 OK\r\n", ("1", 200)),
        ("HTTP/1.0 404 Not Found\r\n", ("0", 404)),
        ("HTTP/1.1 301\r\n", ("1", 301)),
        ("HTTP/1.1 200 \r\n", ("1", 200)),
        ("HTTP/1.1 200  OK\r\n", ("1", 200)),
        ("HTTP/1.1 500 Orientierung\xe4\t!\r\n", ("1", 500)),
        ("HTTP/1.1 999 Odd\r\n", ("1", 999)),
    ],
)
def test_a_status_line(line: str, expected: tuple[str, int]) -> None:
    """
    The reason may be missing, and tells nothing.
    """
    assert (*expected, len(line)) == read_status_line(line)


@each(
    "line",
    [
        "",
        "HTTP/1.1 200 OK",
        "HTTP/1.1 200 OK\n",
        "HTTP/1.1 200 OK\r",
        "HTTP/1.1 200 OK\r\r\n",
        "HTTP/1.1 200 O\rK\r\n",
        "HTTP/1.1 200 O\0K\r\n",
        "\r\nHTTP/1.1 200 OK\r\n",
        " HTTP/1.1 200 OK\r\n",
        "HTTP/1.1  200 OK\r\n",
        "HTTP/1.1\t200 OK\r\n",
        "HTTP/1.1 200\tOK\r\n",
        "HTTP/1.1 200OK\r\n",
        "HTTP/1.1 +200 OK\r\n",
        "HTTP/1.1 -200 OK\r\n",
        "HTTP/1.1 0200 OK\r\n",
        "HTTP/1.1 2000 OK\r\n",
        "HTTP/1.1 099 OK\r\n",
        "HTTP/1.1 2 OK\r\n",
        "HTTP/1.1 2_0 OK\r\n",
        "HTTP/1.1 \xb2\xb2\xb2 OK\r\n",
        "HTTP/1.1 OK\r\n",
        "HTTP/1.1\r\n",
        "HTTP/0.9 200 OK\r\n",
        "HTTP/1.2 200 OK\r\n",
        "HTTP/2.0 200 OK\r\n",
        "HTTP/2 200 OK\r\n",
        "HTTP/5.6 200 OK\r\n",
        "HTTP/01.1 200 OK\r\n",
        "HTTP/1.01 200 OK\r\n",
        "HTTP/11.1 200 OK\r\n",
        "http/1.1 200 OK\r\n",
        "HTTPS/1.1 200 OK\r\n",
        "HTP/1.1 200 OK\r\n",
        "ICY 200 OK\r\n",
        "RTSP/1.1 200 OK\r\n",
        "220 mail.example ESMTP\r\n",
    ],
)
def test_what_is_no_status_line(line: str) -> None:
    """
    Another protocol or version, and whatever is only nearly a status line, is refused.
    """
    with pytest.raises(HTTPException):
        read_status_line(line)


@each(
    ("value", "expected"),
    [("0", 0), ("42", 42), ("042", 42), ("2, 2", 2), ("2 ,\t2,2", 2), ("9" * 20, 10**20 - 1)],
)
def test_a_length(value: str, expected: int) -> None:
    """
    The same length may be given several times.
    """
    assert expected == read_length({"content-length": value})


@each(
    "value",
    [
        "",
        "two",
        "+2",
        "-2",
        "2.0",
        "2_0",
        "0x2",
        "2 0",
        "2,",
        ",2",
        "2;2",
        "2, 3",
        "2, 02",
        "2, 2, 3",
        "\xb2",
        "1" * 21,
        "1" * 5000,
    ],
)
def test_what_is_no_length(value: str) -> None:
    """
    A length that is none, or that contradicts another, is not guessed.
    """
    with pytest.raises(UnreadableAnswerError, match="Content-Length"):
        read_length({"content-length": value})


@each("value", ["chunked", "Chunked", "CHUNKED"])
def test_chunks(value: str) -> None:
    """
    Names of codings are not case-sensitive.
    """
    assert is_chunked({"transfer-encoding": value})


@each(
    "value",
    [
        "",
        "identity",
        "gzip",
        "gzip, chunked",
        "chunked, gzip",
        "chunked, identity",
        "chunked, chunked",
        "chunkedchunked",
        "chunked;q=1",
        "chunked abc",
        '"chunked"',
        "xchunked",
        "\x0bchunked",
    ],
)
def test_what_is_no_coding_of_ours(value: str) -> None:
    """
    Any other transfer coding, or this one twice, leaves it open where the answer ends.
    """
    with pytest.raises(UnreadableAnswerError, match="Transfer-Encoding"):
        is_chunked({"transfer-encoding": value})


def test_neither_length_nor_coding() -> None:
    """
    Without either the body ends with the connection.
    """
    assert (None, False) == (read_length({}), is_chunked({}))
