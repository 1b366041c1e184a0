"""
The mailer for programs with an event loop.

::

    from mailfailover.aio import AsyncMailer

    async with AsyncMailer("mailgun://KEY:DOMAIN@default") as mailer:
        await mailer.send(from_email="me@example.com", to="you@example.com", text="Hi!")

Providers, chain, health, errors and receipts are those of :class:`mailfailover.Mailer`: only
who does the IO differs. It needs no further package, and runs under uvloop too.
"""

from __future__ import annotations

import asyncio
import os
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, Self, TypeVar, Unpack

from mailfailover._chain.driver import Pause
from mailfailover._chain.ping import Ping, ping_steps
from mailfailover._mailer.mailer import Mailer
from mailfailover._mailer.many import check_all
from mailfailover._mailer.webhook import default_fetch
from mailfailover._message.message import Message
from mailfailover._message.outcome import Outcome
from mailfailover._setup.sources import ConfigFile, Environment
from mailfailover._values.interruption import let_through
from mailfailover._values.wire import Stage
from mailfailover.transports._in_thread import Threads
from mailfailover.transports.aio import AsyncHTTPTransport, AsyncTransport

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping
    from email.message import Message as ParsedMessage
    from pathlib import Path
    from types import TracebackType

    from mailfailover._chain.driver import Steps
    from mailfailover._health.protocol import Health
    from mailfailover._message.keywords import MessageFields, OnUnknown
    from mailfailover._values.events import DeliveryEvent
    from mailfailover._values.receipt import Receipt
    from mailfailover._values.wire import WebhookRequest

    Handler = Callable[[DeliveryEvent], object]

__all__ = ["AsyncHTTPTransport", "AsyncMailer", "AsyncTransport"]

T = TypeVar("T")


