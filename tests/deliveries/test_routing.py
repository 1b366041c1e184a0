"""
How mails are routed by cells: an ill cell goes to the end, it does not forbid.
"""

from __future__ import annotations

from dataclasses import replace
from time import time
from typing import TYPE_CHECKING

import pytest

from mailfailover import Mailer, Message, RecipientStatus
from mailfailover._chain.candidate import Candidate
from mailfailover._health.ramp import allowed
from mailfailover._provider.link import Link
from mailfailover._provider.warmup import Warmup
from mailfailover.deliveries import Cell, CellState, DeliveryHealth
from mailfailover.deliveries._cell_rows import write_cells
from mailfailover.deliveries._probes import HOPE_SECONDS, PROBE_EVERY, PROBE_SECONDS
from mailfailover.deliveries._routing import Routing
from mailfailover.deliveries._situation import Situation
from mailfailover.errors import ConfigurationError
from mailfailover.providers.null import Null
from mailfailover.receivers import receiver_of
from mailfailover.testing import FakeClock
from mailfailover.tracking import Tracking
from tests.chains import Scripted
from tests.samples import each

if TYPE_CHECKING:
    from pathlib import Path

ILL = Cell(CellState.BLOCKED, since=1000.0)
GMAIL = Message(to="ann@gmail.com", subject="Hi", text="Hi")
BOTH = Message(to="ann@gmail.com, bob@yahoo.com", subject="Hi", text="Hi")
ONE, TWO = (Candidate(Link(Null(), key), "example.com") for key in ("one", "two"))


@pytest.fixture
def clock() -> FakeClock:
    """
    The time at which the cells became ill.
    """
    return FakeClock(1000.0)


def routing(clock: FakeClock, situation: Situation | None, sent: int = 0) -> Routing:
    """
    A routing that goes by *situation*, with mails *sent* that it does not know of.
    """
    found = Routing(receiver_of, lambda _link, _receiver: sent, clock)
    found.situation = situation
    return found


def order(found: Routing, message: Message = GMAIL) -> list[str]:
    """
    The keys in the order in which they would be tried.
    """
    return [one.link.key for one in found.order(message, [ONE, TWO])]


def test_where_nothing_is_wrong_the_candidates_are_not_touched(clock: FakeClock) -> None:
    """
    They stay lazy: the very iterator that came goes on.
    """
    candidates = iter([ONE, TWO])

    assert routing(clock, None).order(GMAIL, candidates) is candidates


def test_an_ill_cell_goes_to_the_end(clock: FakeClock) -> None:
    """
    For its receiver alone; a mail to several goes by the worst of its cells.
    """
    found = routing(clock, Situation({("one", "gmail"): ILL}))
    yahoo = Message(to="bob@yahoo.com", subject="Hi", text="Hi")

    orders = [order(found, one) for one in (GMAIL, BOTH, yahoo)]

    assert [["two", "one"], ["two", "one"], ["one", "two"]] == orders


def test_a_link_that_is_down_goes_to_the_end_for_all(clock: FakeClock) -> None:
    """
    Whoever receives.
    """
    found = routing(clock, Situation({("one", "*"): ILL}))

    assert ["two", "one"] == order(found)


@pytest.mark.parametrize(
    "cells",
    [
        {("one", "gmail"): ILL, ("two", "gmail"): ILL},
        {("one", "gmail"): ILL, ("*", "gmail"): ILL},
    ],
    ids=["all links are ill", "the receiver is down"],
)
def test_where_no_link_is_better_the_order_stays(
    clock: FakeClock, cells: dict[tuple[str, str], Cell]
) -> None:
    """
    A mail never fails for want of a cell that is well.
    """
    assert ["one", "two"] == order(routing(clock, Situation(cells)))


def test_one_mail_in_fifty_is_a_probe(clock: FakeClock) -> None:
    """
    And one in ten minutes, where there are few.
    """
    found = routing(clock, Situation({("one", "gmail"): ILL}))

    firsts = [order(found)[0] for _ in range(2 * PROBE_EVERY)]
    clock.advance(PROBE_SECONDS)

    assert (2, "one") == (firsts.count("one"), order(found)[0])


