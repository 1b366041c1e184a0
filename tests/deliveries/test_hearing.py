"""
Whether our webhooks work, and which times prove nothing because they did not.
"""

from __future__ import annotations

from mailfailover.deliveries._counts import SLICE
from mailfailover.deliveries._hearing import Hearing

NOW = 1000 * SLICE
DUE = {600.0: 100.0, 1800.0: 300.0, 7200.0: 900.0}


def hearing(*slices: int, link: str = "one", number: int = 10, what: str = "heard") -> Hearing:
    """
    Events in these slices, counted back from now.
    """
    found = Hearing()
    for passed in slices:
        found.add(link, NOW - passed * SLICE, what, number)
    return found


def test_events_that_come_are_heard() -> None:
    """
    From whatever link.
    """
    assert {} == hearing(1).silent({"one": DUE}, NOW)


def test_no_event_where_many_are_due() -> None:
    """
    The first span of time that shows it is named.
    """
    assert {"*": "no event came in 10 min, where 100 were due"} == hearing(30).silent(
        {"one": DUE}, NOW
    )


def test_few_mails_are_waited_for_longer() -> None:
    """
    Until twenty are due.
    """
    due = {600.0: 5.0, 1800.0: 15.0, 7200.0: 60.0}

    assert {"*": "no event came in 120 min, where 60 were due"} == Hearing().silent(
        {"one": due}, NOW
    )
    assert {} == Hearing().silent({"one": {600.0: 5.0}}, NOW)


def test_signatures_that_are_wrong() -> None:
    """
    Of one link; a single one may be anybody's.
    """
    found = hearing(1, link="two")
    found.add("one", NOW - SLICE, "refused", 1)
    single = found.silent({"one": DUE, "two": DUE}, NOW)
    found.add("one", NOW - SLICE, "refused", 30)

    text = "31 webhooks had a wrong signature, and none a right one"
    assert ({}, {"one": text}) == (single, found.silent({"one": DUE, "two": DUE}, NOW))
    assert {NOW - SLICE} == found.refused("one")
    found.add("one", NOW, "heard", 1)
    assert {} == found.silent({"one": DUE, "two": DUE}, NOW)


def test_events_are_waited_for_as_long_as_they_took() -> None:
    """
    Twice as long as lately, and as long as none comes, up to half an hour.
    """
    late = hearing(1)
    late.add("one", NOW - SLICE, "lag", 3000)

    assert (600.0, 0.0, 1800.0, 900.0) == (
        late.lag("one", NOW),
        late.lag("two", NOW),
        hearing(30).lag("one", NOW),
        hearing(4).lag("one", NOW),
    )


def test_slices_in_which_the_endpoint_was_dead() -> None:
    """
    And the one after them, in which it came back at some time.
    """
    expected = dict.fromkeys(range(NOW - 20 * SLICE, NOW, SLICE), 10.0)
    found = hearing(20, 19, 18, 5, 4, 3, 2, 1)

    dead = found.dead(lambda start: expected.get(start, 0.0), NOW - 20 * SLICE, NOW)

    assert {NOW - passed * SLICE for passed in range(5, 18)} == dead


def test_silence_at_night_is_no_dead_endpoint() -> None:
    """
    Where nothing was due.
    """
    assert frozenset() == hearing(20, 1).dead(lambda _start: 0.0, NOW - 20 * SLICE, NOW)


def test_an_endpoint_that_is_dead_now() -> None:
    """
    Since the last event.
    """
    expected = dict.fromkeys(range(NOW - 5 * SLICE, NOW, SLICE), 10.0)

    assert {NOW - 2 * SLICE, NOW - SLICE} == hearing(5, 4, 3).dead(
        lambda start: expected.get(start, 0.0), NOW - 5 * SLICE, NOW
    )


def test_what_is_put_takes_the_place_of_what_was() -> None:
    """
    And what is old is forgotten.
    """
    found = hearing(1, number=10)
    found.put("one", NOW - SLICE, "heard", 12)
    found.put("one", NOW - SLICE, "lag", 1200)
    late = found.lag("one", NOW)
    found.age(NOW)

    assert (200.0, 0.0) == (late, found.lag("one", NOW))
