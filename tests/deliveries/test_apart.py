"""
Which receivers are told apart.
"""

from __future__ import annotations

from mailfailover.deliveries._apart import MOST, OTHER, Apart
from mailfailover.deliveries._counts import SLICE

NOW = 1000.0 * SLICE


def test_receivers_of_the_table_always_are() -> None:
    """
    Others are one until they have enough mails.
    """
    apart = Apart()

    assert ("gmail", OTHER, OTHER) == (
        apart.name("gmail", NOW),
        apart.name("acme.example", NOW),
        apart.name("mailhost", NOW),
    )


def test_a_domain_with_many_mails_is_told_apart_from_a_time_on() -> None:
    """
    When all processes know it; mails of before count as they did.
    """
    apart = Apart()
    for _ in range(30):
        apart.note("acme.example")
        apart.note("gmail")
    apart.note("tiny.example")
    new = apart.new(NOW)
    apart.since = new

    assert {"acme.example": NOW + 2 * SLICE} == new
    assert {} == apart.new(NOW)
    assert (OTHER, "acme.example") == (
        apart.name("acme.example", NOW),
        apart.name("acme.example", NOW + 2 * SLICE),
    )


def test_there_is_a_most() -> None:
    """
    However many domains there are.
    """
    apart = Apart()
    for number in range(MOST + 5):
        for _ in range(30):
            apart.note(f"{number}.example")

    apart.since = apart.new(NOW)
    apart.note("another.example")

    assert (MOST, {}) == (len(apart.since), apart.new(NOW))


def test_what_is_remembered_is_bounded() -> None:
    """
    Ten thousand domains with a mail each make no memory grow.
    """
    apart = Apart()
    for number in range(25_000):
        apart.note(f"{number}.example")

    assert len(apart._mails) <= 10_000
