from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any, NamedTuple

import pytest

from mailfailover import (
    Accepted,
    Attempt,
    AttemptMade,
    Feature,
    ProviderDown,
    ProviderHealth,
    ProviderUp,
    Receipt,
    RecipientStatus,
)
from mailfailover._chain.policy import Policy, Upcoming
from mailfailover._health.breaker import Ticket
from mailfailover.errors import (
    AccountSuspended,
    AllProvidersFailed,
    AuthenticationFailed,
    ConnectionFailed,
    InvalidMessage,
    MessageRejected,
    OutcomeUnknown,
    Penalty,
    ProviderUnavailable,
    QuotaExceeded,
    RateLimited,
    RecipientRejected,
    RecipientSuppressed,
    RequestRefused,
    SenderRefused,
    SendError,
    UnsupportedFeature,
    Verdict,
)
from mailfailover.plugin import EVERYTHING, Capabilities
from tests.chains import MAIL, NOW, Scripted, World, caught, outcomes, send

ANN = {"ann@example.org": RecipientStatus.ACCEPTED}
DOWN = ProviderUnavailable("HTTP 503")
GONE = ConnectionFailed("refused")
DOUBT = OutcomeUnknown("no answer", stage="written")


@pytest.fixture
def world() -> World:
    """
    A clock, chance, and ears.
    """
    return World()


class Row(NamedTuple):
    """
    What an error of the first of two providers does.
    """

    error: SendError
    goes_on: bool
    """Whether the second is asked, which takes the mail."""

    health: ProviderHealth
    level: int
    again: bool
    """Whether the first is asked in later rounds too, where the second is down."""

    ends_in: type[Exception]
    """What the send ends in then."""


def well(failures: int = 0, **senders: float) -> ProviderHealth:
    """
    In use, after one call.
    """
    found = {name.replace("_", "."): seconds for name, seconds in senders.items()}
    return ProviderHealth("closed", 0.0, 1, failures, "", found)


def parked(state: str, seconds: float, calls: int = 1) -> ProviderHealth:
    """
    Passed by for so long.
    """
    return ProviderHealth(state, seconds, calls, 0, "it said", {})


W, E, I = logging.WARNING, logging.ERROR, logging.INFO  # noqa: E741 -- a table to be read
LATER = NOW + timedelta(hours=1)
ALL = AllProvidersFailed
STOPPED = (False, well(), I, False)
TABLE = [
    Row(MessageRejected("it said"), *STOPPED, MessageRejected),
    Row(RecipientRejected("it said"), *STOPPED, RecipientRejected),
    Row(RecipientSuppressed("it said"), *STOPPED, RecipientSuppressed),
    Row(SenderRefused("it said"), True, well(example_com=900.0), W, False, ALL),
    Row(AuthenticationFailed("it said"), True, parked("account", 900, 0), E, False, ALL),
    Row(AccountSuspended("it said"), True, parked("account", 900, 0), E, False, ALL),
    Row(QuotaExceeded("it said", until=LATER), True, parked("cooldown", 3600), W, False, ALL),
    Row(RateLimited("it said", retry_after=60.0), True, parked("cooldown", 60), W, False, ALL),
    Row(UnsupportedFeature("it said"), True, well(), W, False, ALL),
    Row(RequestRefused("it said"), True, well(), E, False, ALL),
    Row(ConnectionFailed("it said"), True, well(1), W, True, ALL),
    Row(ProviderUnavailable("it said"), True, well(1), W, True, ALL),
    Row(OutcomeUnknown("it said"), True, well(1), W, False, OutcomeUnknown),
]


def title(row: Row) -> str:
    """
    The error of a row.
    """
    return type(row.error).__name__


def test_the_table_has_every_error_of_a_call() -> None:
    """
    None is forgotten.
    """
    assert {type(row.error) for row in TABLE} == set(SendError.__subclasses__()) - {
        kind
        for kind in SendError.__subclasses__()
        if not kind.__module__.startswith("mailfailover.")
    }


