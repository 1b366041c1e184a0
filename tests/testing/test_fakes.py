from __future__ import annotations

import subprocess
import sys

import pytest

from mailfailover.errors import ConnectionFailed
from mailfailover.plugin import HTTPRequest, Response
from mailfailover.testing import FakeClock, FakeTransport

FIRST = HTTPRequest(url="https://api.example/1")
SECOND = HTTPRequest(url="https://api.example/2")


def test_transport_answers_from_its_script() -> None:
    """
    Answers come in order, those added later at the end.
    """
    transport = FakeTransport(Response(200))
    transport.answers(Response(201), Response(202))

    statuses = [transport.send(FIRST, 1.0).status_code for _ in range(3)]

    assert [200, 201, 202] == statuses


def test_transport_raises_exceptions_of_its_script() -> None:
    """
    An exception in the script is raised.
    """
    error = ConnectionFailed("no")

    with pytest.raises(ConnectionFailed) as caught:
        FakeTransport(error).send(FIRST, 1.0)

    assert error is caught.value


def test_transport_asks_functions_of_its_script() -> None:
    """
    A function answers by the request.
    """
    transport = FakeTransport(lambda request: Response(200, {}, repr(request).encode()))

    assert Response(200, {}, repr(SECOND).encode()) == transport.send(SECOND, 1.0)


def test_transport_records_requests() -> None:
    """
    Requests and the time they were given are kept in order.
    """
    transport = FakeTransport(Response(200), Response(200))

    transport.send(FIRST, 1.0)
    transport.send(SECOND, 2.0)

    assert ([FIRST, SECOND], [1.0, 2.0]) == (transport.requests, transport.timeouts)


def test_transport_fails_at_the_end_of_its_script() -> None:
    """
    A call too many is a failure of the test, and names the request.
    """
    with pytest.raises(AssertionError, match=r"no answer for request 1, .*example/1"):
        FakeTransport().send(FIRST, 1.0)


def test_transport_notes_its_end() -> None:
    """
    A test can see that connections were let go.
    """
    transport = FakeTransport()
    before = transport.closed

    transport.close()

    assert (False, True) == (before, transport.closed)


def test_clock_moves_when_told() -> None:
    """
    Time passes by advance and sleep only, and only sleeps are noted.
    """
    clock = FakeClock(10.0)

    clock.advance(2.5)
    clock.sleep(1.0)

    assert (13.5, [1.0]) == (clock(), clock.sleeps)


def test_clock_never_goes_back() -> None:
    """
    A negative sleep is an error of the code under test, as with the real one.
    """
    clock = FakeClock()

    with pytest.raises(ValueError, match="does not go back"):
        clock.sleep(-1.0)


def test_fakes_need_no_pytest() -> None:
    """
    Without pytest everything but the contract can be used.
    """
    code = (
        "import sys; sys.modules['pytest'] = None\n"
        "from mailfailover.testing import SAMPLES, FakeClock, FakeTransport, wire_text\n"
    )

    assert 0 == subprocess.run([sys.executable, "-c", code], check=False).returncode
