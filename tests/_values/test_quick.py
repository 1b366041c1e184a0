"""
Values that are made quickly are what a frozen dataclass makes of them.
"""

from __future__ import annotations

import inspect
import pickle
from dataclasses import FrozenInstanceError, dataclass

import pytest

from mailfailover._values.quick import filler, quick_init


@dataclass(frozen=True, slots=True)
class Slow:
    """
    As dataclasses makes it.
    """

    name: str
    size: int = 3


@quick_init
@dataclass(frozen=True, slots=True)
class Quick:
    """
    The same, made quickly.
    """

    name: str
    size: int = 3


@dataclass(frozen=True, slots=True, init=False)
class Filled:
    """
    One with an ``__init__`` of its own.
    """

    name: str
    size: int

    def __init__(self, name: str) -> None:
        _fill(self, name, len(name))


_fill = filler(Filled)


class Open(Filled):
    """
    A subclass with a ``__dict__``, which no draft has.
    """


def test_signature() -> None:
    """
    Parameters, defaults and annotations stay what they are.
    """
    assert inspect.signature(Slow) == inspect.signature(Quick)


def test_a_quick_value() -> None:
    """
    It is frozen, equal to its like, and pickles.
    """
    value = Quick("a")

    with pytest.raises(FrozenInstanceError):
        value.size = 4  # type: ignore[misc]  # what the test is about
    assert (Quick("a", size=3), "Quick(name='a', size=3)") == (value, repr(value))
    assert value == pickle.loads(pickle.dumps(value))  # noqa: S301 -- our own


def test_a_value_that_fills_itself() -> None:
    """
    Its class and fields are set, and then it is frozen.
    """
    value = Filled("abc")

    with pytest.raises(FrozenInstanceError):
        value.size = 4  # type: ignore[misc]  # what the test is about
    assert (Filled, "abc", 3) == (type(value), value.name, value.size)


def test_a_subclass() -> None:
    """
    A subclass with slots of its own is filled as well.
    """
    value = Open("abc")

    assert (Open, "abc", 3) == (type(value), value.name, value.size)
