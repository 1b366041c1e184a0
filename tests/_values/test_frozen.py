from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import pytest

from mailfailover._values.frozen import EMPTY, FrozenDict, freeze, thaw
from tests.samples import each

CHANGES: dict[str, Any] = {
    "item": lambda found: found.__setitem__("b", 2),
    "delete": lambda found: found.__delitem__("a"),
    "or": lambda found: found.__ior__({"b": 2}),
    "clear": lambda found: found.clear(),
    "pop": lambda found: found.pop("a"),
    "popitem": lambda found: found.popitem(),
    "setdefault": lambda found: found.setdefault("b", 2),
    "update": lambda found: found.update(b=2),
}


@each("change", CHANGES.values(), ids=list(CHANGES))
def test_cannot_be_changed(change: Any) -> None:
    """
    No way of changing a dict works, and the error says what to do.
    """
    found = FrozenDict({"a": 1})

    with pytest.raises(TypeError, match=r"use message\.replace"):
        change(found)

    assert {"a": 1} == found


@each(
    "duplicate",
    [copy.copy, copy.deepcopy, lambda found: pickle.loads(pickle.dumps(found))],  # noqa: S301
    ids=["copy", "deepcopy", "pickle"],
)
def test_copies_are_frozen_too(duplicate: Any) -> None:
    """
    A copy is equal and of the same kind.
    """
    found = FrozenDict({"a": FrozenDict({"b": 1})})

    made = duplicate(found)

    assert (found, FrozenDict) == (made, type(made))


def test_hashes_by_its_items() -> None:
    """
    Equal ones are one key.
    """
    assert 1 == len({FrozenDict({"a": 1, "b": 2}), FrozenDict({"b": 2, "a": 1})})


def test_freeze_reaches_everything() -> None:
    """
    Nothing inside stays changeable, and nothing is shared with what was given.
    """
    given = {"a": [{"b": [1, None]}], "c": {}, "d": "x"}

    frozen = freeze(given)
    given["a"].append(2)  # type: ignore[attr-defined]  # it is a list

    assert {"a": ({"b": (1, None)},), "c": {}, "d": "x"} == frozen
    assert hash(frozen) == hash(freeze(frozen))
    assert frozen["c"] is EMPTY


def test_freeze_refuses_keys_that_json_would_change() -> None:
    """
    JSON writes the key 1 as "1".
    """
    with pytest.raises(TypeError, match="no other keys than str"):
        freeze({"a": [{1: 2}]})


def test_thaw_gives_plain_json() -> None:
    """
    What was frozen comes back as dicts and lists of its own.
    """
    given = {"a": [{"b": [1, None]}], "c": {}, "d": "x"}

    thawed = thaw(freeze(given))
    thawed["c"]["new"] = 1

    assert {**given, "c": {"new": 1}} == thawed
    assert {} == EMPTY


def test_is_json_safe() -> None:
    """
    The json module takes it for the dict it is.
    """
    assert '{"a": [1]}' == json.dumps(freeze({"a": [1]}))