@pytest.mark.parametrize("row", TABLE, ids=title)
def test_an_error_of_the_first_provider(
    world: World, caplog: pytest.LogCaptureFixture, row: Row
) -> None:
    """
    Who is called, how the send ends, what becomes of the provider, and how loud the log is.
    """
    caplog.set_level(logging.DEBUG)
    a, b = Scripted("a", row.error), Scripted("b")
    chain = world.chain(a, b)
    failed = Attempt("a", NOW, 0.0, "writing", title(row), row.error)
    if isinstance(row.error, ConnectionFailed):
        failed = Attempt("a", NOW, 0.0, "connecting", title(row), row.error)
    passed = Attempt("b", NOW, 0.0, "response", "accepted", None, None, "b-id")

    if row.goes_on:
        doubtful = row.error.verdict is Verdict.UNKNOWN
        expected = Receipt("m1", "b", "b-id", ANN, (failed, passed), doubtful)
        assert send(chain) == expected
    else:
        assert caught(chain) is row.error
        assert row.error.attempts == (failed,)

    assert (len(a.mails), len(b.mails)) == (1, int(row.goes_on))
    assert chain.health.snapshot()["a"] == row.health
    assert caplog.records[0].levelno == row.level


@pytest.mark.parametrize("row", TABLE, ids=title)
def test_an_error_of_the_first_provider_while_the_second_is_down(world: World, row: Row) -> None:
    """
    Only what may help is tried again, and the end is the strongest word that is true.
    """
    a = Scripted("a", row.error)
    chain = world.chain(a, Scripted("b", DOWN))

    error = caught(chain, timeout=5)

    assert type(error) is row.ends_in
    assert (len(a.mails) > 1) is row.again
    assert world.clock() <= 1005


def test_a_mail_counts_at_most_one_failure_per_provider(world: World) -> None:
    """
    However many rounds it takes: one mail opens nobody, unless it had to wait for one.
    """
    chain = world.chain(Scripted("a", DOWN), Scripted("b", DOUBT, DOWN, idempotency_ttl=60.0))

    caught(chain)

    assert {key: one.failures for key, one in chain.health.snapshot().items()} == {"a": 1, "b": 1}
    assert {one.state for one in chain.health.snapshot().values()} == {"closed"}


def test_when_nobody_can_be_reached_it_is_our_own_network(world: World) -> None:
    """
    Rounds in which every connection fails count nobody.
    """
    chain = world.chain(Scripted("a", GONE), Scripted("b", GONE), Scripted("c", GONE))

    for _ in range(5):
        caught(chain)

    assert chain.health.snapshot() == dict.fromkeys("abc", ProviderHealth("closed", senders={}))
    assert not [event for event in world.events if isinstance(event, ProviderDown)]


def test_a_round_of_one_whose_connection_fails_proves_nothing(world: World) -> None:
    """
    The other is out of use, so nobody shows whose fault it is.
    """
    chain = world.chain(Scripted("a", GONE), Scripted("b"))
    chain.health.isolate("b")

    for _ in range(5):
        caught(chain)

    assert chain.health.snapshot()["a"] == ProviderHealth("closed", senders={})


@pytest.mark.parametrize("answer", ["id", DOWN, RecipientRejected("no"), DOUBT], ids=str)
def test_an_answer_of_another_proves_our_network(world: World, answer: Any) -> None:
    """
    Whatever it says: the connection that failed counts then.
    """
    chain = world.chain(Scripted("a", GONE), Scripted("b", answer))

    for _ in range(3):
        try:
            send(chain)
        except (AllProvidersFailed, RecipientRejected, OutcomeUnknown):
            world.clock.advance(1)

    assert chain.health.snapshot()["a"].state == "open"


def test_a_plugin_s_fault_before_the_call_touches_no_health(world: World) -> None:
    """
    The vendor was not asked: its probe is still due.
    """

    class Broken(Scripted):
        transport = None

        def build_request(self, message: Any) -> Any:
            raise ValueError

    chain = world.chain(Broken("a"), Scripted("b"))
    _open(chain, world, "a")

    send(chain)

    assert chain.health.snapshot()["a"].state == "open"
    assert isinstance(chain.health.ask("a", "example.com", 15.0), Ticket)


def _open(chain: Any, world: World, key: str) -> None:
    ticket = chain.health.ask(key, "example.com", 15.0)
    world.clock.advance(2)
    assert chain.health.failed(ticket, DOWN, count=True)
    world.clock.advance(chain.health.snapshot()[key].seconds_left)


