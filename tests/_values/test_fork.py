from __future__ import annotations

import gc
import os
import subprocess
import sys
from random import Random
from threading import Lock
from typing import TYPE_CHECKING, cast

import pytest

from mailfailover import Link, MemoryHealth, ProviderChain
from mailfailover._health.limits import LocalAllowances, Portion
from mailfailover._values.fork import _methods, after_fork, fresh_rng
from tests.chains import Scripted

# Python 3.12 and later warn where other threads run, such as those of pytest-xdist.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")

if TYPE_CHECKING:
    from collections.abc import Callable


def in_child(job: Callable[[], object]) -> str:
    """
    What *job* returns in a forked child process, as text; "" if it hangs or fails there.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        import signal

        signal.alarm(5)  # ends a child that waits for a lock which nobody holds any more
        try:
            os.write(writing, str(job()).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    return said


def test_health_works_in_a_child_forked_while_its_lock_was_held() -> None:
    """
    Another thread of the parent was in it; in the child nobody ever gives the lock back.
    """
    health = MemoryHealth()
    health.isolate("a")

    with health._lock:
        said = in_child(lambda: health.snapshot()["a"].state)

    assert said == "isolated"


def test_an_allowance_works_in_a_child_forked_while_its_lock_was_held() -> None:
    """
    The same for rates and quotas.
    """
    allowances = LocalAllowances()
    link = Link(Scripted("a"), rate="1/h")

    with allowances._lock:
        said = in_child(lambda: allowances.take(link, Portion()).recipients)

    assert said == "1"


def test_a_chain_throws_other_dice_in_each_child() -> None:
    """
    Children that were forked of one process do not all choose and wait alike.
    """
    chain = ProviderChain(Scripted("a"))
    jitter = cast("MemoryHealth", chain.health)._rng
    own = MemoryHealth()._rng

    said = {
        in_child(lambda: [rng.random() for rng in (chain.parts.rng, jitter, own)]) for _ in range(4)
    }

    assert len(said) == 4


def test_randomness_that_was_given_stays_as_it_is() -> None:
    """
    A test's own seed holds in a child too.
    """
    chain = ProviderChain(Scripted("a"), rng=Random(7))

    assert in_child(chain.parts.rng.random) == str(Random(7).random())


def test_what_is_gone_is_forgotten() -> None:
    """
    Objects that need care after a fork can be thrown away like any other.
    """
    gc.collect()
    before = len(_methods)
    kept = [fresh_rng() for _ in range(3)]
    for _ in range(100):
        fresh_rng()
    gc.collect()

    assert len(_methods) == before + len(kept)


class Dying:
    """
    Lets go of another object when it is renewed.
    """

    def __init__(self) -> None:
        self.other: Dying | None = None
        self.lock = Lock()

    def renew(self) -> None:
        self.other = None


def test_an_object_that_dies_while_others_are_renewed_harms_nobody() -> None:
    """
    The list is gone through whole, though it grows shorter meanwhile.
    """
    first, last = Dying(), Dying()
    first.other = Dying()
    last.other = Dying()
    for one in (first, first.other, last):
        after_fork(one.renew)

    said = in_child(lambda: (first.other, last.other))

    assert said == "(None, None)"


def test_a_process_ends_without_complaint() -> None:
    """
    Also where objects go when the interpreter has forgotten its own modules already.
    """
    code = (
        "from mailfailover._values.fork import after_fork, fresh_rng\n"
        "class Held:\n"
        "    def renew(self): pass\n"
        "held = Held(); held.itself = held; after_fork(held.renew)\n"
        "import builtins; builtins.held = held"
    )

    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)

    assert done.stderr == ""
