"""
Text and plain data turned into values of the types that annotations name.
"""

from __future__ import annotations

import inspect
import math
import re
import types
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_INT = re.compile(r"[+-]?[0-9]{1,18}")
_FLOAT = re.compile(r"[+-]?[0-9]{1,18}(?:\.[0-9]*)?")
_BOOLS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True, slots=True)
class Kind:
    """
    How one sort of value is read.

    Attributes:
        read: Returns the value of a text or of plain data, None where it does not fit.

        expected: The accepted values, in words.
    """

    read: Callable[[Any], Any]
    expected: str


def _bool(value: Any) -> bool | None:
    if isinstance(value, str):
        return _BOOLS.get(value.lower())
    return value if isinstance(value, bool) else None


# Patterns come before int() and float(), because their ValueError quotes the text.
def _int(value: Any) -> int | None:
    if isinstance(value, str):
        return int(value) if _INT.fullmatch(value) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _float(value: Any) -> float | None:
    if isinstance(value, str):
        return float(value) if _FLOAT.fullmatch(value) else None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if math.isfinite(value) else None


def _str(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _path(value: Any) -> Path | None:
    return Path(value) if isinstance(value, str) and value and "\0" not in value else None


TEXT = Kind(_str, "a text")
NUMBER = Kind(_float, "a number")
_KINDS: Mapping[Any, Kind] = {
    bool: Kind(_bool, "true or false"),
    int: Kind(_int, "a whole number"),
    float: NUMBER,
    str: TEXT,
    Path: Kind(_path, "a path"),
}


def choice_of(*allowed: Any) -> Kind:
    """
    Return the kind of a choice between values.
    """
    by_text = {str(one): one for one in allowed}
    return Kind(lambda value: by_text.get(str(value)), f"one of {', '.join(by_text)}")


def list_of(kind: Kind) -> Kind:
    """
    Return the kind of a list: plain data, or a text with commas.
    """

    def read(value: Any) -> tuple[Any, ...] | None:
        if isinstance(value, str):
            value = [part.strip() for part in value.split(",") if part.strip()]
        if not isinstance(value, (list, tuple)):
            return None
        items = tuple(kind.read(item) for item in value)
        return None if None in items else items

    return Kind(read, f"a list with commas, each {kind.expected}")


def _one_or_more(value: Any) -> str | tuple[str, ...] | None:
    if isinstance(value, str):  # whole: a secret may have commas in it
        return value
    found: tuple[str, ...] | None = list_of(TEXT).read(value)
    return found


_TEXTS = Kind(_one_or_more, "a text, or a list of texts")


def kind_of(hint: Any) -> Kind:
    """
    Return how a value of type *hint* is read: by the first part of a union that can be.
    """
    if hint in (Any, inspect.Parameter.empty):
        return TEXT
    union = get_origin(hint) in (Union, types.UnionType)
    if union and {str, tuple[str, ...]} <= set(get_args(hint)):
        return _TEXTS
    for part in get_args(hint) if union else (hint,):
        origin = get_origin(part) or part
        if origin is Literal:
            return choice_of(*get_args(part))
        if origin is tuple:
            return list_of(kind_of(next(iter(get_args(part)), str)))
        if origin in _KINDS:
            return _KINDS[origin]
    return Kind(lambda _: None, "set in Python: it cannot be given as text")
