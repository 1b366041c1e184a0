from __future__ import annotations

import logging
from datetime import timedelta
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import delete, event, update
from sqlalchemy.exc import OperationalError

from mailfailover import Address, Feature, Mailer
from mailfailover.errors import (
    AuthenticationFailed,
    ConfigurationError,
    MessageRejected,
    OutcomeUnknown,
    ProviderUnavailable,
    RecipientRejected,
    RecipientSuppressed,
)
from mailfailover.outbox import (
    Ending,
    Outbox,
    OutboxAttempt,
    OutboxMail,
    OutboxRecipient,
    OutboxWorker,
    State,
)
from mailfailover.outbox._intake import LIFETIME
from mailfailover.outbox._lease import SMALL
from mailfailover.outbox._tables import bodies
from mailfailover.plugin import Capabilities
from tests.chains import MAIL, NOW, Scripted, World
from tests.outbox.working import PATIENCE, Cable, Hanging, calls, found, statuses, work

if TYPE_CHECKING:
    from mailfailover import Message

KEEP = timedelta(days=30)
DOWN = ProviderUnavailable("HTTP 503")
DOUBT = OutcomeUnknown("no answer", stage="written")
LARGE = MAIL.replace(text="x" * (SMALL + 1))
"""Too large to be read when it is taken."""


def test_a_mail_is_sent(any_outbox: Outbox, world: World) -> None:
    """
    What became of it is written down; what it said is forgotten.
    """
    a = Scripted("a")
    any_outbox.add(MAIL)

    assert 1 == work(any_outbox, world, a).run_once()

    assert [MAIL] == a.mails
    assert found(any_outbox) == OutboxMail(
        id="m1",
        state=State.SENT,
        created=NOW,
        due=NOW + KEEP,
        expires=NOW + LIFETIME,
        sender="shop@example.com",
        tries=1,
        recipients=(OutboxRecipient("ann@example.org", "accepted"),),
        attempts=(OutboxAttempt("a", NOW, 0.0, "response", "accepted", "", None, "a-id"),),
        provider="a",
        provider_message_id="a-id",
        reason="",
        possible_duplicate=False,
        finished=NOW,
        idempotency_key="",
        message=None,
    )


def test_an_empty_outbox_is_no_work(any_outbox: Outbox, world: World) -> None:
    """
    Nobody is called.
    """
    assert 0 == work(any_outbox, world).run_once()


def test_a_scheduled_mail_waits_for_its_time(outbox: Outbox, world: World) -> None:
    """
    Then it is sent at once, by providers that know no schedule too.
    """
    a = Scripted("a", capabilities=Capabilities(Feature.HTML))
    outbox.add(MAIL.replace(send_at=NOW + timedelta(seconds=60)))
    worker = work(outbox, world, a)

    world.clock.advance(59)
    assert 0 == worker.run_once()
    world.clock.advance(1)
    assert 1 == worker.run_once()

    assert [None] == [one.send_at for one in a.mails]


def test_the_mailer_s_sender_is_the_default(outbox: Outbox, world: World) -> None:
    """
    As for a mail that is sent directly.
    """
    a = Scripted("a")
    outbox.add(MAIL.replace(from_email=None))

    OutboxWorker(outbox, Mailer(world.chain(a), from_email="me@example.com")).run_once()

    assert [Address("me@example.com")] == [one.from_email for one in a.mails]


def test_what_failed_is_tried_again_later(outbox: Outbox, world: World) -> None:
    """
    Within seconds by the chain, within minutes by the outbox; at a time that chance moves.
    """
    a = Scripted("a", DOWN)
    outbox.add(MAIL)
    worker = work(outbox, world, a)

    worker.run_once()

    mail = found(outbox)
    assert (State.PENDING, 1, {"ann": "pending"}) == (mail.state, mail.tries, statuses(mail))
    assert mail.due is not None
    assert timedelta(seconds=30) <= mail.due - worker.outbox.now() <= timedelta(seconds=60)
    assert mail.reason.startswith("no provider took mail m1")

    a.then("a-id")
    assert 0 == worker.run_once()
    world.clock.advance(60)
    assert 1 == worker.run_once()
    assert (State.SENT, 2, "") == (found(outbox).state, found(outbox).tries, found(outbox).reason)
    assert {("a", "ProviderUnavailable")} == set(calls(found(outbox))[:-1])


