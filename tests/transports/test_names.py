"""
Names that are looked up in threads: how long a call waits, and how many threads that takes.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from mailfailover.errors import ConnectionFailed
from mailfailover.plugin import HTTPRequest, SMTPRequest
from mailfailover.transports import _names
from mailfailover.transports._names import Names, SlowNameError
from mailfailover.transports.aio import AsyncHTTPTransport
from mailfailover.transports.http import HTTPTransport
from mailfailover.transports.smtp import SMTPTransport
from tests.transports.looped import looped
from tests.transports.sockets import ANSWER, answering

if TYPE_CHECKING:
    from collections.abc import Iterator

FOUND: list[Any] = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 25))]
SLOW = HTTPRequest(url="https://slow.example/", body=b"x")


class Resolver:
    """
    The system's resolver as a test wants it: each look-up waits until it is let go.
    """

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.go_on = threading.Event()
        self.answer: list[Any] = FOUND

    def __call__(self, host: str, *_: object, **__: object) -> list[Any]:
        self.asked.append(host)
        self.go_on.wait(20)
        return self.answer


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Resolver]:
    """
    A resolver that hangs, for names that nobody else asks for.
    """
    made = Resolver()
    monkeypatch.setattr(socket, "getaddrinfo", made)
    yield made
    made.go_on.set()


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", (socket.AF_INET, ("127.0.0.1", 25))),
        ("::1", (socket.AF_INET6, ("::1", 25, 0, 0))),
    ],
)
def test_an_address_is_no_name(resolver: Resolver, host: str, expected: tuple[Any, ...]) -> None:
    """
    An address is known without asking anybody.
    """
    (found,) = Names().find(host, 25, 0.0)

    assert ((expected), []) == ((found[0], found[4]), resolver.asked)


def test_a_name_is_found(resolver: Resolver) -> None:
    """
    What the system's resolver finds is what comes back.
    """
    resolver.go_on.set()

    assert FOUND == Names().find("slow.example", 25, 5)


def test_a_resolver_that_hangs(resolver: Resolver) -> None:
    """
    Nobody waits for longer than he has time, and those who wait share one look-up.
    """
    names = Names()
    for _ in range(5):
        with pytest.raises(SlowNameError):
            names.find("slow.example", 25, 0.01)

    assert ["slow.example"] == resolver.asked


def test_a_resolver_that_hangs_for_ever(
    resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A look-up that hangs for longer is not waited for any more, but only a few are begun.
    """
    monkeypatch.setattr(_names, "CONNECT_TIMEOUT", 0.0)
    names = Names()
    for _ in range(9):
        with pytest.raises(SlowNameError):
            names.find("slow.example", 25, 0.01)

    assert ["slow.example"] * 4 == resolver.asked


def test_a_slow_resolver(resolver: Resolver, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    An answer that came too late for the call that asked serves the next one.
    """
    monkeypatch.setattr(_names, "CONNECT_TIMEOUT", 0.0)
    names = Names()
    with pytest.raises(SlowNameError):
        names.find("slow.example", 25, 0.0)
    resolver.go_on.set()
    names.find("slow.example", 25, 5)
    asked = len(resolver.asked)

    assert (FOUND, asked) == (names.find("slow.example", 25, 0.0), len(resolver.asked))


def test_an_answer_in_time_is_not_kept(resolver: Resolver) -> None:
    """
    Addresses change: each new connection asks again.
    """
    resolver.go_on.set()
    names = Names()
    names.find("slow.example", 25, 5)
    names.find("slow.example", 25, 5)

    assert 2 == len(resolver.asked)


def test_the_resolvers_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A name that does not exist is told from one that takes too long.
    """

    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)

    with pytest.raises(socket.gaierror):
        Names().find("nobody.example", 25, 5)


