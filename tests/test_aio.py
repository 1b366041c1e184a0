"""
The mailer of an event loop: the same sends, driven by awaiting.
"""

from __future__ import annotations

import asyncio
import threading
from email.message import EmailMessage
from typing import TYPE_CHECKING, Any

import pytest

from mailfailover import AttemptMade, DeliveryEvent, Mailer, Message, Outcome, Ping
from mailfailover.aio import AsyncMailer
from mailfailover.errors import (
    AllProvidersFailed,
    ConnectionFailed,
    MessageRejected,
    OutcomeUnknown,
    RequestRefused,
)
from mailfailover.plugin import HTTPRequest, Response, WebhookRequest
from mailfailover.providers.mailgun import Mailgun
from mailfailover.providers.smtp import SMTP
from mailfailover.testing import FaultServer, SMTPFaultServer, faults
from mailfailover.transports._in_thread import Threads
from mailfailover.transports.aio import AsyncTransport
from tests.chains import Scripted, outcomes

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

SHOP = "shop@example.com"
HI: dict[str, Any] = {"to": "ann@example.org", "subject": "Hi", "text": "Hello"}
ACCEPTED = Response(200, {}, b'{"id": "<1@example.com>", "message": "Queued. Thank you."}')


class Awaited:
    """
    A transport for loops that answers as it is told.
    """

    def __init__(self, *answers: Response | BaseException) -> None:
        self.answers = list(answers)
        self.requests: list[Any] = []
        self.closed = False

    async def send(self, request: Any, timeout: float) -> Response:
        self.requests.append(request)
        answer = self.answers[0] if len(self.answers) == 1 else self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    async def close(self) -> None:
        self.closed = True


def mailgun(url: str = "https://mailgun.example") -> Mailgun:
    """
    An account at a vendor.
    """
    return Mailgun(api_key="key", domain="mg.example.com", base_url=url)


def run(use: Callable[[AsyncMailer], Awaitable[Any]], chain: Any, **options: Any) -> Any:
    """
    Use a mailer in a loop of its own.
    """

    async def whole() -> Any:
        async with AsyncMailer(chain, from_email=SHOP, **options) as mailer:
            return await use(mailer)

    return asyncio.run(whole())


def test_a_send() -> None:
    """
    A mail goes out by awaiting, and the receipt is the same.
    """
    transport = Awaited(ACCEPTED)
    receipt = run(lambda mailer: mailer.send(**HI), mailgun(), transport=transport)

    assert ("mailgun", "<1@example.com>") == (receipt.provider, receipt.provider_message_id)
    assert [("mailgun", "accepted")] == outcomes(receipt.attempts)
    assert transport.closed


def test_it_fails_over_and_waits() -> None:
    """
    After a round in vain the loop is left to others for a while.
    """
    slept = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    transport = Awaited(ConnectionFailed("refused"), ConnectionFailed("refused"), ACCEPTED)
    chain = {"a": mailgun(), "b": mailgun()}
    receipt = run(lambda mailer: mailer.send(**HI), chain, transport=transport, sleep=sleep)

    refused = "ConnectionFailed"
    assert [("a", refused), ("b", refused), ("a", "accepted")] == outcomes(receipt.attempts)
    assert 1 == len(slept)


def test_errors_are_the_same() -> None:
    """
    What no provider can help is raised with the whole trail.
    """
    transport = Awaited(ConnectionFailed("refused"))

    with pytest.raises(AllProvidersFailed) as caught:
        run(lambda mailer: mailer.send(**HI, timeout=0.05), mailgun(), transport=transport)

    assert ("mailgun", "ConnectionFailed") in outcomes(caught.value.attempts)


def test_blocking_providers_run_in_threads() -> None:
    """
    A provider that only has ``send`` does not stop the loop.
    """
    threads = []

    def answer(_: Message) -> str:
        threads.append(threading.current_thread())
        return "1"

    simple = Scripted("simple", answer)
    receipt = run(lambda mailer: mailer.send(**HI), simple)

    assert "simple" == receipt.provider
    assert threads != [threading.main_thread()]


class Stopping:
    """
    A provider whose code runs out of something to iterate over.
    """

    name = "stopping"

    def send(self, message: Message) -> str:
        return next(iter(()))


class StoppingInLoop(Stopping):
    """
    The same in the loop itself.
    """

    async def send(self, message: Message) -> str:  # type: ignore[override]  # awaited by AsyncMailer
        return next(iter(()))