def test_observers_hear_of_attempts_and_of_changes(world: World) -> None:
    """
    Every call, who is passed by from now on and why, and who is back.
    """
    a = Scripted("a", AuthenticationFailed("401"))
    chain = world.chain(a, Scripted("b"))

    first = send(chain)
    a.then("a-id")
    world.clock.advance(900)
    second = send(chain)

    assert world.events == [
        AttemptMade("m1", "transactional", first.attempts[0]),
        ProviderDown("a", "account", "401"),
        AttemptMade("m1", "transactional", first.attempts[1]),
        AttemptMade("m1", "transactional", second.attempts[0]),
        ProviderUp("a"),
    ]
    assert second.provider == "a"


REASONS = [
    (SenderRefused("x"), "sender"),
    (RateLimited("x", retry_after=9.0), "cooldown"),
    (AccountSuspended("x"), "account"),
]


@pytest.mark.parametrize(("error", "reason"), REASONS, ids=["sender", "cooldown", "account"])
def test_the_reason_of_being_passed_by(world: World, error: SendError, reason: str) -> None:
    """
    In the word that snapshots use too.
    """
    send(world.chain(Scripted("a", error), Scripted("b")))

    assert world.events[1] == ProviderDown("a", reason, "x")


def test_an_opened_provider_is_announced_once(world: World) -> None:
    """
    With the third failure, and not again while it is passed by.
    """
    chain = world.chain(Scripted("a", DOWN), Scripted("b"))

    for _ in range(5):
        send(chain)

    downs = [event for event in world.events if isinstance(event, ProviderDown)]
    assert downs == [ProviderDown("a", "open", "HTTP 503")]


def test_a_probe_that_is_answered_with_a_refusal_brings_the_provider_back(world: World) -> None:
    """
    It answered, so it is up.
    """
    a = Scripted("a", RecipientRejected("no"))
    chain = world.chain(a, Scripted("b"))
    _open(chain, world, "a")

    caught(chain)

    assert ProviderUp("a") in world.events
    assert chain.health.snapshot()["a"].state == "closed"


def test_a_suppressed_recipient_may_be_switched_for(world: World, caplog: Any) -> None:
    """
    Where the policy says so, and then it is a switch like any other.
    """
    a = Scripted("a", RecipientSuppressed("bounced"))

    receipt = send(world.chain(a, Scripted("b")), on_suppressed="switch")

    assert outcomes(receipt.attempts) == [("a", "RecipientSuppressed"), ("b", "accepted")]
    assert caplog.records[0].levelno == W


def test_a_short_rate_limit_is_tried_again_in_its_time(world: World) -> None:
    """
    When nobody else takes it, the mail waits as long as it was asked to, no longer.
    """
    a = Scripted("a", RateLimited("429", retry_after=7.0), "a-id")
    chain = world.chain(a, Scripted("b", UnsupportedFeature("no")))

    receipt = send(chain)

    assert outcomes(receipt.attempts) == [
        ("a", "RateLimited"),
        ("b", "UnsupportedFeature"),
        ("a", "accepted"),
    ]
    assert world.clock.sleeps == [7.0]


def test_a_rate_limit_without_a_time_is_tried_again_too(world: World) -> None:
    """
    After the five seconds for which it is parked then.
    """
    receipt = send(
        world.chain(Scripted("a", RateLimited("429"), "a-id"), Scripted("b", SenderRefused("x")))
    )

    assert receipt.provider == "a"
    assert world.clock.sleeps == [5.0]


def test_a_long_rate_limit_is_final_and_ends_the_send_at_once(world: World) -> None:
    """
    No wait within the deadline can help; the error says when to try again.
    """
    chain = world.chain(Scripted("a", RateLimited("429", retry_after=3600.0)))

    error = caught(chain)

    assert outcomes(error.attempts) == [("a", "RateLimited")]
    assert world.clock.sleeps == []
    assert error.retry_at == LATER


LATER_ENDS: list[SendError] = [
    MessageRejected("bad"),
    RecipientRejected("no"),
    RecipientSuppressed("bounced"),
    SenderRefused("unverified"),
    AuthenticationFailed("401"),
    DOWN,
    GONE,
]