def test_the_pause_doubles_up_to_hours(outbox: Outbox, world: World) -> None:
    """
    A vendor that is down for a night is not asked every minute.
    """
    outbox.add(MAIL)
    worker = work(outbox, world, Scripted("a", DOWN))

    pauses = []
    for _ in range(11):
        worker.run_once()
        due = found(outbox).due
        assert due is not None
        pauses.append((due - outbox.now()).total_seconds())
        world.clock.advance(pauses[-1])

    most = [60.0 * 2**number for number in range(8)] + [14400.0] * 3
    assert all(limit / 2 <= pause <= limit for pause, limit in zip(pauses, most, strict=True))


def test_a_provider_s_own_time_is_waited_for(outbox: Outbox, world: World) -> None:
    """
    A parked account is not asked before it can be back.
    """
    outbox.add(MAIL)
    worker = work(
        outbox,
        world,
        Scripted("a", AuthenticationFailed("revoked")),
        Scripted("b", AuthenticationFailed("revoked")),
    )

    worker.run_once()

    due = found(outbox).due
    assert due is not None
    assert due >= NOW + timedelta(minutes=15)


def test_what_failed_too_often_is_dead(outbox: Outbox, world: World) -> None:
    """
    With the reason of the last time, and with its message, for the operator.
    """
    outbox.add(MAIL)
    worker = work(outbox, world, Scripted("a", DOWN), max_tries=2)

    for _ in range(2):
        worker.run_once()
        world.clock.advance(600)

    mail = found(outbox)
    assert (State.DEAD, {"ann": "refused"}, MAIL) == (mail.state, statuses(mail), mail.message)
    assert mail.reason.startswith("given up after 2 tries; the last one: no provider took mail m1")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (MessageRejected("too many words"), "refused"),
        (RecipientRejected("no such user"), "invalid"),
        (RecipientSuppressed("bounced before"), "suppressed"),
    ],
    ids=["message", "recipient", "suppressed"],
)
def test_what_nobody_would_take_is_dead_at_once(
    outbox: Outbox, world: World, error: Exception, status: str
) -> None:
    """
    Trying again cannot help.
    """
    outbox.add(MAIL)

    work(outbox, world, Scripted("a", error)).run_once()

    mail = found(outbox)
    assert (State.DEAD, str(error), {"ann": status}) == (mail.state, mail.reason, statuses(mail))


def test_what_nobody_can_express_is_dead_at_once(outbox: Outbox, world: World) -> None:
    """
    Nobody is called.
    """
    outbox.add(MAIL.replace(html="<p>Hello</p>"))

    work(outbox, world, Scripted("a", capabilities=Capabilities())).run_once()

    mail = found(outbox)
    assert (State.DEAD, ()) == (mail.state, mail.attempts)
    assert "a lacks HTML" in mail.reason


def test_an_operator_s_retry_sends_what_was_dead(outbox: Outbox, world: World) -> None:
    """
    Those who were refused get another chance.
    """
    a = Scripted("a", RecipientRejected("no such user"))
    outbox.add(MAIL)
    worker = work(outbox, world, a)
    worker.run_once()

    outbox.retry("m1")
    a.then("a-id")
    worker.run_once()

    assert (State.SENT, {"ann": "accepted"}) == (found(outbox).state, statuses(found(outbox)))


