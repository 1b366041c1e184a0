from __future__ import annotations

import pytest

from mailfailover import Message, RecipientStatus
from mailfailover.errors import OutcomeUnknown, ProviderUnavailable, RecipientRejected
from mailfailover.outbox import Outbox, State
from tests.chains import Scripted, World
from tests.outbox.working import Cable, calls, found, statuses, work

DOWN = ProviderUnavailable("HTTP 503")
DOUBT = OutcomeUnknown("no answer", stage="written")
NAMES = ("ann", "bob", "cat")


@pytest.fixture
def merge(outbox: Outbox) -> Message:
    """
    A mail of their own for each of three, in the outbox.
    """
    emails = [f"{name}@example.org" for name in NAMES]
    message = Message(
        to=emails,
        from_email="shop@example.com",
        subject="For {{name}}",
        text="Hello {{name}}",
        merge_data={one: {"name": one[0].upper()} for one in emails},
        id="m1",
    )
    outbox.add(message)
    return message


def names(provider: Scripted) -> list[str]:
    """
    To whom it was asked to send, in order.
    """
    return [one.to[0].email.partition("@")[0] for one in provider.mails]


def test_each_recipient_has_an_id_of_his_own(outbox: Outbox, world: World, merge: Message) -> None:
    """
    It stands in his row.
    """
    a = Scripted("a", lambda message: f"id-{message.subject[-1]}")

    work(outbox, world, a).run_once()

    mail = found(outbox)
    assert State.SENT == mail.state
    assert [("ann@example.org", "accepted", "id-A"), ("bob@example.org", "accepted", "id-B")] == [
        (one.email, one.status, one.provider_message_id) for one in mail.recipients[:2]
    ]


def test_only_those_who_got_nothing_are_served_later(
    outbox: Outbox, world: World, merge: Message
) -> None:
    """
    Who has it, and who was refused, is left alone.
    """
    a = Scripted("a", "id", RecipientRejected("no such user"), DOWN)
    worker = work(outbox, world, a)
    worker.run_once()

    mail = found(outbox)
    assert State.PENDING == mail.state
    assert {"ann": "accepted", "bob": "invalid", "cat": "pending"} == statuses(mail)

    a.then("id")
    a.mails.clear()
    world.clock.advance(60)
    worker.run_once()

    mail = found(outbox)
    assert (["cat"], State.SENT, False) == (names(a), mail.state, mail.possible_duplicate)
    assert {"ann": "accepted", "bob": "invalid", "cat": "accepted"} == statuses(mail)


def test_when_tries_are_used_up_it_is_sent_to_whom_it_was(
    outbox: Outbox, world: World, merge: Message
) -> None:
    """
    The others are refused, and the reason says why.
    """
    a = Scripted("a", "id", DOWN)

    work(outbox, world, a, max_tries=1).run_once()

    mail = found(outbox)
    assert State.SENT == mail.state
    assert {"ann": "accepted", "bob": "refused", "cat": "refused"} == statuses(mail)
    assert (
        "given up after 1 tries; the last one: time ran out before all recipients were served"
        == mail.reason
    )


def test_a_worker_that_dies_leaves_one_recipient_in_doubt(
    outbox: Outbox, world: World, merge: Message
) -> None:
    """
    The one it was sending to: those before him are served, those after him wait.
    """
    cable = Cable(outbox)
    work(outbox, world, Scripted("a", "id", cable.pull())).run_once(1)
    cable.is_pulled = False

    world.clock.advance(60)
    work(outbox, world).sweep()

    mail = found(outbox)
    assert State.UNKNOWN == mail.state
    assert {"ann": "accepted", "bob": "unknown", "cat": "pending"} == statuses(mail)


def test_the_next_worker_goes_on_from_there(outbox: Outbox, world: World, merge: Message) -> None:
    """
    With the vendor's key for the one in doubt, who alone makes a duplicate possible.
    """
    cable = Cable(outbox)
    b = Scripted("b", "id", cable.pull(), idempotency_ttl=86400.0)
    work(outbox, world, Scripted("a", DOWN), b).run_once(1)
    cable.is_pulled = False
    a = Scripted("a")
    b.then("id")

    for _ in range(2):
        world.clock.advance(601)
        work(outbox, world, a, b).run_once()

    mail = found(outbox)
    assert (State.SENT, True) == (mail.state, mail.possible_duplicate)
    assert (["ann", "bob", "bob"], ["cat"]) == (names(b), names(a))
    assert b.mails[1].idempotency_key == b.mails[2].idempotency_key


def test_an_answer_in_doubt_among_others_stays_with_its_recipient(
    outbox: Outbox, world: World, merge: Message
) -> None:
    """
    He alone is sent to again, and flagged.
    """
    a = Scripted("a", "id", DOUBT, "id")
    worker = work(outbox, world, a, on_unknown="raise")
    worker.run_once()

    mail = found(outbox)
    assert State.UNKNOWN == mail.state
    assert {"ann": "accepted", "bob": "unknown", "cat": "pending"} == statuses(mail)

    outbox.retry("m1")
    a.mails.clear()
    worker.run_once()

    mail = found(outbox)
    assert (State.SENT, True) == (mail.state, mail.possible_duplicate)
    assert ["bob", "cat"] == names(a)
    assert dict.fromkeys(NAMES, "accepted") == statuses(mail)


def test_its_attempts_are_all_there(outbox: Outbox, world: World, merge: Message) -> None:
    """
    In order, whatever became of them.
    """
    a, b = Scripted("a", "id", DOWN), Scripted("b")

    work(outbox, world, a, b).run_once()

    assert [
        ("a", "accepted"),
        ("a", "ProviderUnavailable"),
        ("b", "accepted"),
        ("b", "accepted"),
    ] == calls(found(outbox))


def test_suppressed_recipients_are_written_down(
    outbox: Outbox, world: World, merge: Message
) -> None:
    """
    They were left out before any call.
    """

    class BobLeft:
        def find(self, message: Message) -> dict[str, str]:
            return {"bob@example.org": "unsubscribed"}

    work(outbox, world, suppressions=BobLeft()).run_once()

    assert State.SENT == found(outbox).state
    assert RecipientStatus.SUPPRESSED == statuses(found(outbox))["bob"]
