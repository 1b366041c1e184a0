from __future__ import annotations

import os
import subprocess
import sys

from mailfailover.outbox._identity import identity, is_gone
from tests.samples import each


def of_another_process() -> str:
    """
    The identity of a worker whose process has ended.
    """
    code = "from mailfailover.outbox._identity import identity; print(identity())"
    return subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout.strip()


def test_a_process_that_ended_is_gone() -> None:
    """
    Its mails need not wait until their leases end.
    """
    assert is_gone(of_another_process(), identity())


def test_this_process_is_alive() -> None:
    """
    And so is every worker of it.
    """
    assert not is_gone(identity(), identity())


def test_another_process_under_the_same_number_is_another() -> None:
    """
    Numbers come again; when it began tells them apart.
    """
    machine, _, _, rest = identity().split(":")

    assert is_gone(f"{machine}:{os.getpid()}:1:{rest}", identity())


def test_a_process_that_nobody_buried_is_gone() -> None:
    """
    Its parent has not asked for it yet.
    """
    machine = identity().partition(":")[0]
    reader, writer = os.pipe()
    pid = os.fork()
    if not pid:
        os._exit(0)
    os.close(writer)
    os.read(reader, 1)
    os.close(reader)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    try:
        assert is_gone(f"{machine}:{pid}:1:x", identity())
    finally:
        os.waitpid(pid, 0)


@each(
    "owner",
    ["", "01HZZZ", "othermachine0000:1:1:x", "a:b", "::x:"],
)
def test_of_others_nothing_is_known(owner: str) -> None:
    """
    Their leases end by themselves.
    """
    assert not is_gone(owner, identity())


def test_a_name_says_who_is_succeeded() -> None:
    """
    On whatever machine; a worker never succeeds itself.
    """
    first, second = identity("worker-1"), identity("worker-1")

    assert is_gone(first, second)
    assert not is_gone(second, second)
    assert not is_gone(identity("worker-2"), second)
    assert not is_gone(first, identity())
