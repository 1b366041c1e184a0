"""
The writer: many mails, few commits, a reply to each.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event

from mailfailover.relay.desk import Desk, Given, Letter
from mailfailover.relay.envelope import Wishes
from mailfailover.relay.gate import Gate
from mailfailover.relay.submissions import Submissions
from mailfailover.relay.writer import ENDING, Writer
from mailfailover.service.rules import LOCAL, Caller, Rules

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailfailover.service.parts import Service

MAIL = b"From: shop@example.com\r\nTo: ann@example.org\r\nSubject: %d\r\n\r\nx\r\n"
MANY = 40


class Held(Desk):
    """
    A desk that stores nothing before it is told to.
    """

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self.go_on = Event()

    def store(self, letters: Any) -> list[str]:
        assert self.go_on.wait(20)
        return super().store(letters)


@pytest.fixture(name="desk")
def _desk(service: Service) -> Held:
    submissions = Submissions(service.outbox.engine)
    submissions.init()
    return Held(service, submissions)


@pytest.fixture(name="executor")
def _executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as executor:
        yield executor


@pytest.fixture(name="commits")
def _commits(service: Service) -> list[Any]:
    found: list[Any] = []
    event.listen(service.outbox.engine, "commit", found.append)
    return found


def letter(desk: Desk, caller: Caller, number: int = 0) -> Letter:
    """
    A mail that was read.
    """
    sender, to = "shop@example.com", ("ann@example.org",)
    given = Given(MAIL % number, sender, to, Wishes(), caller, "127.0.0.1", "x", "ESMTP")
    found = desk.read(given)
    assert isinstance(found, Letter)
    return found


def test_mails_that_come_meanwhile_are_one_commit(
    desk: Held, service: Service, executor: ThreadPoolExecutor, commits: list[Any]
) -> None:
    """
    The first is written at once, the others together; each has its bounce address beside it.
    """
    letters = [letter(desk, LOCAL, number) for number in range(MANY)]

    async def run() -> list[str]:
        writer = Writer(desk, executor)
        tasks = [asyncio.create_task(writer.store(one)) for one in letters]
        await asyncio.sleep(0)
        desk.go_on.set()
        return await asyncio.gather(*tasks)

    replies = asyncio.run(run())

    ids = [one.stored.message.id for one in letters]
    assert [f"250 2.0.0 Ok: queued as {one}" for one in ids] == replies
    assert sorted(ids) == sorted(one.id for one in service.outbox.list())
    assert ids == [one.mail for one in Submissions(service.outbox.engine).open()]
    assert len(commits) <= 2


def test_mail_beyond_a_limit_harms_no_other(
    desk: Held, service: Service, executor: ThreadPoolExecutor
) -> None:
    """
    Of mails that are stored together, those of a key within its quota are taken.
    """
    key = service.keys.check(service.keys.add("shop", Rules(quota="2/h")))
    assert key is not None
    with_key = Gate(service.keys).caller(_session(key))
    assert isinstance(with_key, Caller)
    callers = [LOCAL, *[with_key] * 3, LOCAL]
    desk.go_on.set()

    replies = desk.store([letter(desk, caller, number) for number, caller in enumerate(callers)])

    assert ["250", "250", "250", "450", "250"] == [one[:3] for one in replies]
    assert 4 == len(service.outbox.list()) == len(Submissions(service.outbox.engine).open())
    assert executor


def test_end_waits_for_what_came(desk: Held, executor: ThreadPoolExecutor) -> None:
    """
    Whoever gave a mail before the end hears what became of it; later mails are refused.
    """

    async def run() -> tuple[str, str]:
        writer = Writer(desk, executor)
        first = asyncio.create_task(writer.store(letter(desk, LOCAL)))
        await asyncio.sleep(0)
        ending = asyncio.create_task(writer.end())
        await asyncio.sleep(0)
        later = await writer.store(letter(desk, LOCAL))
        desk.go_on.set()
        await ending
        return await first, later

    first, later = asyncio.run(run())

    assert first.startswith("250 ")
    assert ENDING == later


def test_client_that_hangs_up_stops_no_other(desk: Held, executor: ThreadPoolExecutor) -> None:
    """
    Its mail may be stored; nobody hears the reply.
    """

    async def run() -> str:
        writer = Writer(desk, executor)
        gone = asyncio.create_task(writer.store(letter(desk, LOCAL)))
        other = asyncio.create_task(writer.store(letter(desk, LOCAL, 1)))
        await asyncio.sleep(0)
        gone.cancel()
        desk.go_on.set()
        return await other

    assert asyncio.run(run()).startswith("250 ")


def test_fault_of_ours_is_told_to_each(service: Service, executor: ThreadPoolExecutor) -> None:
    """
    No session waits for ever.
    """

    class Broken(Desk):
        def store(self, letters: Any) -> list[str]:
            raise RuntimeError("a fault")

    desk = Broken(service, Submissions(service.outbox.engine))

    async def run() -> list[Any]:
        writer = Writer(desk, executor)
        both = [writer.store(letter(desk, LOCAL)), writer.store(letter(desk, LOCAL, 1))]
        return await asyncio.gather(*both, return_exceptions=True)

    assert ["a fault"] * 2 == [str(one) for one in asyncio.run(run())]


def _session(caller: Caller) -> Any:
    from types import SimpleNamespace

    return SimpleNamespace(peer=("127.0.0.1", 1), auth_data=caller)
