from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from mailfailover import DeliveryEvent, EventType, Message
from mailfailover.errors import OutcomeUnknown, ProviderUnavailable
from mailfailover.outbox import Outbox, State
from mailfailover.outbox._tables import recipients
from tests.chains import MAIL, Scripted, World
from tests.outbox.working import Cable, found, statuses, work

if TYPE_CHECKING:
    from typing import Any

KEEP = timedelta(days=30)
DOUBT = OutcomeUnknown("no answer", stage="written")


def told(type_: EventType = EventType.DELIVERED, **fields: Any) -> DeliveryEvent:
    """
    What vendor a tells of the mail to Ann.
    """
    defaults: dict[str, Any] = {
        "type": type_,
        "provider": "a",
        "provider_message_id": "a-id",
        "mail_id": "m1",
        "recipient": "ann@example.org",
    }
    return DeliveryEvent(**(defaults | fields))


def doubtful(outbox: Outbox, world: World, message: Message = MAIL) -> None:
    """
    A mail that vendor a may have taken.
    """
    outbox.add(message)
    work(outbox, world, Scripted("a", DOUBT)).run_once()
    assert State.UNKNOWN == found(outbox).state


@pytest.mark.parametrize(
    "type_", [EventType.DELIVERED, EventType.DEFERRED, EventType.BOUNCED, EventType.OPENED], ids=str
)
def test_an_event_settles_an_unknown_mail(
    any_outbox: Outbox, world: World, type_: EventType
) -> None:
    """
    Whatever became of it then, the vendor took it; what it said is forgotten.
    """
    doubtful(any_outbox, world)

    assert any_outbox.settle(told(type_))

    mail = found(any_outbox)
    assert (State.SENT, "a", "a-id", "", None) == (
        mail.state,
        mail.provider,
        mail.provider_message_id,
        mail.reason,
        mail.message,
    )
    assert (any_outbox.now(), any_outbox.now() + KEEP) == (mail.finished, mail.due)
    assert {"ann": "accepted"} == statuses(mail)


@pytest.mark.parametrize("type_", [EventType.REJECTED, EventType.FAILED], ids=str)
def test_a_vendor_that_did_not_try_settles_it_too(
    outbox: Outbox, world: World, type_: EventType
) -> None:
    """
    The mail is dead, with its message for the operator.
    """
    doubtful(outbox, world)

    assert outbox.settle(told(type_))

    mail = found(outbox)
    assert (State.DEAD, {"ann": "refused"}, MAIL) == (mail.state, statuses(mail), mail.message)
    assert "the provider took it, and then told that it is not sent" == mail.reason


@pytest.mark.parametrize(
    "event",
    [
        told(EventType.UNKNOWN),
        told(EventType.SUBSCRIBED),
        told(mail_id=""),
        told(mail_id="m2"),
    ],
    ids=["unknown", "subscribed", "no id", "another id"],
)
def test_what_says_nothing_settles_nothing(
    outbox: Outbox, world: World, event: DeliveryEvent
) -> None:
    """
    Nor what is about another mail.
    """
    doubtful(outbox, world)

    assert not outbox.settle(event)

    assert State.UNKNOWN == found(outbox).state


def test_an_event_of_a_sent_mail_changes_nothing(outbox: Outbox, world: World) -> None:
    """
    Whatever it says, or how often.
    """
    outbox.add(MAIL)
    work(outbox, world).run_once()
    before = found(outbox)

    assert not outbox.settle(told(EventType.REJECTED))

    assert before == found(outbox)


def test_an_event_of_a_mail_that_nobody_sent_changes_nothing(outbox: Outbox) -> None:
    """
    There is nothing in doubt.
    """
    outbox.add(MAIL)

    assert not outbox.settle(told())

    assert State.PENDING == found(outbox).state


def test_one_recipient_tells_of_all(outbox: Outbox, world: World) -> None:
    """
    A vendor takes a mail for all, or for none.
    """
    doubtful(outbox, world, MAIL.replace(cc="bob@example.org"))

    assert outbox.settle(told(EventType.REJECTED, recipient="Bob@example.org"))

    mail = found(outbox)
    assert (State.SENT, {"ann": "accepted", "bob": "refused"}) == (mail.state, statuses(mail))


def test_of_a_merge_each_recipient_tells_for_himself(outbox: Outbox, world: World) -> None:
    """
    The mail is settled when all of them are.
    """
    emails = ["ann@example.org", "bob@example.org"]
    doubtful(
        outbox,
        world,
        MAIL.replace(to=emails, merge_data={one: {"name": "A"} for one in emails}),
    )

    with outbox.engine.begin() as connection:  # one call for both
        connection.execute(update(recipients).values(status="unknown"))

    assert outbox.settle(told())
    assert (State.UNKNOWN, {"ann": "accepted", "bob": "unknown"}) == (
        found(outbox).state,
        statuses(found(outbox)),
    )

    assert outbox.settle(told(recipient="bob@example.org"))
    assert State.SENT == found(outbox).state


