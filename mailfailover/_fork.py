"""
What must be new in a child process after ``os.fork()``: locks, and randomness.
"""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any
from weakref import WeakMethod

if TYPE_CHECKING:
    from collections.abc import Callable

_methods: list[WeakMethod[Callable[[], Any]]] = []


def after_fork(method: Callable[[], Any]) -> None:
    """
    Call this bound *method* in every child process, as long as its object lives.
    """
    _register()
    _methods[:] = [known for known in _methods if known() is not None]
    _methods.append(WeakMethod(method))


@cache
def _register() -> None:
    os.register_at_fork(after_in_child=_renew)


def _renew() -> None:
    for known in _methods:
        if (method := known()) is not None:
            method()