class TestUnknown:
    """
    Once unknown, never hidden.
    """

    def test_the_next_provider_is_asked_where_the_vendor_knows_no_keys(self, world: World) -> None:
        """
        The receipt says that the mail may have gone out twice.
        """
        a, b = Scripted("a", DOUBT), Scripted("b")

        receipt = send(world.chain(a, b))

        assert outcomes(receipt.attempts) == [("a", "OutcomeUnknown"), ("b", "accepted")]
        assert (receipt.provider, receipt.possible_duplicate) == ("b", True)

    def test_the_same_provider_is_asked_first_where_the_vendor_knows_keys(
        self, world: World
    ) -> None:
        """
        With the same key, and it is still flagged.
        """
        a, b = Scripted("a", DOUBT, "a-id", idempotency_ttl=60.0), Scripted("b")

        receipt = send(world.chain(a, b))

        assert outcomes(receipt.attempts) == [("a", "OutcomeUnknown"), ("a", "accepted")]
        assert receipt.possible_duplicate
        first, second = a.mails
        assert first.idempotency_key
        assert first.idempotency_key == second.idempotency_key

    def test_twice_unknown_goes_on_to_the_next(self, world: World) -> None:
        """
        One repetition is enough.
        """
        a, b = Scripted("a", DOUBT, idempotency_ttl=60.0), Scripted("b")

        receipt = send(world.chain(a, b))

        assert outcomes(receipt.attempts) == [
            ("a", "OutcomeUnknown"),
            ("a", "OutcomeUnknown"),
            ("b", "accepted"),
        ]

    def test_a_repetition_goes_to_a_provider_that_has_just_opened(self, world: World) -> None:
        """
        The hang opened it, and it is the only one that knows.
        """
        hang = world.after(10, DOUBT)
        a, b = Scripted("a", hang, "a-id", idempotency_ttl=60.0), Scripted("b")

        receipt = send(world.chain(a, b))

        assert receipt.provider == "a"
        assert world.events[1:2] == [ProviderDown("a", "open", "no answer")]

    def test_an_unknown_outcome_after_a_failure_is_repeated_too(self, world: World) -> None:
        """
        Calls that surely sent nothing do not use up the repetition.
        """
        a = Scripted("a", DOWN, DOUBT, "a-id", idempotency_ttl=60.0)

        receipt = send(world.chain(a, Scripted("b", SenderRefused("x"))))

        assert outcomes(receipt.attempts) == [
            ("a", "ProviderUnavailable"),
            ("b", "SenderRefused"),
            ("a", "OutcomeUnknown"),
            ("a", "accepted"),
        ]

    def test_raise_raises_at_once(self, world: World) -> None:
        """
        The error is the provider's own, with the trail.
        """
        a, b = Scripted("a", DOWN), Scripted("b", DOUBT)

        error = caught(world.chain(a, b, Scripted("c")), on_unknown="raise")

        assert error is DOUBT
        assert outcomes(error.attempts) == [("a", "ProviderUnavailable"), ("b", "OutcomeUnknown")]

    @pytest.mark.parametrize("later", LATER_ENDS, ids=str)
    def test_no_later_end_hides_it(self, world: World, later: SendError) -> None:
        """
        The error names who may have sent it, and what each one said.
        """
        error = caught(world.chain(Scripted("a", DOUBT), Scripted("b", later)))

        assert type(error) is OutcomeUnknown
        assert (error.provider, error.stage) == ("a", "written")
        assert outcomes(error.attempts)[:2] == [
            ("a", "OutcomeUnknown"),
            ("b", type(later).__name__),
        ]
        advice = f" ({later.advice})"
        assert str(error) == (
            "mail m1 may have been sent by a:\n"
            "  a: OutcomeUnknown: no answer "
            "(look the mail up at the provider before sending it again)\n"
            f"  b: {type(later).__name__}: {later}{advice}\n"
            "Look the mail up at the provider before sending it again."
        )

    def test_an_unreadable_attachment_does_not_hide_it(self, world: World) -> None:
        """
        The file vanished between the attempts.
        """
        error = caught(
            world.chain(Scripted("a", DOUBT), Scripted("b", InvalidMessage("cannot be read")))
        )

        assert type(error) is OutcomeUnknown

    def test_a_plugin_s_own_unknown_counts_as_one(self, world: World) -> None:
        """
        The verdict decides, not the name of the class.
        """

        class Odd(SendError):
            verdict = Verdict.UNKNOWN
            penalty = Penalty.FAILURE

        error = caught(world.chain(Scripted("a", Odd("?")), Scripted("b", MessageRejected("bad"))))

        assert type(error) is OutcomeUnknown
        assert outcomes(error.attempts) == [("a", "Odd"), ("b", "MessageRejected")]


