"""
Modules that are imported at their first use, and never while the process forks.

A child that was forked while another thread imported a module has that module's lock, which
no thread will ever release, and half of the module. So a fork waits until no import is running.
"""

from __future__ import annotations

import importlib
import os
import threading
import time
from functools import cache
from typing import Any

first_use = threading.RLock()
"""Held during imports that a process's first mail needs, and by every fork."""

_PATIENCE = 10.0
"""Seconds after which a fork proceeds although other threads are importing."""


@cache
def hold_forks() -> None:
    """
    Let each fork of this process wait for imports of other threads, from now on.
    """
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(
            before=_before_fork,
            after_in_parent=first_use.release,
            after_in_child=first_use.release,
        )


def _before_fork() -> None:
    first_use.acquire()
    ends = time.monotonic() + _PATIENCE
    while _is_importing() and time.monotonic() < ends:
        time.sleep(0.001)


def _is_importing() -> bool:
    """
    Whether another thread is importing a module, ours or not.

    CPython exposes that only here (3.11 to 3.14, seen 2026-11); where this is gone, only
    the imports under ``first_use`` are waited for.
    """
    locks: dict[str, Any] = getattr(importlib._bootstrap, "_module_locks", {})  # noqa: SLF001 -- as said
    held = (getattr(known(), "owner", None) for known in tuple(locks.values()))
    return any(owner not in (None, threading.get_ident()) for owner in held)
