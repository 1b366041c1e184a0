"""
A program whose threads are gevent's greenlets, against vendors on real sockets.
"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from mailfailover.testing import faults
from tests.faults.vendors import Vendors

if TYPE_CHECKING:
    from collections.abc import Iterator

pytest.importorskip("gevent", reason="gevent is not installed")

PROGRAM = """
from gevent import monkey

monkey.patch_all()

import sys
import time

import gevent

from mailfailover import Mailer

first, second = sys.argv[1:3]
chain = (
    f"failover(first=mailgun://key:example.com@default?base_url={first}"
    f" second=mandrill://key@default?base_url={second})"
)


def send(subject="Hello"):
    return mailer.send(to="ann@example.com", subject=subject, text="Hello")


with Mailer(chain, from_email="shop@example.com", attempt_timeout=5) as mailer:
    began = time.monotonic()
    greenlets = [gevent.spawn(send) for _ in range(40)]
    gevent.joinall(greenlets, raise_error=True)
    assert {"second"} == {greenlet.value.provider for greenlet in greenlets}
    assert time.monotonic() - began < 40 * 0.3 / 2, "the greenlets waited for one another"

    print("slow", flush=True)
    sys.stdin.readline()
    try:
        with gevent.Timeout(0.3):
            send("interrupted")
    except gevent.Timeout:
        pass
    else:
        raise AssertionError("the limit of gevent did not end the send")

    print("healed", flush=True)
    sys.stdin.readline()
    assert send().provider == "second"
print("done", flush=True)
"""


@pytest.fixture
def vendors() -> Iterator[Vendors]:
    """
    A vendor that is down, and one that takes 0.3 s for each mail.
    """
    with Vendors() as both:
        both.first.fail("unavailable")
        both.second.fail(faults.slow(0.3))
        yield both


def test_greenlets_fail_over_side_by_side_and_keep_their_own_time_limits(vendors: Vendors) -> None:
    """
    No greenlet blocks another one, and gevent's time limit ends a send without a second copy.
    """
    program = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", PROGRAM, vendors.first.url, vendors.second.url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert program.stdin is not None
    assert program.stdout is not None
    with program:
        assert "slow\n" == program.stdout.readline()
        vendors.second.fail(faults.hang_after_read())
        print(file=program.stdin, flush=True)

        assert "healed\n" == program.stdout.readline()
        vendors.second.heal()
        print(file=program.stdin, flush=True)

        assert "done\n" == program.stdout.readline()
        assert 0 == program.wait(timeout=10)

    interrupted = [r for r in vendors.second.requests if b"interrupted" in r.body]
    assert 1 == len(interrupted)
    assert 41 == len(vendors.second.accepted)