def test_partial_acceptance_is_written_down(outbox: Outbox, world: World) -> None:
    """
    Accepted for anyone is sent: a mail for all never goes out twice for some.
    """
    from mailfailover import Accepted, RecipientStatus

    outbox.add(MAIL.replace(cc="bob@example.org"))
    said = Accepted("a-id", {"bob@example.org": RecipientStatus.INVALID})

    work(outbox, world, Scripted("a", said)).run_once()

    mail = found(outbox)
    assert (State.SENT, {"ann": "accepted", "bob": "invalid"}) == (mail.state, statuses(mail))


class TestUnknown:
    """
    Mails that may have been sent.
    """

    def test_they_are_not_sent_again_at_once(self, outbox: Outbox, world: World) -> None:
        """
        An event may tell; ten minutes are left for that.
        """
        outbox.add(MAIL)

        work(outbox, world, Scripted("a", DOUBT)).run_once()

        mail = found(outbox)
        assert (State.UNKNOWN, {"ann": "unknown"}) == (mail.state, statuses(mail))
        assert outbox.now() + timedelta(minutes=10) == mail.due

    def test_they_are_sent_again_to_the_same_provider_first(
        self, outbox: Outbox, world: World
    ) -> None:
        """
        With the same key, and flagged, whatever the order of the chain.
        """
        a = Scripted("a", DOWN)
        b = Scripted("b", DOUBT, idempotency_ttl=86400.0)
        outbox.add(MAIL)
        worker = work(outbox, world, a, b)
        worker.run_once()
        keys = {one.idempotency_key for one in b.mails}
        a.then("a-id")
        b.then("b-id")
        b.mails.clear()

        world.clock.advance(600)
        worker.run_once()

        mail = found(outbox)
        assert (State.SENT, "b", True) == (mail.state, mail.provider, mail.possible_duplicate)
        assert keys == {one.idempotency_key for one in b.mails}

    def test_they_wait_for_the_operator_where_that_is_wanted(
        self, outbox: Outbox, world: World
    ) -> None:
        """
        The mailer's ``on_unknown="raise"``.
        """
        outbox.add(MAIL)
        worker = work(outbox, world, Scripted("a", DOUBT), on_unknown="raise")
        worker.run_once()

        world.clock.advance(86400)
        assert 0 == worker.run_once()

        assert (State.UNKNOWN, None) == (found(outbox).state, found(outbox).due)

    def test_they_are_not_hidden_by_a_later_refusal(self, outbox: Outbox, world: World) -> None:
        """
        What may have been sent is not dead.
        """
        a = Scripted("a", DOUBT)
        outbox.add(MAIL)
        worker = work(outbox, world, a)
        worker.run_once()
        a.then(MessageRejected("too many words"))

        world.clock.advance(600)
        worker.run_once()

        assert (State.UNKNOWN, {"ann": "unknown"}) == (found(outbox).state, statuses(found(outbox)))

    def test_after_the_last_try_they_wait_for_the_operator(
        self, outbox: Outbox, world: World
    ) -> None:
        """
        They are never given up as if they had surely not been sent.
        """
        outbox.add(MAIL)
        worker = work(outbox, world, Scripted("a", DOUBT), max_tries=2)
        for _ in range(3):
            worker.run_once()
            world.clock.advance(600)

        mail = found(outbox)
        assert (State.UNKNOWN, 2, None) == (mail.state, mail.tries, mail.due)
        assert mail.possible_duplicate


