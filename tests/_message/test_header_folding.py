from __future__ import annotations

import pytest
from hypothesis import given

from mailfailover._message.address import Address
from mailfailover._message.header_folding import address_value, disposition_value, text_value
from mailfailover.errors import InvalidMessage
from tests.samples import each
from tests.strategies import addressees, header_names, lines


@each(
    ("value", "expected"),
    [
        ("", ""),
        ("a b", "a b"),
        ("a  b", "a  b"),
        (" a", "=?utf-8?q?_a?="),
        ("ü", "=?utf-8?b?w7w=?="),
        ("für Ann", "=?utf-8?q?f=C3=BCr_Ann?="),
        ("=?utf-8?q?a?=", "=?utf-8?b?PT91dGYtOD9xP2E/PQ==?="),
        ("word " * 20 + "end", " ".join(["word"] * 13) + "\n " + "word " * 7 + "end"),
        ("a" * 901, None),
    ],
)
def test_text(value: str, expected: str | None) -> None:
    """
    ASCII stays as it is and is folded at spaces; all else becomes encoded words.
    """
    written = text_value("Subject", value)

    if expected is None:
        assert written.startswith("=?utf-8?")
    else:
        assert expected == written


@given(header_names, lines)
def test_no_line_is_too_long(name: str, value: str) -> None:
    """
    Where a line can be broken, it has at most 78 characters.
    """
    written = f"{name}: {text_value(name, value)}".split("\n")

    assert all(len(line) <= 78 or " " not in line.strip() for line in written)


@given(addressees)
def test_no_continuation_line_is_blank(addresses: list[Address]) -> None:
    """
    A line of spaces only could be taken for the end of the header.
    """
    if addresses:
        assert all(line.strip() for line in address_value("To", addresses).split("\n"))


@each(
    ("address", "expected"),
    [
        (Address("a@b.example"), "a@b.example"),
        (Address("a@b.example", "Jane Doe"), "Jane Doe <a@b.example>"),
        (Address("a@b.example", "Doe, Jane"), '"Doe, Jane" <a@b.example>'),
        (Address("a@b.example", 'J "Q" \\'), '"J \\"Q\\" \\\\" <a@b.example>'),
        (Address("a@b.example", "Jö, D"), "=?utf-8?b?SsO2LCBE?= <a@b.example>"),
        (Address('"a b"@b.example', "x"), 'x <"a b"@b.example>'),
    ],
)
def test_address(address: Address, expected: str) -> None:
    """
    A name is written so that no character of it counts as syntax.
    """
    assert expected == address_value("To", [address])


@each(
    ("filename", "expected"),
    [
        ("a.pdf", 'attachment; filename="a.pdf"'),
        ('a"b.pdf', "attachment; filename*=utf-8''a%22b.pdf"),
        ("ü.pdf", "attachment; filename*=utf-8''%C3%BC.pdf"),
        (
            "x" * 40,
            (
                "attachment; filename*0*=utf-8''xxxxxxxxxxxxxxxxxx;\n"
                " filename*1*=xxxxxxxxxxxxxxxxxx; filename*2*=xxxx"
            ),
        ),
    ],
)
def test_file_name(filename: str, expected: str) -> None:
    """
    Plain names are quoted, all others written by RFC 2231.
    """
    assert expected == disposition_value("attachment", filename)


def test_list_header_that_needs_encoding_is_refused() -> None:
    """
    Who reads identifiers and URLs does not decode them.
    """
    with pytest.raises(InvalidMessage, match="shorten it") as raised:
        text_value("References", "a" * 901)

    assert "headers" == raised.value.field
