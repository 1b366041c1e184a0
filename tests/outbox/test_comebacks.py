from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from mailfailover import Attempt
from mailfailover.errors import MessageRejected, ProviderUnavailable
from mailfailover.outbox import Outbox, State
from mailfailover.outbox._comebacks import AWAY, FIRST, MOST, Comeback, Comebacks
from tests.chains import MAIL, NOW, Scripted, World
from tests.outbox.working import found, work

if TYPE_CHECKING:
    from mailfailover.errors import SendError

DOWN = ProviderUnavailable("HTTP 503")


class Told:
    """
    Comebacks, and the time that they see.
    """

    def __init__(self) -> None:
        self.now = NOW
        self.comebacks = Comebacks(lambda: self.now)

    def note(self, error: SendError | None, after: float = 0.0) -> None:
        """
        An attempt at provider a.
        """
        self.now += timedelta(seconds=after)
        outcome = "accepted" if error is None else type(error).__name__
        self.comebacks.note([Attempt("a", self.now, 0.1, "response", outcome, error)])


def test_a_provider_that_was_away_is_back() -> None:
    """
    When it takes a mail after half a minute of failures.
    """
    told = Told()
    told.note(None)
    told.comebacks.released(told.comebacks.pending()[0], 0)

    told.note(DOWN)
    told.note(DOWN, AWAY)
    assert () == told.comebacks.pending()
    told.note(None, 1.0)

    assert (Comeback("a", told.now),) == told.comebacks.pending()


def test_one_that_fails_now_and_then_was_not_away() -> None:
    """
    Its mails wait as long as they were told to.
    """
    told = Told()
    told.note(None)
    told.comebacks.released(told.comebacks.pending()[0], 0)

    for _ in range(20):
        told.note(DOWN, 2.0)
        told.note(None, 2.0)

    assert () == told.comebacks.pending()


def test_what_was_before_its_time_it_does_not_know() -> None:
    """
    The first mail that a provider takes counts.
    """
    told = Told()
    told.note(None)

    assert (Comeback("a", NOW),) == told.comebacks.pending()


def test_a_refused_mail_is_neither() -> None:
    """
    The provider is not to blame.
    """
    told = Told()
    told.note(MessageRejected("spam"))

    assert () == told.comebacks.pending()


def test_few_come_first() -> None:
    """
    Then twice as many each time, until there are no more.
    """
    told = Told()
    told.note(None)
    sizes = []
    for _ in range(6):
        (comeback,) = told.comebacks.pending()
        sizes.append(comeback.size)
        told.comebacks.released(comeback, comeback.size)
    told.comebacks.released(comeback, 3)

    assert [FIRST, 100, 200, 400, MOST, MOST] == sizes
    assert () == told.comebacks.pending()


def test_one_that_goes_away_again_gets_no_more() -> None:
    """
    What waits for it goes on waiting.
    """
    told = Told()
    told.note(None)
    (comeback,) = told.comebacks.pending()
    told.note(DOWN)
    told.comebacks.released(comeback, comeback.size)

    assert () == told.comebacks.pending()


@pytest.fixture
def waiting(outbox: Outbox, world: World) -> Outbox:
    """
    An outbox after six hours during which provider a was away, seen by one worker after another.
    """
    for number in range(3):
        outbox.add(MAIL.replace(id=f"m{number}"))
    for _ in range(24):
        work(outbox, world, Scripted("a", DOWN)).run_once()
        world.clock.advance(900)
    return outbox


def test_when_a_provider_comes_back_what_waits_for_it_is_due(waiting: Outbox, world: World) -> None:
    """
    Nobody waits out the pause that was meant for the outage.
    """
    worker = work(waiting, world, Scripted("a"))
    before = [one.due for one in waiting.list(State.PENDING)]
    waiting.add(MAIL.replace(id="new"))

    worker.run_once()
    worker.run_once()

    now = NOW + timedelta(seconds=world.wall() - NOW.timestamp())
    assert all(due is not None and due > now for due in before)
    assert 4 == waiting.stats().counts[State.SENT]


def test_what_waits_for_another_provider_goes_on_waiting(waiting: Outbox, world: World) -> None:
    """
    That one is not back.
    """
    worker = work(waiting, world, Scripted("b"))
    waiting.add(MAIL.replace(id="new"))

    worker.run_once()
    worker.run_once()

    assert 3 == waiting.stats().counts[State.PENDING]


def test_an_outage_kills_no_mail_before_it_expires(outbox: Outbox, world: World) -> None:
    """
    Five days, as mail servers do; then it says why.
    """
    outbox.add(MAIL)
    states = set()
    for _ in range(5 * 24):
        work(outbox, world, Scripted("a", DOWN)).run_once()
        states.add(found(outbox).state)
        world.clock.advance(3600)
    work(outbox, world, Scripted("a", DOWN)).run_once()

    mail = found(outbox)
    assert {State.PENDING} == states
    assert State.DEAD == mail.state
    assert mail.reason.startswith("it expired before a provider took it")


def test_a_mail_is_not_sent_after_its_own_time(any_outbox: Outbox, world: World) -> None:
    """
    A one-time code that nobody needs any more.
    """
    a = Scripted("a")
    any_outbox.add(MAIL.replace(expires=NOW + timedelta(seconds=60)))
    world.clock.advance(60)

    work(any_outbox, world, a).run_once()

    mail = found(any_outbox)
    assert [] == a.mails
    assert (State.DEAD, "it expired before a provider took it") == (mail.state, mail.reason)
