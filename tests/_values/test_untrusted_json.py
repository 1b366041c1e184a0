from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from mailfailover._values.untrusted_json import MAX_DEPTH, clean, read_json
from tests.samples import each

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@each(
    "body",
    [
        b"",
        b"{",
        b'{"a": "\xe4"}',
        b'\xff\xfe{\x00"\x00',
        b"NaN",
        b"[-Infinity]",
        b"1e999",
        b"9" * 5000,
        b"[" * 100_000,
        b"[" * (MAX_DEPTH + 2) + b"]" * (MAX_DEPTH + 2),
    ],
)
def test_what_is_no_json_is_none(body: bytes) -> None:
    """
    Neither another encoding, nor numbers that are none, nor nesting without end.
    """
    assert read_json(body) is None


def test_what_few_can_store_is_replaced() -> None:
    """
    NUL and half a character, in names too.
    """
    body = rb'{"a\u0000": ["x\ud800y", "\ud83d\ude00"], "line": "1\n2"}'

    assert {"a?": ["x?y", "😀"], "line": "1\n2"} == read_json(body)


@given(JSON)
def test_json_stays_as_it_is(value: object) -> None:
    """
    All other JSON comes through unchanged, and can be stored.
    """
    plain = json.loads(json.dumps(value).replace("\\u0000", "?"))

    found = read_json(json.dumps(plain).encode())

    assert plain == found
    json.dumps(found, ensure_ascii=False, allow_nan=False).encode()


@given(st.text(st.characters(exclude_categories=())))
def test_cleaned_text_can_be_stored(text: str) -> None:
    """
    Any text becomes one that UTF-8 and databases can hold, of the same length.
    """
    found = clean(text)

    assert len(text) == len(found)
    assert b"\0" not in found.encode("utf-8")
