"""
ULIDs: 48 bits of milliseconds and 80 random bits, in 26 characters that sort by time.

The form is https://github.com/ulid/spec (seen 2026-11).
"""

from __future__ import annotations

import os
import time
from itertools import product

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = tuple(map("".join, product(_ALPHABET, repeat=2)))
_OF_BYTE = (_ALPHABET * 8).encode()
"""For each byte a character, each character for as many bytes."""


def new_id() -> str:
    """
    Return a fresh ULID; safe in threads and after fork, because it keeps no state.
    """
    ms = time.time_ns() // 1_000_000
    began = [_PAIRS[ms >> shift & 1023] for shift in (40, 30, 20, 10, 0)]
    return "".join(began) + os.urandom(16).translate(_OF_BYTE).decode()


def time_of(text: str) -> float | None:
    """
    Return the Unix time at which the ULID *text* was made, None if it is none.
    """
    if len(text) != 26 or text.strip(_ALPHABET) or text[0] > "7":  # noqa: PLR2004 -- 128 bits
        return None
    number = 0
    for character in text[:10]:
        number = number << 5 | _ALPHABET.index(character)
    return number / 1000
