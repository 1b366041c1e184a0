"""
The identity of a worker: who holds a lease, and whether that process can still be alive.

The identity names the machine since its last start, the process, and the time the process began.
Another process of the machine can then tell that the worker is gone without waiting for its leases.
A worker with a name of its own is known by that name, also after a restart on another machine.
"""

from __future__ import annotations

import hashlib
import os
import socket
from contextlib import suppress
from pathlib import Path

from mailfailover._values.ulid import new_id

_NAMED = "name"
_DEAD = "dead"
"""Stands for the start of a process that has ended and was not yet waited for."""


def identity(name: str = "") -> str:
    """
    Return that of a new worker of this process.
    """
    if name:
        return f"{_NAMED}:{_digest(name)}:{new_id()}"
    pid = os.getpid()
    return f"{_machine()}:{pid}:{_start(pid)}:{new_id()}"


def is_gone(owner: str, own: str) -> bool:
    """
    Whether *owner*, who holds a lease, is surely no more. *own* is who asks.
    """
    parts, mine = owner.split(":"), own.split(":")
    if owner == own:
        return False
    if parts[0] == _NAMED:
        return parts[:2] == mine[:2]
    if len(parts) != 4 or parts[0] != _machine() or not parts[1].isdecimal():  # noqa: PLR2004
        return False
    pid = int(parts[1])
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        pass
    return bool(parts[2]) and _start(pid) not in ("", parts[2])


def _machine() -> str:
    """
    A value that only processes with a common PID namespace share.
    """
    facts = [socket.gethostname()]
    with suppress(OSError):
        facts.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii"))
    with suppress(OSError):
        facts.append(str(Path("/proc/self/ns/pid").readlink()))
    return _digest("\0".join(facts))


def _start(pid: int) -> str:
    """
    When a process began, as the system counts it; "" where it does not tell.
    """
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    fields = text.rpartition(")")[2].split()
    return _DEAD if fields[0] in "ZX" else fields[19]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
