"""
State that a child process must renew after ``os.fork()``: locks and randomness.
"""

from __future__ import annotations

import os
from functools import cache, partial
from itertools import count
from random import Random
from typing import TYPE_CHECKING, Any
from weakref import ref

from mailfailover._values.first_use import hold_forks

if TYPE_CHECKING:
    from collections.abc import Callable

# No lock guards it, which a fork could catch locked: each step is one operation of the dict.
# It holds objects and the names of their methods: WeakMethod complains when a process ends.
_methods: dict[int, tuple[ref[Any], str]] = {}
_numbers = count()


def after_fork(method: Callable[[], Any]) -> None:
    """
    Call this bound *method* in every child process, as long as its object lives.
    """
    _register()
    owner: Any = method.__self__  # type: ignore[attr-defined]  # a bound method has it
    number = next(_numbers)
    _methods[number] = ref(owner, partial(_methods.pop, number)), method.__name__


def fresh_rng() -> Random:
    """
    Return a random generator that is seeded anew in every child process.
    """
    rng = Random()
    after_fork(rng.seed)
    return rng


@cache
def _register() -> None:
    hold_forks()
    os.register_at_fork(after_in_child=_renew)


def _renew() -> None:
    for known, name in tuple(_methods.values()):
        if (owner := known()) is not None:
            getattr(owner, name)()