@pytest.mark.parametrize("kind", [Stopping, StoppingInLoop])
def test_a_provider_that_raises_stop_iteration(kind: type[Stopping]) -> None:
    """
    It fails like any other, and as it does without a loop, instead of hanging for ever.
    """

    async def use() -> str:
        mailer = AsyncMailer(kind(), from_email=SHOP)
        with pytest.raises(OutcomeUnknown) as caught:
            await asyncio.wait_for(mailer.send(**HI, on_unknown="raise"), 10)
        await mailer.close()
        return str(caught.value)

    with pytest.raises(OutcomeUnknown) as caught, Mailer(Stopping(), from_email=SHOP) as mailer:
        mailer.send(**HI, on_unknown="raise")
    threads, _, _ = str(caught.value).partition(", test_aio.py")
    loop, _, _ = asyncio.run(use()).partition(", test_aio.py")

    assert (threads, True) == (loop, "StopIteration in send" in loop)


def test_suppressions_are_asked_in_a_thread() -> None:
    """
    A database of who must not get mail does not stop the loop.
    """
    threads = []

    class Suppressed:
        def find(self, message: Message) -> dict[str, str]:
            threads.append(threading.current_thread())
            return {"ann@example.org": "bounced"}

    mail = Message(to=["ann@example.org", "bob@example.org"], subject="Hi", text="Hello")
    receipt = run(lambda mailer: mailer.send(mail), Scripted("simple"), suppressions=Suppressed())

    assert ["ann@example.org"] == list(receipt.rejected)
    assert threads != [threading.main_thread()]


def test_many_at_once() -> None:
    """
    Outcomes come in order; one that fails harms no other.
    """
    rejected = MessageRejected("no")

    def answer(message: Message) -> str:
        if message.id == "m1":
            raise rejected
        return f"at-{message.id}"

    mails = [Message(**HI, from_email=SHOP, id=f"m{number}") for number in range(3)]
    outcomes_: list[Outcome] = run(
        lambda mailer: mailer.send_many(mails, limit=2), Scripted("simple", answer)
    )

    assert [True, False, True] == [outcome.ok for outcome in outcomes_]
    assert mails == [outcome.message for outcome in outcomes_]
    assert rejected is outcomes_[1].error


def test_many_of_something_else() -> None:
    """
    Nothing is sent if one is no message.
    """
    simple = Scripted("simple")

    with pytest.raises(TypeError, match="number 2"):
        run(lambda mailer: mailer.send_many([Message(**HI), "text"]), simple)  # type: ignore[list-item]  # the point

    assert [] == simple.mails


@pytest.mark.parametrize("limit", [0, -1])
def test_many_at_no_time(limit: int) -> None:
    """
    Where none may be under way, none can be sent.
    """
    simple = Scripted("simple")

    with pytest.raises(ValueError, match="limit must be at least 1"):
        run(lambda mailer: mailer.send_many([Message(**HI)], limit=limit), simple)

    assert [] == simple.mails


def test_a_cancelled_send_many() -> None:
    """
    What has not begun by then is not sent.
    """
    transport = Awaited(ACCEPTED)

    async def wait(request: Any, timeout: float) -> Response:
        transport.requests.append(request)
        await asyncio.sleep(10)
        return ACCEPTED

    transport.send = wait  # type: ignore[method-assign]  # a vendor that is slow

    async def use(mailer: AsyncMailer) -> None:
        mails = [Message(**HI) for _ in range(5)]
        task = asyncio.create_task(mailer.send_many(mails, limit=2))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(use, mailgun(), transport=transport)

    assert 2 == len(transport.requests)


def test_messages_of_the_standard_library() -> None:
    """
    They are taken as they are by the mailer for threads.
    """
    simple = Scripted("simple")
    source = EmailMessage()
    source["To"], source["From"], source["Subject"] = "ann@example.org", SHOP, "Hi"
    source.set_content("Hello")
    run(lambda mailer: mailer.send_message(source, via="simple", timeout=5), simple)

    assert ["Hi"] == [mail.subject for mail in simple.mails]


def test_ping() -> None:
    """
    All providers are asked at once.
    """
    transport = Awaited(Response(200, {}, b"{}"))
    found = run(
        lambda mailer: mailer.ping(), {"a": mailgun(), "b": Scripted("b")}, transport=transport
    )

    assert {"a": True, "b": None} == {key: one.ok for key, one in found.items()}
    assert all(isinstance(one, Ping) for one in found.values())


def test_configuration(tmp_path: Path) -> None:
    """
    Environment and files configure it too, and what is given beside them counts.
    """
    path = tmp_path / "mail.toml"
    path.write_text('[providers.null]\ndsn = "null://"\n')

    made = [
        AsyncMailer.from_env({"MAILFAILOVER_DSN": "null://"}, timeout=5),
        AsyncMailer.from_config(path, timeout=5),
    ]

    assert ["AsyncMailer(null)"] * 2 == list(map(repr, made))
    assert [5, 5] == [one.mailer.policy.timeout for one in made]
    assert ["null"] == [*made[0].health.snapshot()]


