from __future__ import annotations

import re
from email.header import decode_header, make_header

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailfailover._message.encoded_words import decode_bytes, decode_words, encode_words
from mailfailover.errors import InvalidMessage
from tests.samples import each
from tests.strategies import words

WORD = re.compile(r"=\?utf-8\?[bq]\?[!-~]*\?=")


@given(words, st.integers(38, 75))
def test_encoded_words_decode_to_the_same(text: str, limit: int) -> None:
    """
    Any text survives, by our reader and by the standard library's.
    """
    written = " ".join(encode_words(text, limit))

    assert text == decode_words(written, "subject")
    assert text == str(make_header(decode_header(written)))


@given(words, st.integers(38, 75))
def test_encoded_words_are_legal(text: str, limit: int) -> None:
    """
    Each is whole by itself, within the limit and printable ASCII.
    """
    for word in encode_words(text, limit):
        assert WORD.fullmatch(word)
        assert len(word) <= limit
        decode_words(word, "subject")


@each(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("=?utf-8?q?a_b?=", "a b"),
        ("=?UTF-8?B?w7w=?=", "ü"),
        ("=?utf-8?b?w7w?=", "ü"),
        ("=?utf-8*de?q?=C3=BC?=", "ü"),
        ("=?iso-8859-1?q?=FC?= x", "ü x"),
        ("=?utf-8?q?a?= =?utf-8?q?b?=", "ab"),
        ("=?utf-8?q?a?= \t =?utf-8?q?b?=", "ab"),
        ("=?utf-8?q?=C3?= =?utf-8?q?=BC?=", "ü"),
        ("=?utf-8?q?=C3?= =?utf-8?b?vA==?=", "ü"),
        ("=?utf-8?q?a?= =?iso-8859-1?q?=FC?=", "aü"),
        ("=?utf-8?q?a?= b =?utf-8?q?c?=", "a b c"),
        ("=?gb2312?b?ouM=?=", "€"),
        ("a ?= =? b", "a ?= =? b"),
        ("=?utf-8?x?a?=", "=?utf-8?x?a?="),
    ],
)
def test_what_senders_write(text: str, expected: str) -> None:
    """
    Encoded words as they come, split characters and slips included.
    """
    assert expected == decode_words(text, "subject")


@each(
    ("raw", "charset", "expected"),
    [
        (b"a", "", "a"),
        (b"a", "US-ASCII", "a"),
        ("ü".encode(), "", "ü"),
        ("ü".encode(), "us-ascii", "ü"),
        ("ü".encode(), "UTF-8", "ü"),
        (b"\xfc", "latin1", "ü"),
        (b"\x80", "windows-1252", "€"),
        (b"\x87\x40", "shift_jis", "①"),
        (b'\x1b$B$"\x1b(B', "iso-2022-jp", "あ"),
        (b"+AOQ-", "utf-7", "ä"),
    ],
)
def test_charsets(raw: bytes, charset: str, expected: str) -> None:
    """
    The declared charset, or its usual extension; ASCII undeclared is read as UTF-8.
    """
    assert expected == decode_bytes(raw, charset, "text")


@each(
    ("raw", "charset", "problem"),
    [
        (b"\xff", "utf-8", "text does not fit its charset 'utf-8': declare"),
        (b"\xff", "", "text does not fit its charset 'us-ascii'"),
        (b"\xff", "undefined", "text does not fit its charset 'undefined'"),
        (b"a", "x-unknown", "text has the unknown charset 'x-unknown': declare"),
        (b"61", "hex", "text has the unknown charset 'hex'"),
        (b"a", "a\0b", "text has the unknown charset"),
    ],
)
def test_undecodable_bytes_are_refused(raw: bytes, charset: str, problem: str) -> None:
    """
    Nothing is guessed, replaced or left out.
    """
    with pytest.raises(InvalidMessage) as raised:
        decode_bytes(raw, charset, "text")

    assert str(raised.value).startswith(problem)
    assert "text" == raised.value.field


@pytest.mark.parametrize("word", ["=?utf-8?b?%%%%?=", "=?utf-8?b?w?="])
def test_broken_base64_is_refused(word: str) -> None:
    """
    The error names the field of the header.
    """
    with pytest.raises(InvalidMessage, match="contains a broken RFC 2047 encoded word") as raised:
        decode_words(word, "headers['X-A']")

    assert "headers" == raised.value.field