class TestDeath:
    """
    Workers that die, and those that only seem to.
    """

    def test_before_any_call_the_mail_goes_to_another(
        self, any_outbox: Outbox, world: World
    ) -> None:
        """
        When the lease is over: it was surely not sent.
        """
        any_outbox.add(MAIL)
        work(any_outbox, world).claim(1)
        other = work(any_outbox, world)

        world.clock.advance(59)
        assert 0 == other.run_once()
        world.clock.advance(1)
        assert 1 == other.run_once()

        mail = found(any_outbox)
        assert (State.SENT, 2, False) == (mail.state, mail.tries, mail.possible_duplicate)

    def test_the_attempt_is_there_before_the_call(self, any_outbox: Outbox, world: World) -> None:
        """
        Another process sees it while the provider is being called.
        """
        seen = []

        def look(_message: Message) -> str:
            seen.append(found(any_outbox))
            return "a-id"

        any_outbox.add(MAIL)
        work(any_outbox, world, Scripted("a", look)).run_once()

        (mail,) = seen
        assert (State.SENDING, [("a", "unfinished")]) == (mail.state, calls(mail))

    def test_in_a_call_the_outcome_is_unknown(self, outbox: Outbox, world: World) -> None:
        """
        Nobody knows what the vendor got.
        """
        cable = Cable(outbox)
        outbox.add(MAIL)
        work(outbox, world, Scripted("a", cable.pull())).run_once(1)
        cable.is_pulled = False

        world.clock.advance(60)
        assert 0 == work(outbox, world).run_once()

        mail = found(outbox)
        assert (State.UNKNOWN, {"ann": "unknown"}) == (mail.state, statuses(mail))
        assert "its worker went away in the middle of a call: it may have been sent" == mail.reason
        assert outbox.now() + timedelta(minutes=10) == mail.due

    def test_the_next_worker_asks_the_same_provider_first(
        self, outbox: Outbox, world: World
    ) -> None:
        """
        With the key of the attempt whose end nobody saw.
        """
        cable = Cable(outbox)
        a = Scripted("a", DOWN)
        b = Scripted("b", cable.pull(), idempotency_ttl=86400.0)
        outbox.add(MAIL)
        work(outbox, world, a, b).run_once(1)
        cable.is_pulled = False
        a.then("a-id")
        b.then("b-id")

        for _ in range(2):
            world.clock.advance(601)
            work(outbox, world, a, b).run_once()

        mail = found(outbox)
        assert (State.SENT, "b", True) == (mail.state, mail.provider, mail.possible_duplicate)
        first, second = b.mails
        assert first.idempotency_key == second.idempotency_key
        assert [
            ("a", "ProviderUnavailable"),
            ("b", "unfinished"),
            ("b", "accepted"),
        ] == calls(mail)

    def test_what_kills_its_workers_is_dead_in_the_end(self, outbox: Outbox, world: World) -> None:
        """
        And the reason says that it may have been sent.
        """
        cable = Cable(outbox)
        outbox.add(MAIL)
        for _ in range(3):
            work(outbox, world, Scripted("a", cable.pull())).run_once(1)
            cable.is_pulled = False
            world.clock.advance(60)
            work(outbox, world).sweep()
            world.clock.advance(600)

        mail = found(outbox)
        assert (State.DEAD, 3, True) == (mail.state, mail.tries, mail.possible_duplicate)
        assert (
            "its worker went away 3 times in the middle of a call: it may have been sent"
            == mail.reason
        )

    def test_what_kills_its_workers_before_any_call_is_dead_in_the_end(
        self, outbox: Outbox, world: World
    ) -> None:
        """
        A try counts from the moment it is taken.
        """
        outbox.add(MAIL)
        for _ in range(2):
            assert work(outbox, world, max_lost=2).claim(1)
            world.clock.advance(60)
            work(outbox, world, max_lost=2).sweep()

        mail = found(outbox)
        assert (State.DEAD, 2) == (mail.state, mail.tries)
        assert "its worker went away 2 times before it called anybody" == mail.reason

    def test_a_doubt_after_the_last_try_is_the_operator_s(
        self, outbox: Outbox, world: World
    ) -> None:
        """
        As where a vendor did not answer.
        """
        cable = Cable(outbox)
        outbox.add(MAIL)
        work(outbox, world, Scripted("a", cable.pull()), max_tries=1).run_once(1)
        cable.is_pulled = False

        world.clock.advance(60)
        work(outbox, world, max_tries=1).sweep()

        assert (State.UNKNOWN, None) == (found(outbox).state, found(outbox).due)

    def test_a_late_worker_does_not_call(self, any_outbox: Outbox, world: World) -> None:
        """
        It was stopped with the mail in its hands; another one has sent it meanwhile.
        """
        late, other = Scripted("a"), Scripted("a", "other-id")
        any_outbox.add(MAIL)
        worker = work(any_outbox, world, late)
        (lease,) = worker.claim(1)
        world.clock.advance(60)
        work(any_outbox, world, other).run_once()

        assert worker.deliver(lease) is None

        assert [] == late.mails
        assert "other-id" == found(any_outbox).provider_message_id

    def test_a_late_worker_overwrites_nothing(
        self, any_outbox: Outbox, world: World, caplog: pytest.LogCaptureFixture
    ) -> None:
        """
        It was stopped in the middle of a call; what it knows goes into the log.
        """
        other = work(any_outbox, world, Scripted("a", "other-id"))

        def sleep(_message: Message) -> str:
            world.clock.advance(60)
            other.run_once()
            world.clock.advance(600)
            other.run_once()
            return "late-id"

        any_outbox.add(MAIL)
        work(any_outbox, world, Scripted("a", sleep)).run_once()

        mail = found(any_outbox)
        assert ("other-id", True) == (mail.provider_message_id, mail.possible_duplicate)
        assert "mail m1: the lease was lost, after a had accepted it" in caplog.text

    def test_a_late_worker_does_not_call_while_another_does(
        self, any_outbox: Outbox, world: World
    ) -> None:
        """
        The mail is being sent, but not by him: his lease is not the last.
        """
        late = Scripted("a", "late-id")
        any_outbox.add(MAIL)
        worker = work(any_outbox, world, late)
        (lease,) = worker.claim(1)

        def meanwhile(_message: Message) -> str:
            assert worker.deliver(lease) is None
            return "other-id"

        world.clock.advance(60)
        work(any_outbox, world, Scripted("b", meanwhile)).run_once()

        assert [] == late.mails
        assert [("b", "accepted")] == calls(found(any_outbox))

    def test_a_late_answer_overwrites_nothing_of_a_call_under_way(
        self, any_outbox: Outbox, world: World
    ) -> None:
        """
        It comes while another worker sends the mail again.
        """
        late = Thread(target=work(any_outbox, world, Scripted("a", hang := Hanging())).run_once)
        seen = []

        def meanwhile(_message: Message) -> str:
            hang.go_on.set()
            late.join(PATIENCE)
            seen.append(found(any_outbox))
            return "other-id"

        any_outbox.add(MAIL)
        late.start()
        assert hang.begun.wait(PATIENCE)
        other = work(any_outbox, world, Scripted("b", meanwhile))
        for seconds in (60, 600):
            world.clock.advance(seconds)
            other.run_once()

        assert [State.SENDING] == [one.state for one in seen]
        assert ("b", "other-id") == (
            found(any_outbox).provider,
            found(any_outbox).provider_message_id,
        )

    def test_a_late_answer_settles_what_nobody_took_since(
        self, outbox: Outbox, world: World
    ) -> None:
        """
        It is as good as an event.
        """
        other = work(outbox, world)

        def sleep(_message: Message) -> str:
            world.clock.advance(60)
            other.run_once()
            assert State.UNKNOWN == found(outbox).state
            return "late-id"

        outbox.add(MAIL)
        work(outbox, world, Scripted("a", sleep)).run_once()

        mail = found(outbox)
        assert (State.SENT, "late-id", False) == (
            mail.state,
            mail.provider_message_id,
            mail.possible_duplicate,
        )

    def test_a_sign_of_life_prolongs_the_lease(self, any_outbox: Outbox, world: World) -> None:
        """
        A slow vendor is no dead worker.
        """
        other = work(any_outbox, world)

        def sleep(_message: Message) -> str:
            for _ in range(10):
                world.clock.advance(50)
                worker.renew()
                assert 0 == other.run_once()
            return "a-id"

        any_outbox.add(MAIL)
        worker = work(any_outbox, world, Scripted("a", sleep))
        worker.run_once()

        assert State.SENT == found(any_outbox).state

    def test_without_mails_there_is_nothing_to_prolong(self, outbox: Outbox, world: World) -> None:
        """
        The database is not even asked.
        """
        cable = Cable(outbox)
        cable.is_pulled = True

        work(outbox, world).renew()

    def test_a_cancelled_mail_is_not_sent(self, outbox: Outbox, world: World) -> None:
        """
        Though a worker has it already.
        """
        a = Scripted("a")
        outbox.add(MAIL)
        worker = work(outbox, world, a)
        (lease,) = worker.claim(1)
        outbox.cancel("m1")

        worker.deliver(lease)

        assert ([], "cancelled") == (a.mails, found(outbox).reason)


