from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mailfailover.tracking._silent_outages import (
    ACCEPTED,
    HEARD,
    SLICE,
    Count,
    Reading,
    delay_class,
    judge,
)
from tests.samples import each
from tests.tracking.weeks import DAY, HOUR, START, Traffic, Week, between, from_then_on, never

if TYPE_CHECKING:
    from random import Random

OUTAGE = 1.5 * DAY
BEFORE = OUTAGE - 2 * HOUR


def third(rng: Random, at: float) -> float | None:
    """
    Only few arrive.
    """
    return 9.0 if rng.random() < 0.3 else None


def two_hours(rng: Random, at: float) -> float | None:
    """
    All arrive, much later than they used to.
    """
    return 7200.0


@pytest.mark.parametrize("fault", [never, third, two_hours])
def test_an_outage_is_told_within_hours(fault: object) -> None:
    """
    Of the provider that fell silent, partly or wholly, or became slow; of no other.
    """
    traffic = {"a": Traffic(60, from_then_on(OUTAGE, fault)), "b": Traffic(20)}  # type: ignore[arg-type]  # parametrized

    silent = Week(traffic, days=1.8).silent(BEFORE)

    assert ["a"] == list(silent)
    assert OUTAGE < silent["a"] < OUTAGE + 2 * HOUR


def test_a_standby_with_little_mail_shows_that_events_come() -> None:
    """
    With two mails an hour at the other provider, it takes some hours.
    """
    traffic = {"a": Traffic(60, from_then_on(OUTAGE, never)), "b": Traffic(2)}

    silent = Week(traffic, days=2).silent(BEFORE)

    assert ["a"] == list(silent)
    assert silent["a"] < OUTAGE + 8 * HOUR


def test_openings_of_older_mails_show_that_events_come() -> None:
    """
    A provider that is alone is told too where it goes on telling other things.
    """
    traffic = {"a": Traffic(60, from_then_on(OUTAGE, never), opens=0.9)}

    silent = Week(traffic, days=1.8).silent(BEFORE)

    assert ["a"] == list(silent)


def test_a_provider_that_is_alone_and_wholly_silent_is_not_told() -> None:
    """
    That looks like our own endpoint being dead.
    """
    traffic = {"a": Traffic(60, from_then_on(OUTAGE, never))}

    assert {} == Week(traffic, days=2).silent(BEFORE)


@pytest.mark.parametrize(("hours", "kept"), [(0.4, False), (1, True), (5, False)])
def test_a_dead_endpoint_is_no_outage(hours: float, kept: bool) -> None:
    """
    Neither while no events come at all nor afterwards, whether the vendors repeat them or not.
    """
    traffic = {"a": Traffic(60), "b": Traffic(20)}
    dead = (OUTAGE, OUTAGE + hours * HOUR)

    week = Week(traffic, days=2, dead=dead, kept=kept)

    assert {} == week.silent(BEFORE)


def test_recipients_who_take_no_mail_are_no_outage() -> None:
    """
    Where all providers deliver less, it is none of them.
    """
    worse = between(OUTAGE, OUTAGE + 6 * HOUR, never)
    traffic = {"a": Traffic(60, worse, opens=0.9), "b": Traffic(40, worse, opens=0.9)}

    assert {} == Week(traffic, days=2).silent(BEFORE)


def test_one_that_never_told_is_nobody_to_compare_with() -> None:
    """
    Its silence does not hide another's.
    """
    traffic = {
        "a": Traffic(60, from_then_on(OUTAGE, never), opens=0.9),
        "mute": Traffic(60, never),
    }

    assert ["a"] == list(Week(traffic, days=1.8).silent(BEFORE))


@pytest.mark.parametrize("rate", [0.2, 2, 40])
def test_healthy_providers_are_never_told(rate: float) -> None:
    """
    Chance is no outage, however much mail there is.
    """
    assert {} == Week({"a": Traffic(rate), "b": Traffic(20)}, days=2.5).silent(6 * HOUR, every=1800)


def test_few_mails_prove_nothing() -> None:
    """
    One mail in two hours is not enough to tell within days.
    """
    traffic = {"a": Traffic(0.5, from_then_on(OUTAGE, never)), "b": Traffic(20)}

    assert {} == Week(traffic, days=2.5).silent(BEFORE)


def test_one_that_never_told_cannot_fall_silent() -> None:
    """
    SMTP has no events, and some accounts have no webhook.
    """
    week = Week({"mute": Traffic(60, never), "b": Traffic(20)}, days=2)

    assert {"b"} == {one.provider for _, found in week.readings(DAY) for one in found}


def test_an_end_is_known_too() -> None:
    """
    Once its mails arrive again, it is well again.
    """
    delay = between(OUTAGE, OUTAGE + 4 * HOUR, never)
    week = Week({"a": Traffic(60, delay), "b": Traffic(20)}, days=2)

    last = {one.provider: one for _, found in week.readings(BEFORE) for one in found}

    assert last["a"].is_well
    assert not last["a"].is_silent


def test_a_reading_has_the_numbers() -> None:
    """
    Shares, mails, and the time within which most used to be told.
    """
    now = START + DAY
    slices = range(int(START // SLICE), int(now // SLICE))
    counts = [
        count
        for number in slices
        for count in (
            Count(number, "a", ACCEPTED, 20),
            Count(number, "a", "60", 20 if number < slices[-6] else 0),
            Count(number, "b", HEARD, 1),
        )
    ]

    assert (Reading("a", 0.0, 1.0, 60, 900),) == judge(counts, now)


@each(
    ("seconds", "expected"),
    [(-3, "60"), (60, "60"), (61, "300"), (14400, "14400"), (14401, "")],
)
def test_delays_have_classes(seconds: float, expected: str) -> None:
    """
    A clock that runs behind makes no delivery that was before its mail.
    """
    assert expected == delay_class(seconds)


@each(
    ("share", "usual", "mails", "silent", "well"),
    [
        (0.0, 0.95, 30, True, False),
        (0.4, 0.95, 30, True, False),
        (0.5, 0.95, 500, False, False),
        (0.75, 1.0, 500, False, True),
        (0.1, 0.3, 30, False, False),
        (0.1, 0.3, 120, True, False),
        (0.0, 1.0, 30, True, False),
    ],
)
def test_far_below_and_not_by_chance(
    share: float, usual: float, mails: int, silent: bool, well: bool
) -> None:
    """
    The fewer mails there are, the farther below they have to be.
    """
    reading = Reading("a", share, usual, mails, 900)

    assert (silent, well) == (reading.is_silent, reading.is_well)