class TestPrevious:
    """
    Attempts of an earlier process.
    """

    def earlier(self, provider: str, seconds: float, error: SendError = DOUBT) -> Attempt:
        """
        A call so long ago.
        """
        started = NOW - timedelta(seconds=seconds)
        return Attempt(provider, started, 1.0, "written", type(error).__name__, error)

    def test_the_same_provider_is_asked_first(self, world: World) -> None:
        """
        Within the lifetime of its keys, whatever the order of the chain.
        """
        a, b = Scripted("a"), Scripted("b", idempotency_ttl=600.0)
        before = self.earlier("b", 300)

        receipt = world.chain(a, b).send(MAIL, (before,))

        assert receipt.provider == "b"
        assert receipt.attempts[0] is before
        assert receipt.possible_duplicate

    def test_after_the_lifetime_of_the_keys_the_order_holds(self, world: World) -> None:
        """
        The vendor would not know the mail again, so nobody is better than the first.
        """
        a, b = Scripted("a"), Scripted("b", idempotency_ttl=600.0)

        receipt = world.chain(a, b).send(MAIL, (self.earlier("b", 600),))

        assert (receipt.provider, receipt.possible_duplicate) == ("a", True)

    def test_what_was_unknown_then_is_not_hidden_now(self, world: World) -> None:
        """
        A refusal of today does not say that yesterday's attempt failed.
        """
        chain = world.chain(Scripted("a", RecipientRejected("no")))

        with pytest.raises(OutcomeUnknown) as error:
            chain.send(MAIL, (self.earlier("gone", 5),))

        assert error.value.provider == "gone"

    def test_attempts_that_sent_nothing_change_nothing(self, world: World) -> None:
        """
        They only stand in the trail.
        """
        before = self.earlier("a", 5, DOWN)

        receipt = world.chain(Scripted("a")).send(MAIL, (before,), policy=Policy())

        assert receipt.attempts[:1] == (before,)
        assert not receipt.possible_duplicate

    def test_a_mail_that_was_accepted_goes_a_second_time(self, world: World) -> None:
        """
        Whoever sends it once more wants that, and the receipt says so.
        """
        sent = Attempt("a", NOW, 1.0, "response", "accepted")

        receipt = world.chain(Scripted("a")).send(MAIL, (sent,), policy=Policy())

        assert receipt.attempts[:1] == (sent,)
        assert receipt.possible_duplicate


def test_an_unreadable_attachment_ends_the_send(world: World) -> None:
    """
    Nobody could send it; the error has the trail.
    """
    b = Scripted("b", InvalidMessage("attachment 'a' cannot be read", field="attachments"))

    error = caught(world.chain(Scripted("a", DOWN), b, Scripted("c")))

    assert (type(error), error.field) == (InvalidMessage, "attachments")
    assert outcomes(error.attempts) == [("a", "ProviderUnavailable")]


def test_a_receipt_names_what_became_of_each_recipient(world: World) -> None:
    """
    Whom the provider does not name is accepted, and the vendor's ids are kept.
    """
    mail = MAIL.replace(cc="bob@example.org", bcc="cat@example.org")
    accepted = Accepted("x", {"bob@example.org": RecipientStatus.INVALID}, {"cat@example.org": "y"})

    receipt = send(world.chain(Scripted("a", accepted)), mail)

    assert receipt == Receipt(
        "m1",
        "a",
        "x",
        {
            "ann@example.org": RecipientStatus.ACCEPTED,
            "bob@example.org": RecipientStatus.INVALID,
            "cat@example.org": RecipientStatus.ACCEPTED,
        },
        (Attempt("a", NOW, 0.0, "response", "accepted", None, None, "x"),),
        message_ids={"cat@example.org": "y"},
    )
    assert receipt.rejected == {"bob@example.org": RecipientStatus.INVALID}


def test_what_was_left_off_stands_in_the_attempt(world: World) -> None:
    """
    A mail with tags goes through a provider without them when the faithful one is down.
    """
    plain = Scripted("plain", capabilities=Capabilities(EVERYTHING.features & ~Feature.TAGS))
    chain = world.chain(plain, Scripted("a", DOWN))

    receipt = send(chain, MAIL.replace(tags=["x"]))

    assert outcomes(receipt.attempts) == [("a", "ProviderUnavailable"), ("plain", "accepted")]
    assert [attempt.dropped for attempt in receipt.attempts] == [Feature(0), Feature.TAGS]
    assert plain.mails[0].tags == ()


