"""
Untrusted JSON, read so that nothing in it can do harm later.
"""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

MAX_DEPTH = 50
"""The deepest nesting that is read. Vendors need fewer than 10 levels."""


def read_json(body: bytes) -> Any:
    """
    Return *body* as JSON that every database and every encoding can hold, None where it is none.

    The body must be UTF-8, with the numbers of JSON and bounded nesting. NUL and lone halves
    of surrogate pairs, which JSON can spell and few databases can store, are replaced.
    """
    try:
        return _sound(json.loads(body.decode("utf-8"), parse_constant=_refuse), 0)
    except (ValueError, RecursionError):
        return None


def _refuse(constant: str) -> NoReturn:
    message = f"{constant} is no JSON"
    raise ValueError(message)


def _sound(value: Any, depth: int) -> Any:
    if depth > MAX_DEPTH:
        message = "nested too deeply"
        raise ValueError(message)
    if isinstance(value, dict):
        return {clean(key): _sound(one, depth + 1) for key, one in value.items()}
    if isinstance(value, list):
        return [_sound(one, depth + 1) for one in value]
    if isinstance(value, float) and not math.isfinite(value):  # 1e999
        _refuse("infinity")
    return clean(value) if isinstance(value, str) else value


def clean(text: str) -> str:
    """
    Return *text* with a question mark for each NUL and each half of a character.
    """
    if text.isprintable():
        return text
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "?")
