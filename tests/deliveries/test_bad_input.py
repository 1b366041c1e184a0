"""
Whatever comes: events of unknown mails, from the future, in any order, and clocks that jump.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool

from mailfailover import DeliveryEvent, EventType, Message, Receipt, RecipientStatus, RejectReason
from mailfailover._chain.observe import MailSent, WebhookRefused
from mailfailover.deliveries import Cell, CellState, DeliveryHealth, WebhooksSilent
from mailfailover.deliveries._counts import OF_WEBHOOKS, OUTCOMES, SLICE, Key
from mailfailover.deliveries._judge import Judge
from mailfailover.deliveries._ledger import Ledger
from mailfailover.testing import FakeClock

if TYPE_CHECKING:
    from collections.abc import Callable

DAY = 86400
NOW = 20_000 * DAY
AT = datetime.fromtimestamp(NOW, UTC)
LINKS = st.sampled_from(["one", "two", "*", ""])
RECEIVERS = st.sampled_from(["gmail", "acme.example", "other", "", "*"])
NUMBERS = st.integers(0, 10**9)
TIMES = st.integers(-9 * DAY, 2 * DAY).map(lambda passed: (NOW + passed) // SLICE * SLICE)


class Mails:
    """
    A tracking that knows one mail, accepted at a time.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.engine = create_engine("sqlite://", poolclass=StaticPool)
        self.clock = clock

    def accepted(self, event: DeliveryEvent) -> float | None:
        return self.clock() - 60 if event.mail_id == "known" else None

    def delivered(self, event: DeliveryEvent) -> datetime | None:
        return None


def health(clock: Callable[[], float], told: list[object]) -> DeliveryHealth:
    """
    Deliveries in memory.
    """
    mails: Any = Mails(clock)
    found = DeliveryHealth(mails, observers=[told.append], every=None)
    found.init()
    return found


def sent(number: int = 1, to: str = "ann@gmail.com") -> MailSent:
    """
    A mail that was accepted.
    """
    receipt = Receipt("known", "one", "", {to: RecipientStatus.ACCEPTED}, ())
    return MailSent(Message(to=to, subject="s", text="t"), receipt)


@settings(max_examples=50)
@given(
    st.lists(
        st.tuples(TIMES, LINKS, RECEIVERS, st.sampled_from([*OUTCOMES, *OF_WEBHOOKS]), NUMBERS),
        max_size=30,
    ),
    st.dictionaries(
        st.tuples(LINKS, RECEIVERS),
        st.builds(
            Cell,
            st.sampled_from(CellState),
            st.floats(NOW - 9 * DAY, NOW + 9 * DAY),
            delivered=NUMBERS,
            late=NUMBERS,
            blocked=NUMBERS,
            unheard=NUMBERS,
        ),
        max_size=5,
    ),
    st.integers(-2 * DAY, 9 * DAY),
)
def test_any_counts_can_be_judged(
    counts: list[tuple[int, str, str, str, int]],
    before: dict[tuple[str, str], Cell],
    jump: int,
) -> None:
    """
    More deliveries than sends, counts of the future, cells of other days: each gets a state.
    """
    ledger = Ledger(NOW)
    for start, link, receiver, what, number in counts:
        ledger.add(Key(start, link, receiver, what), number)
    ledger.age(NOW)
    ledger.age(NOW + jump)

    verdicts = Judge(ledger, NOW + jump, before).verdicts()

    assert all(isinstance(cell.state, CellState) for cell in verdicts.cells.values())


TEXTS = st.text(max_size=20) | st.sampled_from(["\x00", "\ud800", "x" * 5000, "550 5.1.1", "S3150"])
EVENTS = st.builds(
    DeliveryEvent,
    type=st.sampled_from(EventType),
    provider=st.sampled_from(["one", "two", "", "\x00", "x" * 300]),
    mail_id=st.sampled_from(["known", "unknown", "", "\ud800"]),
    recipient=st.sampled_from(["ann@gmail.com", "", "@", "no address", "a@" + "x" * 300, "a@\x00"]),
    timestamp=st.none()
    | st.timedeltas(timedelta(-400), timedelta(400)).map(lambda passed: AT + passed),
    reject_reason=st.none() | st.sampled_from(RejectReason),
    mta_response=TEXTS,
    description=TEXTS,
)


@settings(max_examples=10)
@given(st.lists(EVENTS | st.just(WebhookRefused("one")) | st.just(sent()), max_size=30))
def test_any_events_can_be_heard(events: list[object]) -> None:
    """
    They are counted where they mean anything, and blame no link that sent nothing.
    """
    told: list[object] = []
    found = health(FakeClock(NOW), told)

    for event in events:
        found(event)
    cells = found.check()

    assert not any(cell.is_ill for (link, _), cell in cells.items() if link not in {"one", "two"})
    assert all(isinstance(one, WebhooksSilent) for one in told) or any(map(_blames, events))


def _blames(event: object) -> bool:
    return isinstance(event, DeliveryEvent) and event.mail_id == "known"


@settings(max_examples=8)
@given(st.lists(st.sampled_from([15, 60, 3600, DAY, -3600, -DAY, 9 * DAY, -9 * DAY]), max_size=8))
def test_a_clock_that_jumps_switches_nothing(jumps: list[int]) -> None:
    """
    Both ways, between mails that are all delivered.
    """
    times, told = [float(NOW)], list[object]()
    found = health(lambda: times[-1], told)

    for jump in jumps:
        for _ in range(5):
            found(sent())
            found(
                DeliveryEvent(
                    type=EventType.DELIVERED,
                    provider="one",
                    mail_id="known",
                    recipient="ann@gmail.com",
                )
            )
        times.append(times[-1] + jump)
        found.check()

    assert [one for one in told if not isinstance(one, WebhooksSilent)] == []
    assert not any(cell.is_ill for cell in found.snapshot().values())


def test_very_many_events_at_once() -> None:
    """
    They are counted in a few rows, however many there are; what is told twice counts once.
    """
    found = health(FakeClock(NOW), [])
    event = DeliveryEvent(type=EventType.DELIVERED, provider="one", recipient="ann@gmail.com")

    for _ in range(50_000):
        found(event)
    found(sent())

    assert len(found._buffer.take()) == 2
