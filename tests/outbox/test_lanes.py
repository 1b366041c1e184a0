from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from mailfailover.errors import OutcomeUnknown, ProviderUnavailable
from mailfailover.outbox import Outbox, State
from mailfailover.outbox._lease import _OF_LANE, _TAKES
from mailfailover.outbox._throttle import LEAST
from tests.chains import MAIL, Scripted, World
from tests.outbox.test_crew import running, until
from tests.outbox.working import Hanging, found, work

if TYPE_CHECKING:
    from mailfailover import Message

DOWN = ProviderUnavailable("HTTP 503")
BULK = MAIL.replace(stream="newsletter")


def put(outbox: Outbox, name: str, count: int, message: Message = MAIL) -> None:
    """
    So many mails, whose ids begin with *name*, of a sender of that name.
    """
    for number in range(count):
        outbox.add(message.replace(id=f"{name}{number}", from_email=f"{name}@example.com"))


def order(outbox: Outbox, world: World, count: int = 100) -> str:
    """
    The first letters of the mails that are sent next.
    """
    a = Scripted("a")
    work(outbox, world, a).run_once(count)
    return "".join(one.id[0] for one in a.mails)


def test_a_campaign_never_stands_before_a_transactional_mail(
    any_outbox: Outbox, world: World
) -> None:
    """
    Though it came first, and from the same sender.
    """
    put(any_outbox, "b", 3, BULK)
    put(any_outbox, "t", 2, MAIL.replace(from_email="b@example.com"))

    assert "ttbbb" == order(any_outbox, world)


def test_streams_of_one_sender_take_turns(outbox: Outbox, world: World) -> None:
    """
    Two campaigns go side by side.
    """
    for number in range(3):
        outbox.add(BULK.replace(id=f"n{number}"))
    for number in range(2):
        outbox.add(BULK.replace(id=f"o{number}", stream="offers"))

    assert "nonon" == order(outbox, world)


def test_mails_that_are_tried_again_wait_for_their_own_sender_s_turn(
    any_outbox: Outbox, world: World
) -> None:
    """
    After an outage they do not stand before those of others.
    """
    put(any_outbox, "a", 4)
    work(any_outbox, world, Scripted("a", DOWN)).run_once()
    put(any_outbox, "b", 3)
    world.clock.advance(60)

    work(any_outbox, world).sweep()

    assert "abababa" == order(any_outbox, world)


def test_a_mail_that_is_tried_again_is_not_last(outbox: Outbox, world: World) -> None:
    """
    What its sender added since does not stand before it.
    """
    put(outbox, "r", 1)
    work(outbox, world, Scripted("a", DOWN)).run_once()
    for number in range(5):
        outbox.add(MAIL.replace(id=f"n{number}", from_email="r@example.com"))
    world.clock.advance(60)
    work(outbox, world).sweep()

    assert "r" in order(outbox, world)[:2]


def test_bulk_leaves_a_thread_free(outbox: Outbox, world: World) -> None:
    """
    A mail that somebody waits for is sent while all bulk hangs.
    """
    hang = Hanging()

    def answer(message: Message) -> str:
        return hang(message) if message.stream == "newsletter" else "id"

    put(outbox, "b", 20, BULK)

    with running(work(outbox, world, Scripted("a", answer), threads=4, poll=0.01)):
        until(lambda: len(outbox.list(State.SENDING)) == 3)
        put(outbox, "t", 3)
        until(lambda: all(found(outbox, f"t{number}").state is State.SENT for number in range(3)))
        hang.go_on.set()
        until(lambda: outbox.stats().counts[State.SENT] == 23)


def test_a_hanging_provider_leaves_room_for_others(outbox: Outbox, world: World) -> None:
    """
    Its mails wait for a berth; those of the healthy one are sent.
    """
    hang = Hanging()
    slow, quick = Scripted("slow", hang), Scripted("quick", "id")
    for number in range(12):
        outbox.add(MAIL.replace(id=f"s{number}", via="slow"))
    for number in range(4):
        outbox.add(MAIL.replace(id=f"q{number}", via="quick"))
    worker = work(outbox, world, slow, quick, threads=4, poll=0.01)

    with running(worker):
        until(lambda: len(quick.mails) == 4)
        calls = len(slow.mails)
        hang.go_on.set()

    assert calls <= 3
    waiting = [one for one in outbox.list(State.PENDING) if one.reason]
    assert {"slow has as many calls under way as it may"} == {one.reason for one in waiting}
    assert {0} == {one.tries for one in waiting}


@pytest.mark.parametrize("lane", [0, 1])
def test_a_claim_walks_along_an_index(outbox: Outbox, lane: int) -> None:
    """
    A million bulk mails that wait cost a transactional one nothing.
    """
    statement = _TAKES["sqlite", _OF_LANE].compile(outbox.engine)
    with outbox.engine.connect() as connection:
        plan: Any = connection.exec_driver_sql(
            f"EXPLAIN QUERY PLAN {statement}",
            tuple(
                {"of_lane": lane, "most": 1, "turn_2": 0}.get(name, 0)
                for name in statement.positiontup or ()
            ),
        ).all()

    steps = [row[3] for row in plan]
    assert any("outbox_mails_turn (lane=? AND turn>?)" in step for step in steps)
    assert not any(step.startswith("SCAN outbox_mails") or "TEMP B-TREE" in step for step in steps)