class AsyncMailer:
    """
    :class:`mailfailover.Mailer` with methods to await.

    Safe in any number of tasks of one event loop; another loop gets connections of its own.
    Providers behind SMTP, with a transport of their own, or with nothing but ``send`` run in
    threads. Observers and event handlers are called in the loop, so they must be quick, and so
    must a shared health, which is asked there too.

    A task that is cancelled gives back what it holds. Where the mail may have left by then, the
    attempt is recorded, logged and told to observers as unknown; with a call in a thread, that
    call goes on.

    Args:
        chain, options: As for :class:`mailfailover.Mailer`. A *transport* has an ``async def
            send(request, timeout)`` and an ``async def close()``; :class:`AsyncTransport` is
            the default.

        sleep: The coroutine function that waits; tests and simulations pass their own.

    .. versionadded:: 0.1.0
    """

    def __init__(
        self,
        chain: Any = None,
        *,
        transport: Any = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        **options: Any,
    ) -> None:
        transport = AsyncTransport() if transport is None else transport
        self.mailer: Mailer = Mailer(chain, transport=transport, **options)
        # A webhook is verified in a thread, which cannot wait for this transport.
        self.mailer.webhooks.fetch = default_fetch()
        self._sleep = sleep
        self._threads = Threads()

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, **options: Any) -> Self:
        """
        Make a mailer of the environment's variables; *options* take precedence.
        """
        source = Environment(os.environ if environ is None else environ, options)
        return cls(source, **options)

    @classmethod
    def from_config(cls, path: str | Path, **options: Any) -> Self:
        """
        Make a mailer of a TOML file; *options* take precedence.
        """
        return cls(ConfigFile(path, options), **options)

    @property
    def health(self) -> Health:
        """
        The health of the providers, with ``snapshot()``, ``isolate(key)`` and ``reset(key=None)``.
        """
        return self.mailer.health

    async def send(
        self,
        message: Message | None = None,
        /,
        *,
        timeout: float | None = None,
        on_unknown: OnUnknown | None = None,
        **fields: Unpack[MessageFields],
    ) -> Receipt:
        """
        Send one mail; see :meth:`mailfailover.Mailer.send`.
        """
        mailer = self.mailer
        message = mailer.prepare(message, **fields)
        mailer.check_after(message)
        policy = mailer.policy.of_one(timeout, on_unknown)
        return await self._drive(mailer.delivery.steps(message, (), policy))

    async def send_many(self, messages: Iterable[Message], *, limit: int = 50) -> list[Outcome]:
        """
        Send many mails at once, at most *limit* at a time.

        Returns:
            One outcome per message, in the same order. A failed mail does not affect the others.

        Raises:
            TypeError: If one is no :class:`Message`; none was sent.
            ValueError: If *limit* is less than 1; none was sent.
        """
        if limit < 1:
            raise ValueError("limit must be at least 1")
        found = check_all(messages)
        outcomes: list[Any] = [None] * len(found)
        waiting = iter(enumerate(found))

        async def send_each() -> None:
            for position, message in waiting:  # shared: each mail is taken once
                outcomes[position] = await self._outcome(message)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(limit, len(found))):
                    group.create_task(send_each())
        except ExceptionGroup as limits:  # a time limit of the caller's; it has ended all sends
            limit_itself = limits.exceptions[0]
        else:
            return outcomes
        raise limit_itself

    async def send_message(
        self,
        message: ParsedMessage,
        /,
        *,
        timeout: float | None = None,
        on_unknown: OnUnknown | None = None,
        **fields: Unpack[MessageFields],
    ) -> Receipt:
        """
        Send a message of the standard library; see :meth:`mailfailover.Mailer.send_message`.
        """
        read = Message.from_email_message(message, **fields)
        return await self.send(read, timeout=timeout, on_unknown=on_unknown)

    async def ping(self, *, timeout: float = 10) -> dict[str, Ping]:
        """
        Ask all providers at once, by a harmless call, whether they are up and know us.
        """
        chain = self.mailer.chain
        pings = (self._drive(ping_steps(link, chain.transport, timeout)) for link in chain.links)
        return dict(zip(chain.keys, await asyncio.gather(*pings), strict=True))

    async def receive(self, key: str, request: WebhookRequest) -> tuple[DeliveryEvent, ...]:
        """
        Take a webhook in a thread; see :meth:`mailfailover.Mailer.receive`.
        """
        events: tuple[DeliveryEvent, ...] = await self._threads.run(
            self.mailer.receive, key, request
        )
        return events

    def on_event(self, handler: Handler) -> Handler:
        """
        Call *handler* with each event of a webhook, in the thread that received it.
        """
        return self.mailer.on_event(handler)

    async def close(self) -> None:
        """
        Close all connections. A mailer that is used again opens new ones.
        """
        transport: Any = self.mailer.chain.transport
        await transport.close()
        self._threads.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"AsyncMailer({', '.join(self.mailer.chain.keys)})"

    async def _outcome(self, message: Message) -> Outcome:
        try:
            return Outcome(message, receipt=await self.send(message))
        except Exception as exc:  # noqa: BLE001 -- the outcome says it
            let_through(exc, Stage.PREPARING)
            return Outcome(message, error=exc)

    async def _drive(self, steps: Steps[T]) -> T:
        """
        Do what *steps* asks for without blocking the loop.
        """
        go_on: Callable[[Any], Any] = steps.send
        answer: Any = None
        while True:
            try:
                step = go_on(answer)  # outside any handler: nothing else hangs on what it raises
            except StopIteration as done:
                result: T = done.value
                return result
            try:
                answer = await self._do(step)
            except BaseException as exc:  # noqa: BLE001 -- the loop of the send decides what it means
                # A coroutine cannot raise StopIteration; the send hears what was raised.
                stop = isinstance(exc, RuntimeError) and isinstance(exc.__cause__, StopIteration)
                go_on, answer = steps.throw, exc.__cause__ if stop else exc
            else:
                go_on = steps.send

    async def _do(self, step: Any) -> Any:
        if isinstance(step, Pause):
            return await self._sleep(step.seconds)
        if iscoroutinefunction(step.send):
            return await step.run()
        return await self._threads.run(step.run)