class TestReading:
    """
    A mail is read when it is taken, or when it is sent.
    """

    def test_a_new_mail_is_read_when_it_is_taken(self, outbox: Outbox, world: World) -> None:
        """
        Beside the two writes, around the call, it needs nothing of the database then.
        """
        statements = []

        def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
            statements.append(statement.split(maxsplit=1)[0])

        outbox.add(MAIL)
        worker = work(outbox, world)
        (lease,) = worker.claim(1)
        event.listen(outbox.engine, "before_cursor_execute", note)

        worker.deliver(lease)

        before = ["BEGIN", "UPDATE", "UPDATE", "INSERT"]
        assert [*before, "BEGIN", "UPDATE", "UPDATE", "UPDATE", "DELETE"] == statements

    def test_a_large_mail_is_read_when_it_is_sent(self, any_outbox: Outbox, world: World) -> None:
        """
        Those that wait for a thread are not kept in memory.
        """
        a = Scripted("a")
        any_outbox.add(LARGE)
        worker = work(any_outbox, world, a)

        (lease,) = worker.claim(1)
        worker.deliver(lease)

        assert lease.body is None
        assert [LARGE] == a.mails

    def test_what_others_had_is_read_anew(self, any_outbox: Outbox, world: World) -> None:
        """
        More may be known of it than when it was added.
        """
        a = Scripted("a")
        any_outbox.add(MAIL)
        worker = work(any_outbox, world, a)

        worker.give_back(worker.claim(1))
        (lease,) = worker.claim(1)
        worker.deliver(lease)

        assert lease.body is None
        assert [MAIL] == a.mails

    def test_a_lease_tells_nothing_of_its_mail(self, outbox: Outbox, world: World) -> None:
        """
        What it says may open an account.
        """
        outbox.add(MAIL)

        (lease,) = work(outbox, world).claim(1)

        assert lease.body is not None
        assert "body" not in repr(lease)