def test_a_standby_takes_over_by_its_ramp(clock: FakeClock) -> None:
    """
    What exceeds it stays where it was; each hour that goes well doubles it.
    """
    place = ("two", "gmail")
    situation = Situation({("one", "gmail"): ILL}, {place: 80.0}, {place: 159})

    first, full = order(routing(clock, situation)), order(routing(clock, situation, sent=1))
    clock.advance(3600)
    later = order(routing(clock, replace(situation, rooms={}), sent=1))

    assert [["two", "one"], ["one", "two"], ["two", "one"]] == [first, full, later]


def test_the_ramp_begins_with_a_hundred() -> None:
    """
    Where a link has no past; with one, at twice its usual hour.
    """
    assert [100, 200, 400, 1000] == [
        allowed(0, 0),
        allowed(0, 3600),
        allowed(10, 2 * 3600),
        allowed(500, 3599),
    ]


def test_the_overflow_of_a_warm_up_goes_to_the_next_link(clock: FakeClock) -> None:
    """
    A mail to more recipients than are left for today goes there as a whole.
    """
    found = routing(clock, Situation(warmups={"one": 1.0}))

    assert (["one", "two"], ["two", "one"]) == (order(found), order(found, BOTH))


def test_a_mail_is_held_back_while_its_receiver_is_down(clock: FakeClock) -> None:
    """
    Not where another recipient can be reached; and probes are let through.
    """
    found = routing(clock, Situation({("*", "gmail"): ILL}))

    held = [found.holds_back(GMAIL) for _ in range(PROBE_EVERY)]

    assert [*["gmail"] * (PROBE_EVERY - 1), ""] == held
    assert ("", "") == (found.holds_back(BOTH), routing(clock, None).holds_back(GMAIL))


@pytest.mark.parametrize(
    ("text", "days"), [("200/d*1.5", [200, 300, 450]), ("50/d", [50, 50, 50])], ids=["x", "flat"]
)
def test_a_plan_grows_from_day_to_day(text: str, days: list[float]) -> None:
    """
    By its factor; without one it stays.
    """
    plan = Warmup.parse(text, "warmup")

    assert days == [plan.on_day(day) for day in range(3)]
    assert plan.on_day(10**9) >= days[-1]


@each("text", ["", "200", "200/h", "0/d", "200/d*0.5", "200/d*x", "-1/d"])
def test_a_plan_of_another_form_is_refused(text: str) -> None:
    """
    The error shows the form.
    """
    with pytest.raises(ConfigurationError, match=r"is not of the form 200/d\*1\.5"):
        Link(Null(), "one", warmup=text)


def test_a_plan_that_is_no_text_is_refused() -> None:
    """
    A number does not say how it grows.
    """
    with pytest.raises(ConfigurationError, match="warmup of 'one' must be a str"):
        Link(Null(), "one", warmup=200)  # type: ignore[arg-type]  # the claim


def test_a_merge_is_split_by_the_links_that_do_not_reach_its_recipients(clock: FakeClock) -> None:
    """
    Receivers that all links reach, and those that are down, make one group.
    """
    found = routing(
        clock, Situation({("one", "gmail"): ILL, ("two", "yahoo"): ILL, ("two", "gmail"): ILL})
    )
    people = "a@gmail.com, b@yahoo.com, c@example.org, d@gmail.com"
    down = Situation({("one", "gmail"): ILL, ("*", "gmail"): ILL})

    groups = found.split(Message(people))

    assert [["c@example.org"], ["a@gmail.com", "d@gmail.com"], ["b@yahoo.com"]] == [
        [one.email for one in group] for group in groups
    ]
    assert [(), ()] == [routing(clock, one).split(Message(people)) for one in (None, down)]


def test_a_merge_goes_by_the_cells_of_each_recipient(tmp_path: Path) -> None:
    """
    With a real chain: nobody is kept from a link for the sake of others.
    """
    tracking = Tracking(f"sqlite:///{tmp_path}/mails.db")
    tracking.init()
    deliveries = DeliveryHealth(tracking, every=None)
    deliveries.init()
    with tracking.engine.begin() as connection:
        write_cells(connection, {}, {("one", "gmail"): ILL}, {})
    deliveries.begin()
    one, two = Scripted("one"), Scripted("two")
    mailer = Mailer([one, two], from_email="me@example.com", deliveries=deliveries)
    people = ("ann@gmail.com", "bob@yahoo.com")

    mailer.send(to=people, text="Hi {{n}}", merge_data={who: {"n": "x"} for who in people})

    assert (["bob@yahoo.com"], ["ann@gmail.com"]) == tuple(
        [mail.to[0].email for mail in provider.mails] for provider in (one, two)
    )
    tracking.close()


