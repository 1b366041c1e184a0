"""
What must be new in a child process after ``os.fork()``: locks, and randomness.
"""

from __future__ import annotations

import os
from functools import cache
from random import Random
from typing import TYPE_CHECKING, Any
from weakref import WeakMethod

if TYPE_CHECKING:
    from collections.abc import Callable

# No lock guards it, which a fork could catch locked: each step is one operation of the list.
_methods: list[WeakMethod[Callable[[], Any]]] = []


def after_fork(method: Callable[[], Any]) -> None:
    """
    Call this bound *method* in every child process, as long as its object lives.
    """
    _register()
    _methods.append(WeakMethod(method, _methods.remove))


def fresh_rng() -> Random:
    """
    Return a generator of chance that goes its own way in every child process.
    """
    rng = Random()
    after_fork(rng.seed)
    return rng


@cache
def _register() -> None:
    os.register_at_fork(after_in_child=_renew)


def _renew() -> None:
    for known in tuple(_methods):
        if (method := known()) is not None:
            method()