class TestTrouble:
    """
    What goes wrong beside the mail.
    """

    def test_what_cannot_be_read_is_left_to_others(
        self, outbox: Outbox, world: World, caplog: pytest.LogCaptureFixture
    ) -> None:
        """
        The database went away after the mail was taken.
        """
        cable = Cable(outbox)
        outbox.add(LARGE)
        worker = work(outbox, world)
        (lease,) = worker.claim(1)
        cable.is_pulled = True

        assert worker.deliver(lease) is None

        cable.is_pulled = False
        assert "mail m1 could not be read: OperationalError" in caplog.text
        world.clock.advance(60)
        assert 1 == work(outbox, world).run_once()

    def test_an_attempt_that_cannot_be_written_down_is_not_made(
        self, outbox: Outbox, world: World
    ) -> None:
        """
        And was surely not made: the next worker sends without a doubt.
        """
        cable = Cable(outbox)
        a, b = Scripted("a", cable.pull(DOWN)), Scripted("b")
        outbox.add(MAIL)
        worker = work(outbox, world, a, b)

        worker.run_once(1)

        cable.is_pulled = False
        assert [] == b.mails
        world.clock.advance(60)
        work(outbox, world).sweep()
        assert [("a", "unfinished")] == calls(found(outbox))

    def test_a_short_failure_of_the_database_is_a_failed_try(
        self, outbox: Outbox, world: World, caplog: pytest.LogCaptureFixture
    ) -> None:
        """
        Where the end can be written down again, nothing is in doubt.
        """
        a, b = Scripted("a", DOWN), Scripted("b")
        outbox.add(MAIL)
        fails_once(outbox, "INSERT INTO outbox_attempts", after=1)

        work(outbox, world, a, b).run_once(1)

        mail = found(outbox)
        assert [] == b.mails
        assert (State.PENDING, {"ann": "pending"}) == (mail.state, statuses(mail))
        assert [("a", "ProviderUnavailable")] == calls(mail)
        assert mail.reason.startswith("OperationalError in ")
        assert "mail m1: OperationalError in" in caplog.text

    def test_an_interruption_leaves_the_mail_to_others(self, outbox: Outbox, world: World) -> None:
        """
        Before any call; and it is handed on, as Ctrl-C must be.
        """
        outbox.add(MAIL)

        with pytest.raises(KeyboardInterrupt):
            work(outbox, world, suppressions=Interrupting()).run_once()

        mail = found(outbox)
        assert (State.PENDING, "Interrupted") == (mail.state, mail.reason)

    def test_an_interruption_in_a_call_leaves_a_doubt(self, outbox: Outbox, world: World) -> None:
        """
        It is written down at once, not only when the lease is over.
        """
        outbox.add(MAIL)

        with pytest.raises(KeyboardInterrupt):
            work(outbox, world, Scripted("a", KeyboardInterrupt())).run_once()

        mail = found(outbox)
        assert (State.UNKNOWN, [("a", "OutcomeUnknown")]) == (mail.state, calls(mail))

    def test_an_interruption_before_any_byte_left_is_no_doubt(
        self, outbox: Outbox, world: World
    ) -> None:
        """
        The transport said how far the call got: the mail is just tried again.
        """
        interruption = KeyboardInterrupt()
        interruption.stage = "connecting"  # type: ignore[attr-defined]  # as a transport says it
        outbox.add(MAIL)

        with pytest.raises(KeyboardInterrupt):
            work(outbox, world, Scripted("a", interruption)).run_once()

        mail = found(outbox)
        assert (State.PENDING, "not made") == (mail.state, mail.attempts[0].outcome)

    def test_a_time_limit_is_handed_on(self, outbox: Outbox, world: World) -> None:
        """
        Celery's soft one is an Exception, and means the task.
        """
        outbox.add(MAIL)

        with pytest.raises(SoftTimeLimitExceeded):
            work(outbox, world, Scripted("a", SoftTimeLimitExceeded())).run_once()

        assert State.UNKNOWN == found(outbox).state

    def test_a_message_that_cannot_be_read_is_dead(self, outbox: Outbox, world: World) -> None:
        """
        It says why: a newer version of the library wrote it, for example.
        """
        outbox.add(MAIL)
        with outbox.engine.begin() as connection:
            connection.execute(update(bodies).values(content=b'{"color": "red"}'))

        work(outbox, world).run_once()

        mail = outbox.list()[0]
        assert State.DEAD == mail.state
        assert mail.reason.startswith("its message cannot be read: 'color' is no field")

    def test_a_message_that_is_gone_is_dead(self, outbox: Outbox, world: World) -> None:
        """
        An operator let a mail be sent again whose message somebody deleted.
        """
        outbox.add(MAIL)
        with outbox.engine.begin() as connection:
            connection.execute(delete(bodies))

        work(outbox, world).run_once()

        assert (State.DEAD, "its message is gone") == (found(outbox).state, found(outbox).reason)

    def test_an_unread_mail_that_was_cancelled_stays_so(
        self, outbox: Outbox, world: World, caplog: pytest.LogCaptureFixture
    ) -> None:
        """
        Its lease is lost as any other.
        """
        outbox.add(MAIL)
        worker = work(outbox, world)
        (lease,) = worker.claim(1)
        outbox.cancel("m1")
        with outbox.engine.begin() as connection:
            connection.execute(delete(bodies))

        assert worker.deliver(lease) is None

        assert "cancelled" == found(outbox).reason
        assert "mail m1: the lease was lost; what it became" in caplog.text