def test_a_refused_preference_is_left_off_where_nobody_else_can(world: World) -> None:
    """
    A tag that a provider declares and refuses costs the tag, not the mail.
    """
    refusal = UnsupportedFeature("no such tags", features=("TAGS",))
    first, second = Scripted("a", refusal, "a-id"), Scripted("b", DOWN)
    chain = world.chain(first, second)

    receipt = send(chain, MAIL.replace(tags=["new order"], metadata={"k": "v"}))

    assert outcomes(receipt.attempts) == [
        ("a", "UnsupportedFeature"),
        ("b", "ProviderUnavailable"),
        ("a", "accepted"),
    ]
    assert receipt.attempts[-1].dropped == Feature.TAGS
    assert [(one.tags, dict(one.metadata)) for one in first.mails] == [
        (("new order",), {"k": "v"}),
        ((), {"k": "v"}),
    ]


@pytest.mark.parametrize(
    "features", [("TAGS", "max_tags=1"), ("TAGS", "HTML"), ("NEWS",), ()], ids="+".join
)
def test_a_refusal_of_more_than_preferences_is_final(
    world: World, features: tuple[str, ...]
) -> None:
    """
    A mail is never mutilated for a provider that refuses it.
    """
    chain = world.chain(Scripted("a", UnsupportedFeature("no", features=features)))

    error = caught(chain, MAIL.replace(tags=["x"], html="<p>x</p>"))

    assert outcomes(error.attempts) == [("a", "UnsupportedFeature")]


def test_a_provider_that_refuses_twice_is_final(world: World) -> None:
    """
    Leaving the same feature off again would change nothing.
    """
    refusal = UnsupportedFeature("no such tags", features=("TAGS",))
    chain = world.chain(Scripted("a", refusal, refusal))

    error = caught(chain, MAIL.replace(tags=["x"]))

    assert outcomes(error.attempts) == [("a", "UnsupportedFeature")] * 2


def test_an_attempt_says_when_it_began_and_how_long_it_took(world: World) -> None:
    """
    On the wall clock, and in seconds.
    """
    world.clock.advance(60)
    chain = world.chain(Scripted("a", world.after(0.5, DOWN)), Scripted("b"))

    attempts = send(chain).attempts

    started = [NOW + timedelta(seconds=60), NOW + timedelta(seconds=60.5)]
    assert [(one.started, one.duration) for one in attempts] == list(
        zip(started, [0.5, 0.0], strict=True)
    )


class TestBeforeEachCall:
    """
    Whoever asks for it is told of a call before it is made.
    """

    def test_it_hears_of_each(self, world: World) -> None:
        """
        With the attempts before it.
        """
        seen: list[Any] = []

        def note(upcoming: Upcoming) -> None:
            seen.append((upcoming.provider, upcoming.message.id, outcomes(upcoming.attempts)))

        send(world.chain(Scripted("a", DOWN), Scripted("b")), before_call=note)

        assert seen == [("a", "m1", []), ("b", "m1", [("a", "ProviderUnavailable")])]

    def test_a_call_that_cannot_be_noted_is_not_made(self, world: World) -> None:
        """
        Nothing is sent, nobody is blamed, and what went wrong is raised as it is.
        """

        def fail(_upcoming: Upcoming) -> None:
            raise OSError("disk full")

        a = Scripted("a")
        chain = world.chain(a, Scripted("b"))

        with pytest.raises(OSError, match="disk full"):
            send(chain, before_call=fail)

        assert a.mails == []
        assert chain.health.ask("a", "example.com", 1.0) == Ticket("a", "example.com", 1000.0, 0)

    def test_the_time_it_takes_is_not_the_provider_s(self, world: World) -> None:
        """
        A slow disk is no slow vendor.
        """

        def wait(_upcoming: Upcoming) -> None:
            world.clock.advance(5)

        receipt = send(world.chain(Scripted("a")), before_call=wait)

        assert (NOW + timedelta(seconds=5), 0.0) == (
            receipt.attempts[0].started,
            receipt.attempts[0].duration,
        )