def _merge(*emails: str) -> Message:
    data = {email: {"n": "x"} for email in emails}
    return Message(to=emails, subject="Hi", text="Hi {{n}}", merge_data=data)


def _shares(found: Routing, message: Message) -> list[tuple[str, int | None]]:
    """
    The keys in the order in which they would be tried, and how many recipients each gets at first.
    """
    return [(one.link.key, one.most) for one in found.order(message, [ONE, TWO])]


def test_a_merge_is_cut_where_the_ramp_ends(clock: FakeClock) -> None:
    """
    The standby gets what it may take, and the rest stays; one in fifty is a probe.
    """
    people = _merge(*(f"u{number}@gmail.com" for number in range(120)))
    ill = {("one", "gmail"): ILL}
    full = Situation(ill, {}, {("two", "gmail"): 100})

    assert [("one", 2), ("two", 100), ("one", None)] == _shares(
        routing(clock, Situation(ill)), people
    )
    assert [("one", None), ("two", None)] == _shares(routing(clock, full), people)


def test_a_small_merge_goes_to_the_standby_as_a_whole(clock: FakeClock) -> None:
    """
    Where its ramp has room for all.
    """
    found = routing(clock, Situation({("one", "gmail"): ILL}))

    assert [("two", None), ("one", None)] == _shares(found, _merge("a@gmail.com", "b@gmail.com"))


def test_a_merge_is_cut_where_a_warm_up_ends(clock: FakeClock) -> None:
    """
    The overflow goes to the next link; a link with nothing left for today comes last.
    """
    people = _merge("a@gmail.com", "b@gmail.com", "c@gmail.com")

    partly, over = (routing(clock, Situation(warmups={"one": left})) for left in (2.0, 0.0))

    assert [("one", 2), ("two", None)] == _shares(partly, people)
    assert [("two", None), ("one", None)] == _shares(over, people)


def test_a_large_group_is_split_by_receiver(clock: FakeClock) -> None:
    """
    Each receiver has a ramp of its own; where no link is ill nothing is split.
    """
    people = [f"u{number}@{('gmail', 'yahoo')[number % 2]}.com" for number in range(102)]
    found = routing(clock, Situation({("one", "*"): ILL}))

    groups = [{one.domain for one in group} for group in found.split(_merge(*people))]

    assert [{"gmail.com"}, {"yahoo.com"}] == groups
    assert 1 == len(found.split(_merge(*people[:100])))


def test_what_exceeds_the_ramp_goes_by_the_ill_link(tmp_path: Path) -> None:
    """
    With a real chain: in the same send, nobody twice and nobody left out.
    """
    tracking = Tracking(f"sqlite:///{tmp_path}/mails.db")
    tracking.init()
    deliveries = DeliveryHealth(tracking, every=None)
    deliveries.init()
    with tracking.engine.begin() as connection:
        write_cells(connection, {}, {("one", "gmail"): replace(ILL, since=time())}, {})
    deliveries.begin()
    one, two = Scripted("one"), Scripted("two")
    mailer = Mailer([one, two], from_email="me@example.com", deliveries=deliveries)
    people = [f"u{number}@gmail.com" for number in range(120)]

    receipt = mailer.send(_merge(*people))

    went = [[mail.to[0].email for mail in provider.mails] for provider in (one, two)]
    assert [20, 100] == list(map(len, went))
    assert set(people) == {email for part in went for email in part}
    assert {RecipientStatus.ACCEPTED} == set(receipt.recipients.values())
    tracking.close()


def test_a_probe_that_arrives_calls_for_more(clock: FakeClock) -> None:
    """
    One in a minute, so that a link is back soon; of another receiver's mails it says nothing.
    """
    cells = {("one", "gmail"): ILL, ("one", "yahoo"): ILL}
    found = routing(clock, Situation(cells, hopes=frozenset({("one", "gmail")})))
    yahoo = Message(to="bob@yahoo.com", subject="Hi", text="Hi")

    firsts = []
    for _ in range(3):
        firsts.append((order(found)[0], order(found, yahoo)[0]))
        clock.advance(HOPE_SECONDS)

    assert [("two", "two"), ("one", "two"), ("one", "two")] == firsts
