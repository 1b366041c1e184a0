from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from mailfailover import DeliveryEvent, MailSent, ProviderUp, SilentOutage
from mailfailover.tracking import SilentOutageWatch, Tracking
from mailfailover.tracking._silent_outages import ACCEPTED, HEARD, SLICE, Count, judge, outages
from mailfailover.unsubscribe import PROVIDER
from tests.chains import MAIL, NOW, Scripted, World
from tests.tracking.test_tracking import send, told

if TYPE_CHECKING:
    from collections.abc import Iterable

OUTAGE = SilentOutage("a", share=0.0, usual=1.0, mails=60, patience=900)


class Counted:
    """
    A day of twenty mails in each slice, of which the last ones were delivered or not.
    """

    def __init__(self, now: float) -> None:
        self.now = now
        self.lost = 0
        self.asked = 0

    def silent_outages(self) -> dict[str, SilentOutage | None]:
        self.asked += 1
        end = int(self.now // SLICE)
        counts = [
            count
            for number in range(end - 288, end)
            for count in (
                Count(number, "a", ACCEPTED, 20),
                Count(number, "a", "60", 20 if number < end - self.lost else 0),
                Count(number, "b", HEARD, 1),
            )
        ]
        return outages(judge(counts, self.now))


@pytest.fixture
def counted(world: World) -> Counted:
    """
    Nothing is lost yet.
    """
    return Counted(world.wall())


def watching(counted: Any, world: World) -> SilentOutageWatch:
    """
    A watch that tells the world.
    """
    return SilentOutageWatch(counted, [world.events.append], clock=world.wall)


def test_all_is_well(counted: Counted, world: World) -> None:
    """
    Nobody is told anything.
    """
    assert () == watching(counted, world).check()
    assert [] == world.events


def test_an_outage_is_told_once(
    counted: Counted, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """
    To observers and to the log, until it is over; the next one is told again.
    """
    watch = watching(counted, world)
    found = []
    for lost in (6, 6, 0, 6):
        counted.lost = lost
        found.append(watch.check())

    assert [(OUTAGE,), (OUTAGE,), (), (OUTAGE,)] == found
    assert [OUTAGE, OUTAGE] == world.events
    text = (
        "a accepts mail, but of its last 60 mails it told 0% to be delivered within 15 min; "
        "usual are 100%"
    )
    assert caplog.record_tuples == [
        ("mailfailover", logging.ERROR, text),
        ("mailfailover", logging.WARNING, "a delivers as usual again"),
        ("mailfailover", logging.ERROR, text),
    ]


def test_a_little_below_changes_nothing(counted: Counted, world: World) -> None:
    """
    An outage lasts until the provider is well again, not until it is a little better.
    """
    watch = watching(counted, world)
    found = []
    for lost in (4, 6, 4, 3):  # of three slices that are due, one, all, one, none is lost
        counted.lost = lost
        found.append(len(watch.check()))

    assert [0, 1, 1, 0] == found
    assert [OUTAGE] == world.events


def test_it_looks_by_itself_now_and_then(counted: Counted, world: World) -> None:
    """
    Once a minute, when there is anything to hear of.
    """
    watch = watching(counted, world)
    events: Iterable[Any] = (
        ProviderUp("a"),
        DeliveryEvent(),
        MailSent(MAIL, None),  # type: ignore[arg-type]  # not looked at
    )

    asked = []
    for event in events:
        watch(event)
        asked.append(counted.asked)
    world.clock.advance(60)
    watch(DeliveryEvent())

    assert ([0, 1, 1], 2) == (asked, counted.asked)


def test_two_threads_do_not_look_at_once(counted: Counted, world: World) -> None:
    """
    The second one does not wait.
    """
    watch = watching(counted, world)
    inside = []

    class Asking(Counted):
        def silent_outages(self) -> dict[str, SilentOutage | None]:
            inside.append(watch.check())
            return super().silent_outages()

    watch.source = Asking(world.wall())
    watch.check()

    assert [()] == inside


def day(tracking: Tracking, world: World, hours: int, *, delivers: bool) -> None:
    """
    Send forty mails an hour, of which each is told to be delivered after ten seconds or not.
    """
    for number in range(hours * 40):
        mail_id = f"m{world.clock():.0f}"
        send(tracking, world, Scripted("a", mail_id), mail=MAIL.replace(id=mail_id))
        world.clock.advance(10)
        now = timedelta(seconds=world.clock() - 1000)
        if delivers:
            tracking(told("delivered", mail_id=mail_id, event_id=mail_id, timestamp=NOW + now))
        if number % 2:
            tracking(told("opened", mail_id="old", event_id=f"o{mail_id}", timestamp=NOW + now))
        world.clock.advance(80)


def test_it_judges_by_what_tracking_heard(tracking: Tracking, world: World) -> None:
    """
    From real sends and events on: well for hours, and then silent.
    """
    watch = watching(tracking, world)
    day(tracking, world, 7, delivers=True)
    well = watch.check()
    day(tracking, world, 2, delivers=False)

    (found,) = watch.check()
    assert ((), "a", 0.0, 900) == (well, found.provider, found.share, found.patience)
    assert found.usual > 0.8


def counts(tracking: Tracking) -> dict[tuple[str, str], int]:
    """
    What is counted, whatever the slice.
    """
    return {(count.provider, count.what): count.number for count in tracking.counts()}


def test_accepted_and_delivered_recipients_are_counted(
    any_tracking: Tracking, world: World
) -> None:
    """
    Each recipient, each event once, deliveries by their delay and by the mail's slice.
    """
    send(any_tracking, world, Scripted("a", "a-id"), mail=MAIL.replace(to=["x@x.org", "y@x.org"]))
    world.clock.advance(600)
    for event in (
        told("delivered", "x@x.org", minute=2),
        told("delivered", "x@x.org", minute=2),
        told("delivered", "y@x.org", minute=11, mail_id=""),
        told("opened", "y@x.org"),
        told("delivered", "z@x.org", minute=999),
    ):
        any_tracking(event)

    start = int(NOW.timestamp() // SLICE)
    assert {
        Count(start, "a", "accepted", 2),
        Count(start, "a", "300", 1),
        Count(start, "a", "900", 1),
        Count(start + 2, "a", "heard", 4),
    } == set(any_tracking.counts())


def test_a_delivery_that_was_told_first_is_counted(any_tracking: Tracking, world: World) -> None:
    """
    When its mail is recorded.
    """
    any_tracking(told("delivered"))
    send(any_tracking, world, Scripted("a", "a-id"))

    assert {("a", "heard"): 1, ("a", "accepted"): 1, ("a", "60"): 1} == counts(any_tracking)


def test_what_is_not_counted(tracking: Tracking, world: World) -> None:
    """
    Scheduled mails, deliveries by another than who accepted, and clicks on our own links.
    """
    later = MAIL.replace(send_at=NOW + timedelta(hours=9))
    send(tracking, world, Scripted("a", "a-id"), mail=later)
    send(tracking, world, Scripted("b", "b-id"), mail=MAIL.replace(id="m2"))
    tracking(told("delivered"))
    tracking(told("delivered", mail_id="m2", event_id="2"))
    tracking(told("delivered", mail_id="m3", event_id="3"))
    tracking(told("unsubscribed", provider=PROVIDER))

    assert {("a", "heard"): 3, ("b", "accepted"): 1} == counts(tracking)


def test_a_mail_with_nobody_accepted_is_not_counted(tracking: Tracking, world: World) -> None:
    """
    As one that failed.
    """
    send(tracking, world, Scripted("a", ValueError()))

    assert {} == counts(tracking)