def test_a_timeout_of_the_resolvers_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    What the resolver raises is not taken for our own impatience.
    """

    def fail(*_: object, **__: object) -> None:
        raise TimeoutError("its own")

    monkeypatch.setattr(socket, "getaddrinfo", fail)

    with pytest.raises(TimeoutError, match="its own"):
        Names().find("slow.example", 25, 5)


def test_no_more_threads(resolver: Resolver, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    While the interpreter shuts down no thread can be begun: the look-up is done here then.
    """

    def refuse(_: object) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    resolver.go_on.set()

    assert FOUND == Names().find("slow.example", 25, 5)


def test_a_call_with_threads(resolver: Resolver) -> None:
    """
    A name that hangs means that nothing was sent, within the time of the call.
    """
    transport = HTTPTransport()
    with pytest.raises(ConnectionFailed) as caught:
        transport.send(SLOW, 0.2)

    text = "nothing was sent: looking up the name of slow.example:443 takes too long"
    assert (text, "connecting") == (str(caught.value), caught.value.stage)


def test_a_call_in_a_loop(resolver: Resolver) -> None:
    """
    The same in an event loop, however many mails there are: the loop's own threads stay free.
    """

    async def use() -> tuple[list[Any], int]:
        transport = AsyncHTTPTransport()
        calls = asyncio.gather(
            *(transport.send(SLOW, 0.5) for _ in range(120)), return_exceptions=True
        )
        free = await asyncio.to_thread(lambda: 1)
        outcomes = await calls
        await transport.close()
        return outcomes, free

    outcomes, free = asyncio.run(use())

    text = "nothing was sent: looking up the name of slow.example:443 takes too long"
    assert ({(ConnectionFailed, text)}, 120, 1) == (
        {(type(error), str(error)) for error in outcomes},
        len(outcomes),
        free,
    )
    assert ["slow.example"] == resolver.asked


def test_a_call_over_smtp(resolver: Resolver) -> None:
    """
    The same for a mail server's name.
    """
    transport = SMTPTransport()
    with pytest.raises(ConnectionFailed) as caught:
        transport.send(SMTPRequest("slow.example", 25), 0.2)
    transport.close()

    text = "nothing was sent: SMTP connect: looking up its name takes too long"
    assert text == str(caught.value)


def test_a_proxys_name(resolver: Resolver) -> None:
    """
    The name of a proxy is bounded too, for threads and for loops.
    """
    proxies = {"https": "http://slow.example:3128"}
    with looped(proxies=proxies) as in_loop:
        for transport in (HTTPTransport(proxies=proxies), in_loop):
            with pytest.raises(ConnectionFailed, match="the proxy made no tunnel"):
                transport.send(HTTPRequest(url="https://acme.example/", body=b"x"), 0.2)


def test_a_cancelled_call_leaves_the_look_up_to_others(resolver: Resolver) -> None:
    """
    One who gives up does not take the answer from those who wait.
    """
    with answering(ANSWER) as port:
        resolver.answer = [(*FOUND[0][:4], ("127.0.0.1", port))]

        async def use() -> int:
            transport = AsyncHTTPTransport()
            request = HTTPRequest(url=f"http://localhost:{port}/", body=b"x")
            first, second = (asyncio.create_task(transport.send(request, 10)) for _ in range(2))
            await asyncio.sleep(0.1)
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)
            resolver.go_on.set()
            status = (await second).status_code
            await transport.close()
            return status

        assert 200 == asyncio.run(use())


FORKED = """
import os, socket, threading
from mailfailover.transports._names import names

asked, here = [], os.getpid()
def hang(host, *_, **__):
    asked.append(host)
    if os.getpid() == here:
        threading.Event().wait(20)
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 25))]
socket.getaddrinfo = hang
names.begin("slow.example", 25)
child = os.fork()
if child == 0:
    names.find("slow.example", 25, 5)
    os._exit(0)
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_after_a_fork() -> None:
    """
    A child does not wait for a thread that only its parent has.
    """
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", FORKED], timeout=30, check=False)

    assert 0 == done.returncode
