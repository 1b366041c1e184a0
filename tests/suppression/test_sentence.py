"""
The sentence on an address, whatever is known of it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from mailfailover.suppression import SuppressionState
from mailfailover.suppression._sentence import AGREEMENT, HOLD, Bounce, Standing, sentences
from tests.chains import NOW

if TYPE_CHECKING:
    from random import Random

HOURS = st.integers(0, 24 * 30)


@st.composite
def bounces(draw: st.DrawFn) -> Bounce:
    """
    A bounce within a month, heard of at once or later.
    """
    at = NOW + timedelta(hours=draw(HOURS))
    return Bounce(
        key=draw(st.uuids()).hex,
        email="ann@example.org",
        receiver="example.org",
        standing=draw(st.sampled_from(Standing)),
        is_listing=draw(st.booleans()),
        at=at,
        received=at + timedelta(hours=draw(st.integers(0, 48))),
        told=draw(st.sampled_from([at, None])),
        source=draw(st.sampled_from("ab")),
    )


DELIVERED = st.lists(HOURS.map(lambda hours: NOW + timedelta(hours=hours)), max_size=2)


@given(st.lists(bounces(), max_size=6), DELIVERED, st.randoms())
def test_the_order_does_not_matter(
    found: list[Bounce], delivered: list[datetime], random: Random
) -> None:
    """
    In which bounces and deliveries are known.
    """
    mixed = [*found]
    random.shuffle(mixed)

    assert set(sentences(found, delivered)) == set(sentences(mixed, delivered[::-1]))


@given(bounces())
def test_one_bounce_is_no_sentence(bounce: Bounce) -> None:
    """
    On an address that was delivered to before.
    """
    before = [bounce.at - timedelta(hours=1)]

    found = {one.state for one in sentences([bounce], before)}

    assert SuppressionState.SUPPRESSED not in found


@given(st.lists(bounces(), min_size=2, max_size=6))
def test_a_sentence_takes_time(found: list[Bounce]) -> None:
    """
    Another bounce of a known address was a week before it, or three days through another vendor.
    """
    slack = timedelta(hours=1)

    for one in sentences(found, [NOW]):
        gaps = [
            (min(one.bounce.at - other.at, one.bounce.received - other.received), other.source)
            for other in found
        ]
        assert one.state is not SuppressionState.SUPPRESSED or any(
            gap >= HOLD - slack or (gap >= AGREEMENT - slack and source != one.bounce.source)
            for gap, source in gaps
        )


@given(st.lists(bounces(), max_size=6))
def test_a_later_delivery_speaks_for_the_address(found: list[Bounce]) -> None:
    """
    Nothing follows from what bounced before.
    """
    later = [NOW + timedelta(days=60)]

    assert [] == list(sentences(found, later))