def test_what_waits_is_named_lane_by_lane(outbox: Outbox) -> None:
    """
    For a broker that wakes a worker for each.
    """
    put(outbox, "b", 2, BULK)
    put(outbox, "t", 1)

    assert ("t0", "b0", "b1") == outbox.waiting()
    assert ("t0", "b0") == outbox.waiting(2)


def test_scheduled_mails_come_due_one_batch_at_a_time(outbox: Outbox, world: World) -> None:
    """
    Between two batches mails are taken, and others may write.
    """
    from mailfailover.outbox._sweep import BATCH

    put(outbox, "t", 1)
    with outbox.engine.begin() as connection:
        connection.execute(text("UPDATE outbox_mails SET due = created, turn = NULL"))
        connection.execute(
            text(
                "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i <= :most) "
                "INSERT INTO outbox_mails SELECT i, 'x' || i, state, lane, flow, stream, sender, "
                "merge, created, expires, due, turn, token, owner, tries, lost, blocked, "
                "blocked_by, NULL, digest, provider, provider_message_id, reason, "
                "possible_duplicate, finished FROM outbox_mails, n WHERE number = 1"
            ),
            {"most": BATCH},
        )
    worker = work(outbox, world)

    assert worker._sweep_some()

    assert BATCH == outbox.stats().ready


def test_threads_of_a_worker_of_the_default_grow(outbox: Outbox, world: World) -> None:
    """
    While mails wait for a vendor, more calls pay.
    """
    hang = Hanging()
    put(outbox, "m", 2 * LEAST)
    worker = work(outbox, world, Scripted("a", hang), poll=0.01)

    with running(worker):
        until(lambda: outbox.stats().counts[State.SENDING] > LEAST)
        hang.go_on.set()
        until(lambda: outbox.stats().counts[State.SENT] == 2 * LEAST)

    assert worker.threads > LEAST


def test_a_suspect_is_sent_with_nothing_beside_it(outbox: Outbox, world: World) -> None:
    """
    Before and after it the others go on, several at a time.
    """
    put(outbox, "m", 6)
    put(outbox, "s", 2)
    with outbox.engine.begin() as connection:
        connection.execute(text("UPDATE outbox_mails SET lane = 2 WHERE id LIKE 's%'"))
    beside: list[int] = []

    def answer(message: Message) -> str:
        if message.id.startswith("s"):
            beside.append(outbox.stats().counts[State.SENDING])
        return "id"

    with running(work(outbox, world, Scripted("a", answer), threads=3, poll=0.01)):
        until(lambda: outbox.stats().counts[State.SENT] == 8)

    assert [1, 1] == beside


def test_a_suspect_is_not_taken_beside_another_mail(outbox: Outbox, world: World) -> None:
    """
    Nor another mail beside it, whoever asks for it by its id.
    """
    put(outbox, "m", 2)
    put(outbox, "s", 1)
    with outbox.engine.begin() as connection:
        connection.execute(text("UPDATE outbox_mails SET lane = 2 WHERE id = 's0'"))
    worker = work(outbox, world)
    held = worker.claim(1)

    assert [] == worker.claim(1, "s0")
    worker.give_back(held)
    assert ["s0"] == [one.id for one in worker.claim(1, "s0")]
    assert [] == worker.claim(1)


def test_a_worker_of_the_same_name_takes_over_at_once(
    outbox: Outbox, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """
    What the last one with its name held need not wait for the end of its lease.
    """
    outbox.add(MAIL)
    work(outbox, world, name="mailer-1").claim(1)

    count = work(outbox, world, name="mailer-1").run_once()

    assert (1, State.SENT) == (count, found(outbox).state)
    assert "1 mails were left by workers that are gone" in caplog.text


def test_a_doubt_that_expired_is_left_to_the_operator(outbox: Outbox, world: World) -> None:
    """
    It is not sent after that, and an event may still tell what became of it.
    """
    outbox.add(MAIL.replace(expires=outbox.now() + timedelta(seconds=60)))
    provider = Scripted("a", OutcomeUnknown("?", stage="written"), "a-id")
    worker = work(outbox, world, provider, unknown_after=30, on_unknown="resend")
    worker.mailer.policy = worker.mailer.policy._replace(timeout=0.001)
    worker.run_once()
    calls = len(provider.mails)
    world.clock.advance(61)

    worker.run_once()

    mail = found(outbox)
    assert (State.UNKNOWN, None, calls) == (mail.state, mail.due, len(provider.mails))
    assert mail.reason.startswith("it expired before a provider took it")
