from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from mailfailover.outbox._sweep import BATCH
from mailfailover.outbox._tables import mails
from tests.chains import MAIL, NOW, Scripted, World
from tests.outbox.working import work

if TYPE_CHECKING:
    from mailfailover.outbox import Outbox


def put(outbox: Outbox, sender: str, count: int = 1) -> None:
    """
    Mails of one sender.
    """
    for _ in range(count):
        number = len(outbox.list(limit=1000))
        outbox.add(MAIL.replace(id=f"{sender}{number}", from_email=f"{sender}@example.com"))


def take(outbox: Outbox, world: World, count: int = 100) -> str:
    """
    The senders of the next mails, in their order, which are sent then.
    """
    a = Scripted("a")
    work(outbox, world, a).run_once(count)
    return "".join(one.id[0] for one in a.mails)


def test_one_sender_is_served_in_order(any_outbox: Outbox, world: World) -> None:
    """
    First come, first served.
    """
    for number in range(3):
        any_outbox.add(MAIL.replace(id=f"m{number}"))
    a = Scripted("a")

    work(any_outbox, world, a).run_once()

    assert ["m0", "m1", "m2"] == [one.id for one in a.mails]


def test_senders_take_turns(any_outbox: Outbox, world: World) -> None:
    """
    One with many mails does not hold up the others.
    """
    put(any_outbox, "a", 5)
    put(any_outbox, "b", 2)
    put(any_outbox, "c")

    assert "abcabaaa" == take(any_outbox, world)


def test_a_newcomer_is_not_last(outbox: Outbox, world: World) -> None:
    """
    He comes beside everybody's next mail, not behind all that wait.
    """
    put(outbox, "a", 6)
    take(outbox, world, 2)

    put(outbox, "b", 2)

    assert "ababaa" == take(outbox, world)


def test_what_was_sent_before_is_no_debt(outbox: Outbox, world: World) -> None:
    """
    A sender who had the outbox for himself is no worse off than a new one.
    """
    put(outbox, "a", 4)
    take(outbox, world)

    put(outbox, "b", 3)
    put(outbox, "a", 3)

    assert "bababa" == take(outbox, world)


def test_a_campaign_that_comes_due_takes_turns_too(outbox: Outbox, world: World) -> None:
    """
    Scheduled mails are no nobler than others.
    """
    due = NOW + timedelta(minutes=1)
    for number in range(3):
        outbox.add(MAIL.replace(id=f"a{number}", send_at=due))
    put(outbox, "b", 3)

    world.clock.advance(60)

    assert "ababab" == take(outbox, world)


def test_more_than_a_batch_may_come_due_at_once(outbox: Outbox, world: World) -> None:
    """
    All of it is moved on.
    """
    outbox.add(MAIL.replace(send_at=NOW + timedelta(minutes=1)))
    with outbox.engine.begin() as connection:
        row = connection.execute(select(mails)).mappings().one()
        more = [dict(row) | {"number": None, "id": f"x{number}"} for number in range(BATCH + 1)]
        connection.execute(mails.insert(), more)
    world.clock.advance(60)

    assert BATCH + 2 == work(outbox, world).sweep()

    assert BATCH + 2 == outbox.stats().ready


def test_finished_mails_are_forgotten_in_time(any_outbox: Outbox, world: World) -> None:
    """
    By the worker, without anybody asking.
    """
    any_outbox.add(MAIL)
    work(any_outbox, world).run_once()

    world.clock.advance(30 * 86400)
    work(any_outbox, world).run_once()

    assert [] == any_outbox.list()


@settings(max_examples=25)
@given(st.lists(st.sampled_from("aaaabbc"), min_size=1, max_size=20))
def test_nobody_waits_longer_than_a_round(senders: list[str]) -> None:
    """
    Of all that wait from the beginning, a sender's n-th mail has at most n of each other before it.
    """
    import tempfile
    from pathlib import Path

    from tests.databases import fresh_engine

    with (
        tempfile.TemporaryDirectory() as directory,
        fresh_engine("sqlite", Path(directory)) as engine,
    ):
        from mailfailover.outbox import Outbox

        world = World()
        outbox = Outbox(engine, clock=world.wall)
        outbox.init()
        for number, sender in enumerate(senders):
            outbox.add(MAIL.replace(id=f"{sender}{number}", from_email=f"{sender}@example.com"))

        order = take(outbox, world)

    for place, sender in enumerate(order):
        own = order[: place + 1].count(sender)
        assert all(order[:place].count(other) <= own for other in set(order) - {sender})