def test_a_mail_that_waits_to_be_sent_again_is_settled(outbox: Outbox, world: World) -> None:
    """
    The event came just in time.
    """
    a = Scripted("a")
    doubtful(outbox, world)
    world.clock.advance(600)
    work(outbox, world, a).sweep()
    assert State.PENDING == found(outbox).state

    assert outbox.settle(told())

    assert 0 == work(outbox, world, a).run_once()
    assert (State.SENT, []) == (found(outbox).state, a.mails)


def test_a_worker_finds_it_settled_before_it_calls(outbox: Outbox, world: World) -> None:
    """
    And does not call.
    """
    a = Scripted("a")
    doubtful(outbox, world)
    world.clock.advance(600)
    worker = work(outbox, world, a)
    worker.sweep()
    (lease,) = worker.claim(1)
    outbox.settle(told())

    assert worker.deliver(lease) is None

    assert (State.SENT, []) == (found(outbox).state, a.mails)


def test_an_event_before_the_answer_is_no_conflict(outbox: Outbox, world: World) -> None:
    """
    Vendors tell of a mail before their answer is read.
    """

    def answer(_message: Message) -> str:
        assert outbox.settle(told(EventType.SENT))
        return "a-id"

    outbox.add(MAIL)
    work(outbox, world, Scripted("a", answer)).run_once()

    assert (State.SENT, "a-id") == (found(outbox).state, found(outbox).provider_message_id)


def test_an_event_of_a_call_without_an_answer_is_not_forgotten(
    outbox: Outbox, world: World
) -> None:
    """
    It came while the call was still waited for; the mail is not sent again.
    """

    def hang(_message: Message) -> None:
        outbox.settle(told())
        raise DOUBT

    a = Scripted("a", hang)
    outbox.add(MAIL)
    worker = work(outbox, world, a, on_unknown="raise")
    worker.rules = work(outbox, world).rules
    worker.run_once()
    world.clock.advance(600)
    worker.run_once()

    assert (State.SENT, 1) == (found(outbox).state, len(a.mails))


def test_an_event_of_a_worker_that_died_is_not_forgotten(outbox: Outbox, world: World) -> None:
    """
    It came before the lease was over.
    """
    cable = Cable(outbox)
    outbox.add(MAIL)
    work(outbox, world, Scripted("a", cable.pull())).run_once(1)
    cable.is_pulled = False
    outbox.settle(told())

    world.clock.advance(60)
    assert 0 == work(outbox, world).run_once()

    assert State.SENT == found(outbox).state


def test_a_mail_that_was_given_up_in_doubt_can_still_be_settled(
    outbox: Outbox, world: World
) -> None:
    """
    It did not kill its workers for nothing.
    """
    cable = Cable(outbox)
    outbox.add(MAIL)
    work(outbox, world, Scripted("a", cable.pull()), max_lost=1).run_once(1)
    cable.is_pulled = False
    world.clock.advance(60)
    work(outbox, world, max_lost=1).sweep()
    assert State.DEAD == found(outbox).state

    assert outbox.settle(told())

    assert State.SENT == found(outbox).state


def test_an_event_during_a_call_settles_the_mail(any_outbox: Outbox, world: World) -> None:
    """
    Not the recipient only: nobody sends again what is known to be delivered.
    """

    def answer(_message: Message) -> str:
        assert any_outbox.settle(told())
        raise OutcomeUnknown("no answer", stage="written")

    any_outbox.add(MAIL)
    a = Scripted("a", answer)

    work(any_outbox, world, a, on_unknown="raise").run_once()

    assert State.SENT == found(any_outbox).state
    assert not any_outbox.retry(MAIL.id)
    assert 1 == len(a.mails)


def test_an_event_between_two_attempts_ends_the_sending(outbox: Outbox, world: World) -> None:
    """
    The next provider is not called for what everybody has.
    """

    def answer(_message: Message) -> str:
        outbox.settle(told())
        raise OutcomeUnknown("no answer", stage="written")

    outbox.add(MAIL)
    a, b = Scripted("a", answer), Scripted("b")

    work(outbox, world, a, b).run_once()

    assert State.SENT == found(outbox).state
    assert [] == b.mails


def test_an_event_of_a_mail_that_surely_was_not_sent_settles_it(
    outbox: Outbox, world: World
) -> None:
    """
    The vendor said that it was down, and delivered the mail.
    """
    outbox.add(MAIL)
    a = Scripted("a", ProviderUnavailable("HTTP 503"))
    work(outbox, world, a).run_once()

    assert outbox.settle(told())

    assert State.SENT == found(outbox).state


def test_what_everybody_has_is_not_tried_again(outbox: Outbox, world: World) -> None:
    """
    Though it was planned while a call was under way.
    """

    def answer(_message: Message) -> str:
        outbox.settle(told())
        raise ProviderUnavailable("HTTP 503")

    outbox.add(MAIL)
    a = Scripted("a", answer)
    worker = work(outbox, world, a)
    worker.run_once()
    a.then("id")
    calls = len(a.mails)
    world.clock.advance(3600)

    worker.run_once()

    assert State.SENT == found(outbox).state
    assert calls == len(a.mails)
