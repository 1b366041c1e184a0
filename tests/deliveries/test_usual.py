"""
What the past of a cell says, and how surely the present is another.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mailfailover.deliveries._chance import above, below
from mailfailover.deliveries._slot import Slot
from mailfailover.deliveries._usual import usual_of

NUMBERS = st.integers(0, 10_000)


def hour(sent: int, **told: int) -> Slot:
    """
    A slot of an hour.
    """
    slot = Slot()
    slot.add("sent", sent)
    for what, number in told.items():
        slot.add(what.removeprefix("within_"), number)
    return slot


def test_a_past_that_is_too_short_says_nothing() -> None:
    """
    Fewer than 200 mails, or no delivery at all.
    """
    assert None is usual_of([hour(199, within_300=190)])
    assert None is usual_of([hour(500)])
    assert None is usual_of([])


def test_a_healthy_past() -> None:
    """
    How soon most arrive, which part does, and how many an hour has.
    """
    usual = usual_of([hour(100, within_300=60, within_900=35, blocked=2)] * 20)

    assert usual is not None
    assert (900, 0.95, 0.0, 0.02, 100.0) == (
        usual.patience,
        usual.share,
        usual.noise,
        usual.blocked,
        usual.an_hour,
    )


def test_an_outage_is_not_the_measure_of_the_next_one() -> None:
    """
    A tenth of the past in which nothing arrived and all was blocked changes nothing.
    """
    healthy = [hour(100, within_300=95)] * 90

    assert usual_of(healthy) == usual_of([*healthy, *[hour(100, blocked=100)] * 9])


def test_hours_that_are_worse_are_noise() -> None:
    """
    Where a fifth of the hours delivers less, that is expected.
    """
    usual = usual_of([hour(1000, within_300=960), *[hour(1000, within_300=860)] * 2] * 10)
    steady = usual_of([hour(1000, within_300=960)] * 30)

    assert usual is not None
    assert steady is not None
    assert (0.0, 0.0) == (steady.noise, round(usual.noise, 2))
    mixed = usual_of([*[hour(1000, within_300=960)] * 4, hour(1000, within_300=860)] * 10)
    assert mixed is not None
    assert 0.08 < mixed.noise < 0.1


def test_hours_with_few_mails_are_joined() -> None:
    """
    A share of three mails says nothing.
    """
    usual = usual_of([hour(3, within_300=3), hour(3, within_300=2), hour(3, within_300=3)] * 30)

    assert usual is not None
    assert 0.85 < usual.share < 0.92
    assert usual.noise < 0.02


def test_what_another_link_may_expect_is_less_sure() -> None:
    """
    And it has no usual hour of its own.
    """
    usual = usual_of([hour(100, within_300=95)] * 20)

    assert usual is not None
    assert (0.03, 0.0) == (usual.borrowed().noise, usual.borrowed().an_hour)


def test_few_mails_prove_little() -> None:
    """
    The same share of more mails proves more.
    """
    assert below(7, 10, 0.96) < below(70, 100, 0.96) < below(700, 1000, 0.96)
    assert above(3, 10, 0.02) < above(30, 100, 0.02)


@given(NUMBERS, NUMBERS, st.floats(0, 1))
def test_a_chance_is_never_less_than_none(number: int, of: int, usual: float) -> None:
    """
    And what is usual is no surprise.
    """
    number = min(number, of)

    assert above(number, of, usual) >= 0.0
    assert below(number, of, usual) >= 0.0
    assert 0.0 in (above(number, of, usual), below(number, of, usual))


def test_a_slot_is_asked_again_after_it_changed() -> None:
    """
    What was summed up is not remembered for too long.
    """
    slot = hour(10, within_300=5, nobody=1)
    first = slot.summary(0)
    slot.add("900", 2)

    assert ((10, 6, 5, 0), (10, 6, 7, 0), (10, 8, 7, 1)) == (
        first,
        slot.summary(0),
        slot.summary(1),
    )
