"""
Mails that wait because their receiver is down at all links.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from mailfailover import Mailer, Message
from mailfailover._health.ramp import allowed
from mailfailover.deliveries import Cell, CellState, DeliveryHealth
from mailfailover.deliveries._cell_rows import read_cells, write_cells
from mailfailover.deliveries._probes import PROBE_EVERY, PROBE_SECONDS
from mailfailover.errors import OutcomeUnknown, ProviderUnavailable
from mailfailover.outbox import Outbox, OutboxStats, OutboxWorker, State
from mailfailover.outbox._comebacks import FIRST
from mailfailover.outbox._holds import AGAIN_SECONDS, LOOK_SECONDS, delays
from mailfailover.tracking import Tracking
from tests.chains import Scripted, World
from tests.outbox.working import found, statuses, work

if TYPE_CHECKING:
    from collections.abc import Iterable


DOWN = Cell(CellState.LATE, 1000.0, "a: 0 of 20; b: 0 of 20")
REASON = "held back: receiver down (gmail)"


@pytest.fixture
def deliveries(outbox: Outbox, world: World) -> DeliveryHealth:
    """
    What is known of receivers, in the database of the outbox.
    """
    tracking = Tracking(outbox.engine, clock=world.wall)
    tracking.init()
    found = DeliveryHealth(tracking, every=None)
    found.init()
    return found


def go_down(deliveries: DeliveryHealth, *receivers: str) -> None:
    """
    Let only these *receivers* be down from now on.
    """
    with deliveries.engine.begin() as connection:
        before, _ = read_cells(connection)
        write_cells(connection, before, {("*", one): DOWN for one in receivers}, {})
    deliveries.begin()


def make_worker(
    outbox: Outbox, world: World, deliveries: DeliveryHealth, *parts: Any, **settings: Any
) -> OutboxWorker:
    """
    A worker whose mailer knows receivers.
    """
    return work(outbox, world, *parts, deliveries=deliveries, **settings)


def add(outbox: Outbox, *emails: str, number: int = 1, **fields: Any) -> str:
    """
    Add a mail to *emails*.
    """
    mail_id = f"m{number}"
    plain: dict[str, Any] = {"from_email": "shop@example.com", "text": "Hi", "id": mail_id}
    return outbox.add(Message(", ".join(emails or ("ann@gmail.com",)), **plain | fields))


def pass_look(world: World, seconds: float = LOOK_SECONDS) -> None:
    """
    Let it be time for the next look.
    """
    world.clock.advance(seconds)


def test_a_mail_waits_while_its_receiver_is_down(
    outbox: Outbox, world: World, deliveries: DeliveryHealth
) -> None:
    """
    No provider is called, no try is counted, and what is told says why.
    """
    go_down(deliveries, "gmail")
    provider = Scripted("a")
    mail_id = add(outbox)

    make_worker(outbox, world, deliveries, provider).run_once()

    mail = found(outbox, mail_id)
    assert ([], ()) == (provider.mails, mail.attempts)
    assert (State.PENDING, 0, REASON, ("gmail",)) == (
        mail.state,
        mail.tries,
        mail.reason,
        mail.held_back,
    )
    assert ["gmail"] == mail.to_dict()["held_back"]
    assert 1 == outbox.stats().held_back


def test_a_held_mail_is_no_warning(
    outbox: Outbox, world: World, deliveries: DeliveryHealth, caplog: pytest.LogCaptureFixture
) -> None:
    """
    The receiver was told of once; thousands of its mails say the same at INFO.
    """
    go_down(deliveries, "gmail")
    mail_id = add(outbox)

    with caplog.at_level("INFO"):
        make_worker(outbox, world, deliveries).run_once()

    (record,) = [one for one in caplog.records if one.name == "mailfailover.outbox"]
    assert ("INFO", f"mail {mail_id}: pending: {REASON}") == (record.levelname, record.message)


def test_others_go_at_once(outbox: Outbox, world: World, deliveries: DeliveryHealth) -> None:
    """
    Only the receiver that is down waits.
    """
    go_down(deliveries, "gmail")
    held, sent = add(outbox), add(outbox, "bob@yahoo.com", number=2)

    make_worker(outbox, world, deliveries).run_once()

    assert [State.PENDING, State.SENT] == [found(outbox, one).state for one in (held, sent)]


def test_what_waited_is_due_when_the_receiver_is_up(
    outbox: Outbox, world: World, deliveries: DeliveryHealth
) -> None:
    """
    At the next look, long before its time.
    """
    go_down(deliveries, "gmail")
    mail_id = add(outbox)
    worker = make_worker(outbox, world, deliveries)
    worker.run_once()
    go_down(deliveries)
    pass_look(world)

    worker.run_once()

    mail = found(outbox, mail_id)
    assert (State.SENT, 1, ()) == (mail.state, mail.tries, mail.held_back)


def test_a_long_queue_is_due_by_the_ramp(
    outbox: Outbox, world: World, deliveries: DeliveryHealth
) -> None:
    """
    Some at once, the others spread over the next hours, transactional mails before bulk.
    """
    go_down(deliveries, "gmail")
    count = FIRST + 5
    for number in range(count):
        stream = "transactional" if number == count - 1 else "bulk"
        add(outbox, number=number, stream=stream)
    worker = make_worker(outbox, world, deliveries)
    worker.run_once()
    held = outbox.stats().held_back
    go_down(deliveries)
    pass_look(world)

    worker.run_once()

    left = outbox.list(State.PENDING)
    assert count - 1 == held  # one was let through as a probe
    assert State.SENT is found(outbox, f"m{count - 1}").state
    assert [36.0 * n for n in range(1, len(left) + 1)] == sorted(
        (one.due - outbox.now()).total_seconds() for one in left if one.due
    )
    assert 0 == outbox.stats().held_back


def test_the_ramp_doubles_each_hour() -> None:
    """
    It begins with twice the usual number in an hour, or with a hundred.
    """
    few, many = list(delays(FIRST + 301, 10)), list(delays(FIRST + 4001, 1000))

    assert [0.0] * FIRST == few[:FIRST]
    assert [0.0, 36.0, 3600.0, 7200.0] == [few[FIRST + n] for n in (0, 1, 100, 300)]
    assert allowed(1000, 0) == 2000
    assert [3600.0, 5400.0] == [many[FIRST + n] for n in (2000, 4000)]


def test_a_probe_is_let_through_every_ten_minutes(
    outbox: Outbox, world: World, deliveries: DeliveryHealth
) -> None:
    """
    One of those that wait, where no new mail comes.
    """
    go_down(deliveries, "gmail")
    mails = [add(outbox, number=number) for number in range(3)]
    worker = make_worker(outbox, world, deliveries)
    worker.run_once()

    states = []
    for seconds in (PROBE_SECONDS - 1, LOOK_SECONDS, LOOK_SECONDS, PROBE_SECONDS):
        pass_look(world, seconds)
        worker.run_once()
        states.append([str(found(outbox, one).state) for one in mails].count("sent"))

    assert [0, 1, 1, 2] == states


def test_one_new_mail_in_fifty_is_a_probe(
    outbox: Outbox, world: World, deliveries: DeliveryHealth
) -> None:
    """
    Those that are looked at again do not count: a queue would send itself away.
    """
    go_down(deliveries, "gmail")
    provider = Scripted("a")
    worker = make_worker(outbox, world, deliveries, provider)
    for number in range(PROBE_EVERY):
        add(outbox, number=number)
    worker.run_once()
    first = len(provider.mails)
    retried = [outbox.retry(f"m{number}") for number in range(PROBE_EVERY)]

    worker.run_once()

    assert PROBE_EVERY - 1 == sum(retried)
    assert (1, 1) == (first, len(provider.mails))


def test_a_held_mail_expires(outbox: Outbox, world: World, deliveries: DeliveryHealth) -> None:
    """
    When its time is over, it is dead and says so.
    """
    go_down(deliveries, "gmail")
    mail_id = add(outbox, expires=outbox.now() + timedelta(seconds=60))
    worker = make_worker(outbox, world, deliveries)
    worker.run_once()
    pass_look(world, 61)

    worker.run_once()

    mail = found(outbox, mail_id)
    assert State.DEAD is mail.state
    assert f"it expired before a provider took it: {REASON}" == mail.reason


def test_a_mail_to_several_goes_if_one_can_be_reached(
    outbox: Outbox, world: World, deliveries: DeliveryHealth
) -> None:
    """
    The vendor tries the other one for days by itself, and a shared mail is never split.
    """
    go_down(deliveries, "gmail", "yahoo")
    mixed = add(outbox, "ann@gmail.com", "bob@example.org")
    hopeless = add(outbox, "ann@gmail.com", "bob@yahoo.com", number=2)

    make_worker(outbox, world, deliveries).run_once()

    assert State.SENT is found(outbox, mixed).state
    assert ("gmail", "yahoo") == found(outbox, hopeless).held_back


def test_it_waits_until_one_of_its_receivers_is_up(
    outbox: Outbox, world: World, deliveries: DeliveryHealth
) -> None:
    """
    Then the mail goes to all of them.
    """
    go_down(deliveries, "gmail", "yahoo")
    mail_id = add(outbox, "ann@gmail.com", "bob@yahoo.com")
    worker = make_worker(outbox, world, deliveries)
    worker.run_once()
    go_down(deliveries, "gmail")
    pass_look(world)

    worker.run_once()

    assert {"ann": "accepted", "bob": "accepted"} == statuses(found(outbox, mail_id))


def test_of_a_merge_each_recipient_waits_alone(
    outbox: Outbox, world: World, deliveries: DeliveryHealth
) -> None:
    """
    The others get their mails at once; nobody gets two.
    """
    go_down(deliveries, "gmail")
    people = ("ann@gmail.com", "bob@yahoo.com")
    provider = Scripted("a")
    mail_id = add(
        outbox, *people, text="Hi {{name}}", merge_data={one: {"name": "x"} for one in people}
    )
    worker = make_worker(outbox, world, deliveries, provider, max_tries=1)
    worker.run_once()
    before = statuses(found(outbox, mail_id)), found(outbox, mail_id).tries
    go_down(deliveries)
    pass_look(world)

    worker.run_once()

    assert ({"ann": "pending", "bob": "accepted"}, 0) == before
    mail = found(outbox, mail_id)
    assert (State.SENT, False) == (mail.state, mail.possible_duplicate)
    assert {"ann": "accepted", "bob": "accepted"} == statuses(mail)
    assert [["bob@yahoo.com"], ["ann@gmail.com"]] == recipients_of(provider.mails)


def recipients_of(mails: Iterable[Message]) -> list[list[str]]:
    """
    Whom each of *mails* was for.
    """
    return [[one.email for one in mail.to] for mail in mails]


def test_a_held_recipient_survives_the_last_try_of_others(
    outbox: Outbox, world: World, deliveries: DeliveryHealth
) -> None:
    """
    *max_tries* counts calls, and for them there was none.
    """
    go_down(deliveries, "gmail")
    people = ("ann@gmail.com", "bob@yahoo.com")
    mail_id = add(
        outbox, *people, text="Hi {{name}}", merge_data={one: {"name": "x"} for one in people}
    )
    provider = Scripted("a", ProviderUnavailable("down"))
    worker = make_worker(outbox, world, deliveries, provider, max_tries=1)

    worker.run_once()

    mail = found(outbox, mail_id)
    assert (State.PENDING, ("gmail",)) == (mail.state, mail.held_back)


def test_a_mail_in_doubt_does_not_wait(
    outbox: Outbox, world: World, deliveries: DeliveryHealth
) -> None:
    """
    It may have been sent already: its own rules hold.
    """
    mail_id = add(outbox)
    unheard = Scripted("a", OutcomeUnknown("?"), "a-id")
    worker = make_worker(outbox, world, deliveries, unheard, unknown_after=60)
    worker.run_once()
    go_down(deliveries, "gmail")
    pass_look(world, 61)

    worker.run_once()

    assert State.SENT is found(outbox, mail_id).state


def test_a_worker_that_knows_no_receivers_sends_what_others_held(
    outbox: Outbox, world: World, deliveries: DeliveryHealth
) -> None:
    """
    Within the hour, so that no mail waits for a setting that is gone.
    """
    go_down(deliveries, "gmail")
    mail_id = add(outbox)
    make_worker(outbox, world, deliveries).run_once()
    pass_look(world, 1.25 * AGAIN_SECONDS)

    work(outbox, world).run_once()

    assert State.SENT is found(outbox, mail_id).state


def test_a_worker_that_begins_knows_what_is_down(
    outbox: Outbox, world: World, deliveries: DeliveryHealth
) -> None:
    """
    Before its first mail: it reads how receivers stand.
    """
    with deliveries.engine.begin() as connection:
        write_cells(connection, {}, {("*", "gmail"): DOWN}, {})
    mail_id = add(outbox)

    make_worker(outbox, world, deliveries).run_once()

    assert ("gmail",) == found(outbox, mail_id).held_back


def test_a_receiver_that_recovers_is_released_once(
    any_outbox: Outbox, world: World, tmp_path: Any
) -> None:
    """
    In every database; of two workers that see it at the same time only one finds mails.
    """
    tracking = Tracking(f"sqlite:///{tmp_path}/tracking.db", clock=world.wall)
    tracking.init()
    deliveries = DeliveryHealth(tracking, every=None)
    deliveries.init()
    go_down(deliveries, "gmail")
    mail_id = add(any_outbox)
    workers = [make_worker(any_outbox, world, deliveries) for _ in range(2)]
    for one in workers:
        one.run_once()
    go_down(deliveries)
    pass_look(world)

    counts = [one.sweep() for one in workers]

    assert [1, 0] == counts
    assert 0 == any_outbox.stats().held_back
    assert (mail_id,) == any_outbox.waiting()
    tracking.close()


def test_statistics_tell_how_many_are_held() -> None:
    """
    As data too.
    """
    assert 3 == OutboxStats(held_back=3).to_dict()["held_back"]


def test_nothing_of_it_happens_without_deliveries(outbox: Outbox, world: World) -> None:
    """
    The worker has no holds to look after.
    """
    assert OutboxWorker(outbox, Mailer("null://"))._holds is None
