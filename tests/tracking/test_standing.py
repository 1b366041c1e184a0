from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from mailfailover import DeliveryEvent, EventType
from mailfailover.tracking._standing import STATES, RecipientState, Standing, stand
from tests.samples import each

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
ACCEPTED = RecipientState.ACCEPTED


def event(type_: str, minute: int = 0, provider: str = "a") -> DeliveryEvent:
    """
    What a provider told so many minutes after noon.
    """
    return DeliveryEvent(
        event_id=f"{provider}-{type_}-{minute}",
        type=EventType(type_),
        provider=provider,
        timestamp=NOON + timedelta(minutes=minute),
    )


def state(*events: DeliveryEvent, base: RecipientState = ACCEPTED) -> str:
    """
    How a recipient stands whose mail *a* took.
    """
    return str(stand(base, "a", events).state)


@each("base", RecipientState)
def test_without_events_the_send_has_the_word(base: RecipientState) -> None:
    """
    Nothing is known beyond it.
    """
    assert Standing(base) == stand(base, "a", ())


@each(
    ("types", "expected"),
    [
        (["queued", "sent"], "accepted"),
        (["deferred"], "deferred"),
        (["deferred", "delivered"], "delivered"),
        (["delivered", "deferred"], "delivered"),
        (["rejected"], "rejected"),
        (["failed"], "rejected"),
        (["autoresponded"], "delivered"),
        (["unsubscribed"], "delivered"),
        (["delivered", "opened"], "opened"),
        (["clicked", "opened"], "clicked"),
        (["delivered", "bounced"], "bounced"),
        (["bounced", "delivered"], "bounced"),
        (["opened", "bounced"], "bounced"),
        (["delivered", "complained", "opened"], "complained"),
        (["subscribed", "unknown"], "accepted"),
    ],
)
def test_the_furthest_event_counts(types: list[str], expected: str) -> None:
    """
    Of one provider, neither the order of the events nor that of their times decides.
    """
    assert expected == state(*(event(type_, minute) for minute, type_ in enumerate(types)))


@each(
    ("first", "second", "expected"),
    [
        ("rejected", "delivered", "delivered"),
        ("bounced", "delivered", "delivered"),
        ("bounced", "queued", "bounced"),
        ("rejected", "queued", "accepted"),
        ("deferred", "queued", "deferred"),
    ],
)
def test_of_two_providers_the_better_one_counts(first: str, second: str, expected: str) -> None:
    """
    A mail that was sent twice reached whoever one of them reached.
    """
    found = state(event(first, 1), event(second, 2, "b"), base=RecipientState.UNKNOWN)

    assert expected == found


@each("base", ["unknown", "failed", "refused", "suppressed", "invalid"])
def test_an_event_settles_what_the_send_did_not_know(base: str) -> None:
    """
    Whoever tells of the mail had it.
    """
    assert "deferred" == state(event("deferred"), base=RecipientState(base))


def test_the_first_proof_is_named() -> None:
    """
    Of two events that prove the same, the earlier one is when it came to be.
    """
    late, early = event("opened", 30), event("opened", 5)

    assert Standing(RecipientState.OPENED, early) == stand(ACCEPTED, "a", [late, early])


events = st.builds(
    event,
    st.sampled_from([str(one) for one in EventType]),
    st.integers(0, 9),
    st.sampled_from("ab"),
)


@given(events=st.lists(events, max_size=8), data=st.data())
def test_order_and_repetition_change_nothing(
    events: list[DeliveryEvent], data: st.DataObject
) -> None:
    """
    The same events, shuffled and repeated, tell the same.
    """
    extra = data.draw(st.lists(st.sampled_from(events), max_size=4)) if events else []
    shuffled = data.draw(st.permutations(events + extra))

    assert stand(ACCEPTED, "a", events) == stand(ACCEPTED, "a", shuffled)


@given(known=st.lists(events, max_size=6), more=events)
def test_a_bounce_is_never_taken_back_by_its_provider(
    known: list[DeliveryEvent], more: DeliveryEvent
) -> None:
    """
    Whatever else it tells, but a complaint.
    """
    own = [one for one in [*known, more, event("bounced")] if one.provider == "a"]

    assert state(*own) in ("bounced", "complained")


def test_most_types_prove_a_state() -> None:
    """
    A new type has to be thought about.
    """
    assert {EventType.SUBSCRIBED, EventType.UNKNOWN} == set(EventType) - set(STATES)
