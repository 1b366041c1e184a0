"""
The head of a request: what is written, and what is refused before it can be.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailfailover.transports._request_head import write_head
from mailfailover.transports._target import find_target
from tests.samples import each

NAMES = st.text("abcXYZ-019_", min_size=1)
VALUES = st.text(st.characters(max_codepoint=0x2FF))


def test_a_head() -> None:
    """
    The request line, the headers in their order, an empty line.
    """
    head = write_head("POST", "/v3/mail?a=b", {"Host": "acme.example", "X-Key": "k"})

    assert b"POST /v3/mail?a=b HTTP/1.1\r\nHost: acme.example\r\nX-Key: k\r\n\r\n" == head


@each(
    ("url", "name"),
    [
        ("https://acme.example/mail", "acme.example"),
        ("https://acme.example:8443/mail", "acme.example:8443"),
        ("https://acme.example:443/mail", "acme.example"),
        ("http://localhost:443/mail", "localhost:443"),
        ("https://b\u00fccher.example/mail", "xn--bcher-kva.example"),
        ("https://[::1]/mail", "[::1]"),
        ("https://[::1]:80/mail", "[::1]:80"),
    ],
)
def test_a_host(url: str, name: str) -> None:
    """
    The port is named unless that goes without saying, in ASCII whatever the name is.
    """
    assert name == find_target(url).authority


@given(st.dictionaries(NAMES, VALUES))
def test_every_header_stays_one_line(headers: dict[str, str]) -> None:
    """
    Whatever the values are: a header for each comes out, or nothing does.
    """
    try:
        head = write_head("GET", "/", headers)
    except ValueError:
        return
    lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")[1:]

    assert [f"{name}: {value}".encode("latin-1") for name, value in headers.items()] == lines


@each(
    ("method", "path", "headers"),
    [
        ("", "/", {}),
        ("GET /other", "/", {}),
        ("GET", "", {}),
        ("GET", "/a b", {}),
        ("GET", "/a\r\nX: y", {}),
        ("GET", "/", {"": "nameless"}),
        ("GET", "/", {"A: b\r\nC": "d"}),
        ("GET", "/", {"A b": "c"}),
        ("GET", "/", {"A": "b\r\nC: d"}),
        ("GET", "/", {"A": "b\nC: d"}),
        ("GET", "/", {"A": "b\rC: d"}),
        ("GET", "/", {"A": "b\0"}),
        ("GET", "/", {"A": "\u2028"}),
    ],
)
def test_what_cannot_be_written(method: str, path: str, headers: dict[str, str]) -> None:
    """
    Nothing of it starts a line of its own.
    """
    with pytest.raises(ValueError, match=r"visible ASCII|a name that is none|one line|latin-1"):
        write_head(method, path, headers)