class TestOneByOne:
    """
    What Celery's tasks and programs use.
    """

    def test_one_mail_is_sent_by_its_id(self, any_outbox: Outbox, world: World) -> None:
        """
        Out of its turn.
        """
        any_outbox.add(MAIL)
        any_outbox.add(MAIL.replace(id="m2"))

        ending = work(any_outbox, world).send("m2")

        assert Ending("m2", State.SENT, "a", "a-id", "", NOW + KEEP) == ending
        assert ["m2"] == [one.id for one in any_outbox.list(State.SENT)]

    def test_what_is_not_due_or_not_there_is_left(self, outbox: Outbox, world: World) -> None:
        """
        A wake-up may come too early, or twice.
        """
        outbox.add(MAIL.replace(send_at=NOW + timedelta(hours=1)))

        assert [None, None] == [work(outbox, world).send(one) for one in ("m1", "m2")]

    def test_a_limit_is_kept(self, outbox: Outbox, world: World) -> None:
        """
        For a program that has other things to do.
        """
        for number in range(3):
            outbox.add(MAIL.replace(id=f"m{number}"))

        assert [2, 1, 0] == [work(outbox, world).run_once(2) for _ in range(3)]

    def test_mails_can_be_given_back(self, outbox: Outbox, world: World) -> None:
        """
        At once, and as if they had never been taken.
        """
        outbox.add(MAIL)
        worker = work(outbox, world)

        worker.give_back(worker.claim(1))

        mail = found(outbox)
        assert (State.PENDING, 0) == (mail.state, mail.tries)
        assert 1 == work(outbox, world).run_once()

    def test_it_counts_and_tells_how_tries_ended(
        self, outbox: Outbox, world: World, caplog: pytest.LogCaptureFixture
    ) -> None:
        """
        To observers and in the log, without addresses and texts.
        """
        caplog.set_level(logging.INFO, "mailfailover.outbox")
        told: list[Any] = []
        outbox.add(MAIL)
        outbox.add(MAIL.replace(id="m2"))
        a = Scripted("a", "a-id", MessageRejected("too many words"))
        worker = work(outbox, world, a, observers=[told.append])

        worker.run_once()

        assert {State.SENT: 1, State.DEAD: 1} == worker.counts
        assert [("m1", State.SENT), ("m2", State.DEAD)] == [
            (one.mail_id, one.state) for one in told
        ]
        assert ["mail m1: sent: by a", "mail m2: dead: too many words"] == [
            record.getMessage() for record in caplog.records if record.name.endswith("outbox")
        ]

    def test_there_is_at_least_one_thread(self, outbox: Outbox, world: World) -> None:
        """
        None would send nothing, and never say so.
        """
        with pytest.raises(ConfigurationError, match="threads must be 1 or more, not 0"):
            work(outbox, world, threads=0)


class SoftTimeLimitExceeded(Exception):
    """
    As Celery names it.
    """


class Interrupting:
    """
    A list of suppressed recipients that somebody looks at when Ctrl-C is pressed.
    """

    def find(self, _message: Message) -> dict[str, str]:
        raise KeyboardInterrupt


def fails_once(outbox: Outbox, statement: str, *, after: int) -> None:
    """
    Let a *statement* fail, once so many have gone well.
    """
    left = [after]

    def execute(_connection: Any, _cursor: Any, sql: str, *_rest: Any) -> None:
        if sql.startswith(statement):
            left[0] -= 1
            if left[0] == -1:
                raise OperationalError(statement, {}, OSError("disk"))

    event.listen(outbox.engine, "before_cursor_execute", execute)
