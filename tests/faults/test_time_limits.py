"""
Time limits that the caller sets on its own thread or task: they pass, and nobody else is asked.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from mailfailover import AttemptMade, Mailer, ProviderChain
from mailfailover.aio import AsyncMailer
from mailfailover.errors import ConnectionFailed, OutcomeUnknown
from mailfailover.plugin import HTTPRequest, Response
from mailfailover.providers.mailgun import Mailgun
from mailfailover.providers.smtp import SMTP
from tests.chains import MAIL, Scripted, World, outcomes
from tests.samples import each

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ANSWER = b'HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{"id": "<1>"}'


class JobTimeout(Exception):
    """
    As a queue's worker raises it.
    """


KINDS = [
    JobTimeout,
    TimeoutError,
    OSError,
    ConnectionResetError,
    ValueError,
    KeyboardInterrupt,
]


@contextmanager
def vendor(on_request: Callable[[], object], *, reads: bool = True) -> Iterator[int]:
    """
    A vendor that calls *on_request* when a mail has arrived, and answers yes when it returns.
    """
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                while reads and b"Hello" not in connection.recv(65536):
                    pass
                on_request()
                connection.sendall(ANSWER)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        thread.join(10)


@contextmanager
def handler(kind: type[BaseException]) -> Iterator[Callable[[], None]]:
    """
    A handler of a signal that raises *kind* in the main thread; what it gives sends the signal.
    """
    over = threading.Event()

    def raise_it(signum: int, frame: object) -> None:
        over.set()
        raise kind

    def interrupt() -> None:
        os.kill(os.getpid(), signal.SIGUSR1)
        over.wait(10)

    before = signal.signal(signal.SIGUSR1, raise_it)
    try:
        yield interrupt
    finally:
        signal.signal(signal.SIGUSR1, before)


def mailgun(port: int) -> Mailgun:
    """
    The provider of a vendor at *port*.
    """
    return Mailgun(
        api_key="key-12345678", domain="mg.example.com", base_url=f"http://127.0.0.1:{port}"
    )


def made(events: list[object]) -> list[tuple[str, str]]:
    """
    The attempts that observers were told of.
    """
    attempts = [event.attempt for event in events if isinstance(event, AttemptMade)]
    return outcomes(attempts)


@each("kind", KINDS)
def test_a_handler_s_exception_passes(kind: type[BaseException]) -> None:
    """
    Of any class, whatever the transport makes of such a class otherwise.
    """
    events: list[object] = []
    backup = Scripted("b")

    with (
        handler(kind) as interrupt,
        vendor(interrupt) as port,
        Mailer([mailgun(port), backup], observers=[events.append]) as mailer,
        pytest.raises(kind),
    ):
        mailer.send(MAIL)

    assert backup.mails == []
    assert made(events) == [("mailgun", "OutcomeUnknown")]
    assert mailer.health.snapshot()["mailgun"].failures == 0


@each("kind", KINDS)
def test_a_handler_s_exception_before_the_mail_left_is_no_attempt(
    kind: type[BaseException],
) -> None:
    """
    The mail server had not even greeted: nothing was sent, and nobody else is asked.
    """
    events: list[object] = []
    backup = Scripted("b")

    with (
        handler(kind) as interrupt,
        vendor(interrupt, reads=False) as port,
        Mailer(
            [SMTP(host="127.0.0.1", port=port, tls="none"), backup], observers=[events.append]
        ) as mailer,
        pytest.raises(kind),
    ):
        mailer.send(MAIL)

    assert backup.mails == []
    assert made(events) == []


@each("kind", [JobTimeout, TimeoutError, OSError])
def test_an_exception_of_another_thread_passes(kind: type[Exception]) -> None:
    """
    Some workers have their limits raised by a thread that watches.
    """
    backup = Scripted("b")
    sender = ctypes.c_ulong(threading.get_ident())

    def interrupt() -> None:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(sender, ctypes.py_object(kind))

    with (
        vendor(interrupt) as port,
        Mailer([mailgun(port), backup]) as mailer,
        pytest.raises(kind),
    ):
        mailer.send(MAIL)

    assert backup.mails == []


def test_a_time_limit_in_an_event_loop_passes() -> None:
    """
    ``asyncio.timeout`` cancels the send: the attempt is told, and nobody else gets the mail.
    """
    events: list[object] = []
    backup = Scripted("b")
    arrived = threading.Event()
    ended = threading.Event()

    def on_request() -> None:
        arrived.set()
        ended.wait(10)

    async def send(port: int) -> None:
        async with AsyncMailer([mailgun(port), backup], observers=[events.append]) as mailer:
            async with asyncio.timeout(None) as limit:
                sending = asyncio.ensure_future(mailer.send(MAIL))
                await asyncio.to_thread(arrived.wait)
                limit.reschedule(0)
                await sending

    with vendor(on_request) as port:
        with pytest.raises(TimeoutError):
            asyncio.run(send(port))
        ended.set()

    assert backup.mails == []
    assert made(events) == [("mailgun", "OutcomeUnknown")]


@pytest.mark.parametrize("kind", [JobTimeout, TimeoutError])
def test_a_handler_s_exception_ends_an_event_loop(kind: type[Exception]) -> None:
    """
    Wherever in the loop it comes, no other provider gets the mail.
    """
    backup = Scripted("b")

    async def send(port: int) -> None:
        async with AsyncMailer([mailgun(port), backup]) as mailer:
            await mailer.send(MAIL)

    with (
        handler(kind) as interrupt,
        vendor(interrupt) as port,
        pytest.raises(kind),
    ):
        asyncio.run(send(port))

    assert backup.mails == []


class Interrupting:
    """
    A transport during whose call the signal comes, in the task itself.
    """

    async def send(self, request: HTTPRequest, timeout: float) -> Response:
        signal.raise_signal(signal.SIGUSR1)
        return Response(200, {}, b"{}")

    async def close(self) -> None:
        pass


def test_a_handler_s_exception_ends_many_sends() -> None:
    """
    It is no outcome of the mail during which it came, and the others are not sent either.
    """
    events: list[object] = []

    async def send_many() -> None:
        transport = Interrupting()
        mailer = AsyncMailer([mailgun(1)], transport=transport, observers=[events.append])
        async with mailer:
            await mailer.send_many([MAIL.bound(id=str(number)) for number in range(9)], limit=1)

    with handler(JobTimeout), pytest.raises(JobTimeout):
        asyncio.run(send_many())

    assert made(events) == [("mailgun", "OutcomeUnknown")]


class TestSimpleProviders:
    """
    Code of other people's, which may catch the limit itself.
    """

    @each("kind", KINDS)
    def test_an_error_that_comes_from_a_limit_is_the_limit(self, kind: type[BaseException]) -> None:
        """
        The provider made an error of its own of it.
        """
        world = World()
        backup = Scripted("b")

        with handler(kind) as interrupt:

            def answer(_message: Any) -> None:
                try:
                    interrupt()
                except BaseException as exc:
                    raise OutcomeUnknown("no answer") from exc

            with pytest.raises(kind):
                world.chain(Scripted("a", answer), backup).send(MAIL)

        assert backup.mails == []
        assert made(world.events) == [("a", "OutcomeUnknown")]

    @each("error", [TimeoutError(), TimeoutError("late"), OSError()])
    def test_a_timeout_of_the_provider_s_own_is_an_outcome(self, error: Exception) -> None:
        """
        What its code raises itself is about this provider: the next one is asked.
        """
        receipt = World().chain(Scripted("a", error), Scripted("b")).send(MAIL)

        assert [one.provider for one in receipt.attempts] == ["a", "b"]
        assert receipt.possible_duplicate

    def test_a_mail_about_a_time_limit_is_sent(self) -> None:
        """
        Whoever handles a limit may send a mail, which fails over as any other does.
        """
        world = World()
        chain: ProviderChain = world.chain(
            Scripted("a", ConnectionFailed("refused")), Scripted("b")
        )

        with handler(JobTimeout) as interrupt:
            try:
                interrupt()
            except JobTimeout:
                receipt = chain.send(MAIL)

        assert receipt.provider == "b"