def test_webhooks_are_received_in_a_thread() -> None:
    """
    A webhook's signature may need the network, and its handler a database.
    """
    events: list[tuple[DeliveryEvent, bool]] = []
    vendor = Scripted(
        "simple",
        verify_webhook=lambda request, fetch: None,
        parse_webhook=lambda request: (DeliveryEvent(event_id="1"),),
    )

    def handler(event: DeliveryEvent) -> None:
        events.append((event, threading.current_thread() is threading.main_thread()))

    async def use(mailer: AsyncMailer) -> tuple[DeliveryEvent, ...]:
        mailer.on_event(handler)
        return await mailer.receive("simple", WebhookRequest("POST", "/", {}, b""))

    received = run(use, vendor)

    assert [(received[0], False)] == events


def test_a_webhook_fetches_its_certificate() -> None:
    """
    In the thread that verifies it, over a transport that can be used there.
    """

    def verify(request: WebhookRequest, fetch: Callable[[HTTPRequest], Response]) -> str:
        return fetch(HTTPRequest("GET", vendor.url, {})).body.decode()

    provider = Scripted("simple", verify_webhook=verify, parse_webhook=lambda request: ())

    async def use(mailer: AsyncMailer) -> tuple[DeliveryEvent, ...]:
        return await mailer.receive("simple", WebhookRequest("POST", "/", {}, b""))

    with FaultServer() as vendor:
        assert () == run(use, provider)

    assert ["GET"] == [request.method for request in vendor.requests]


def test_what_is_no_request() -> None:
    """
    The transport says what it can carry.
    """

    async def use() -> None:
        await AsyncTransport().send("text", 5)

    with pytest.raises(RequestRefused, match="str is no HTTPRequest or SMTPRequest"):
        asyncio.run(use())


def test_smtp_and_http_on_real_sockets() -> None:
    """
    The first vendor is down, the relay takes the mail.
    """
    with FaultServer() as vendor, SMTPFaultServer() as relay:
        vendor.fail("unavailable")
        smtp = SMTP(host="127.0.0.1", port=relay.port, tls="none")
        receipt = run(lambda mailer: mailer.send(**HI), [mailgun(vendor.url), smtp])

    assert [("mailgun", "OutcomeUnknown"), ("smtp", "accepted")] == outcomes(receipt.attempts)


@pytest.mark.parametrize("fault", ["hang_after_read", "hang_before_read"])
def test_a_cancelled_send(fault: str) -> None:
    """
    It gives its ticket back, and the attempt is known as unknown.
    """
    events: list[Any] = []

    async def use(mailer: AsyncMailer) -> Any:
        mailer.health.isolate("a")  # so that the one call is a probe
        mailer.health.reset("a")
        task = asyncio.create_task(mailer.send(**HI))
        await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return mailer.health.snapshot()["a"]

    with FaultServer() as vendor:
        vendor.fail(getattr(faults, fault)())
        state = run(use, {"a": mailgun(vendor.url)}, observers=[events.append])

    assert "closed" == state.state
    made = [event for event in events if isinstance(event, AttemptMade)]
    assert [("a", "OutcomeUnknown")] == outcomes(event.attempt for event in made)
    assert isinstance(made[0].attempt.error, OutcomeUnknown)


def test_a_send_cancelled_in_a_thread() -> None:
    """
    The loop goes on at once; what the thread does meanwhile is unknown.
    """
    events: list[Any] = []
    begun, end = threading.Event(), threading.Event()

    def wait(_: Message) -> str:
        begun.set()
        end.wait(10)
        return "1"

    async def use(mailer: AsyncMailer) -> None:
        task = asyncio.create_task(mailer.send(**HI))
        await asyncio.to_thread(begun.wait, 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        end.set()

    run(use, Scripted("simple", wait), observers=[events.append])

    made = [event for event in events if isinstance(event, AttemptMade)]
    assert [("simple", "OutcomeUnknown")] == outcomes(event.attempt for event in made)


def test_a_thread_that_never_began() -> None:
    """
    A call that waits for a thread was surely not made.
    """

    async def use() -> object:
        threads = Threads()
        end = threading.Event()
        blocked = [asyncio.create_task(threads.run(end.wait, 10)) for _ in range(128)]
        await asyncio.sleep(0)
        task: asyncio.Task[Any] = asyncio.create_task(threads.run(print))
        await asyncio.sleep(0)
        task.cancel()
        stage: object = None
        try:
            await task
        except asyncio.CancelledError as exc:
            stage = getattr(exc, "stage", None)
        end.set()
        await asyncio.gather(*blocked)
        threads.close()
        threads.close()
        return stage

    assert "preparing" == asyncio.run(use())
