from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

import pytest

from mailfailover import AllProvidersFailed, Link, MemoryHealth, ProviderHealth, ProviderUp
from mailfailover.errors import (
    AuthenticationFailed,
    ConnectionFailed,
    MessageRejected,
    OutcomeUnknown,
    ProviderUnavailable,
    QuotaExceeded,
    RateLimited,
    SenderRefused,
)
from tests._health.test_memory import Middle
from tests.chains import Scripted, World, caught, outcomes, send

DOWN = ProviderUnavailable("HTTP 503")
GONE = ConnectionFailed("refused")
EDGE = ConnectionFailed("HTTP 521", status_code=521)
NO_ANSWER = OutcomeUnknown("no answer")


@pytest.fixture
def world() -> World:
    """
    A clock, chance, and ears.
    """
    return World()


def states(chain: Any) -> dict[str, str]:
    """
    How each provider stands.
    """
    return {key: one.state for key, one in chain.health.snapshot().items()}


def outages(caplog: pytest.LogCaptureFixture) -> list[tuple[int, str]]:
    """
    What the log says of providers that go out and come back.
    """
    return [
        (record.levelno, record.message)
        for record in caplog.records
        if " is out " in record.message or " is back" in record.message
    ]


class TestConnections:
    """
    A connection that failed may be the fault of our own network.
    """

    def test_a_refused_connection_is_not_slow_because_the_backup_is(self, world: World) -> None:
        """
        It failed at once, and is reported after the backup took a second.
        """
        chain = world.chain(Scripted("a", GONE), Scripted("b", world.after(1.0, "id")))

        send(chain)

        assert chain.health.snapshot()["a"] == ProviderHealth("closed", 0.0, 1, 1, "", {})

    def test_a_slow_connection_counts_as_slow(self, world: World) -> None:
        """
        A connect timeout of three seconds opens alone.
        """
        chain = world.chain(Scripted("a", world.after(3.0, GONE)), Scripted("b"))

        send(chain)

        assert states(chain) == {"a": "open", "b": "closed"}

    def test_a_failed_connection_counts_where_the_next_was_never_tried(self, world: World) -> None:
        """
        A name that is looked up until the deadline is not our own network's fault.
        """
        chain = world.chain(Scripted("a", world.after(30.0, GONE)), Scripted("b"))

        caught(chain)

        assert states(chain)["a"] == "open"

    def test_our_own_network_is_blamed_where_every_candidate_failed_to_connect(
        self, world: World
    ) -> None:
        """
        Also where the deadline comes in the middle of it: no provider is left untried.
        """
        chain = world.chain(
            Scripted("a", world.after(3.0, GONE)), Scripted("b", world.after(27.0, GONE))
        )

        caught(chain)

        assert states(chain) == {"a": "closed", "b": "closed"}

    def test_an_answer_of_an_edge_proves_our_network(self, world: World) -> None:
        """
        Cloudflare said that it could not reach the vendor: our connection stood.
        """
        chain = world.chain(Scripted("a", EDGE), Scripted("b", EDGE))

        caught(chain)

        assert {key: one.failures for key, one in chain.health.snapshot().items()} == {
            "a": 1,
            "b": 1,
        }


class TestSlowAnswers:
    """
    The option ``slow`` of a link.
    """

    @pytest.mark.parametrize("answer", ["id", MessageRejected("no")], ids=str)
    def test_a_slow_answer_is_a_failure_of_the_provider(self, world: World, answer: Any) -> None:
        """
        The mail is accepted, or refused, all the same.
        """
        chain = world.chain(Link(Scripted("a", world.after(9.0, answer)), slow=5), Scripted("b"))

        try:
            send(chain)
        except MessageRejected:
            world.clock.advance(0)

        one = chain.health.snapshot()["a"]
        assert (one.state, one.detail) == (
            "open",
            "it took 9.0 s to answer, longer than slow=5 allows",
        )

    @pytest.mark.parametrize(("seconds", "slow"), [(5.0, 5), (9.0, None)])
    def test_an_answer_in_time_is_none(
        self, world: World, seconds: float, slow: float | None
    ) -> None:
        """
        Exactly so many seconds are in time; without the option any number is.
        """
        link = Link(Scripted("a", world.after(seconds, "id")), slow=slow)
        chain = world.chain(link, Scripted("b"))

        send(chain)

        assert chain.health.snapshot()["a"] == ProviderHealth("closed", 0.0, 1, 0, "", {})

    def test_a_slow_provider_that_is_alone_stays_in_use(self, world: World) -> None:
        """
        A chain of one never opens.
        """
        chain = world.chain(Link(Scripted("a", world.after(9.0, "id")), slow=5))

        send(chain)

        assert states(chain) == {"a": "closed"}


class TestCopies:
    """
    Providers that are too slow, but may have taken the mail.
    """

    def test_a_mail_is_copied_by_timeouts_to_two_providers_at_most(self, world: World) -> None:
        """
        Then the send ends in doubt, though others are left and there is time.
        """
        slow = [Scripted(name, world.after(10.0, NO_ANSWER)) for name in "abcdef"]
        chain = world.chain(*slow)

        error = caught(chain, timeout=300)

        assert type(error) is OutcomeUnknown
        assert outcomes(error.attempts) == [("a", "OutcomeUnknown"), ("b", "OutcomeUnknown")]

    def test_a_slow_provider_that_is_well_is_not_cut_short(self, world: World) -> None:
        """
        Time is kept for the next provider, not for nineteen.
        """
        chain = world.chain(*(Scripted(f"p{n}", world.after(2.0, "id")) for n in range(20)))

        receipt = send(chain)

        assert outcomes(receipt.attempts) == [("p0", "accepted")]

    def test_the_same_mail_at_the_same_vendor_is_no_copy(self, world: World) -> None:
        """
        A vendor that recognises the mail is asked again, and does not count twice.
        """
        slow = [
            Scripted(name, world.after(10.0, NO_ANSWER), idempotency_ttl=60.0) for name in "abc"
        ]
        chain = world.chain(*slow)

        error = caught(chain, timeout=300)

        assert [one.provider for one in error.attempts] == ["a", "a", "b", "b"]

    def test_an_unknown_answer_is_no_timeout(self, world: World) -> None:
        """
        A connection that broke at once leaves time for all.
        """
        chain = world.chain(*(Scripted(name, NO_ANSWER) for name in "abc"), Scripted("d"))

        receipt = send(chain)

        assert [one.provider for one in receipt.attempts] == ["a", "b", "c", "d"]
        assert receipt.possible_duplicate


class TestOutages:
    """
    What the log says of an outage.
    """

    def test_an_outage_is_a_warning_and_its_end_an_info(
        self, world: World, caplog: pytest.LogCaptureFixture
    ) -> None:
        """
        Once each: why, until when, and who takes over.
        """
        caplog.set_level(logging.INFO, "mailfailover")
        provider = Scripted("a", world.after(2.0, DOWN))
        health = MemoryHealth(clock=world.clock, rng=Middle())
        chain = world.chain(provider, Scripted("b"), health=health)

        send(chain)
        world.clock.advance(31)  # a probe, which fails
        send(chain)
        world.clock.advance(61)
        provider.then("id")
        send(chain)
        send(chain)

        assert outages(caplog) == [
            (
                logging.WARNING,
                "a is out until 2026-11-24 12:00:32 UTC (open): HTTP 503; b takes over",
            ),
            (logging.INFO, "a is back"),
        ]

    @pytest.mark.parametrize(
        ("error", "reason"),
        [(AuthenticationFailed("401"), "account"), (RateLimited("429"), "cooldown")],
        ids=str,
    )
    def test_a_parked_provider_is_an_outage_too(
        self, world: World, caplog: pytest.LogCaptureFixture, error: Any, reason: str
    ) -> None:
        """
        The log says why, and once only.
        """
        chain = world.chain(Scripted("a", error), Scripted("b"))

        send(chain)
        world.clock.advance(6)
        send(chain)

        ((level, text),) = outages(caplog)
        assert level == logging.WARNING
        assert f"({reason}): {error}; b takes over" in text

    @pytest.mark.parametrize(
        "error", [SenderRefused("403"), RateLimited("429", retry_after=0)], ids=str
    )
    def test_no_outage_is_told_where_the_provider_is_in_use(
        self, world: World, caplog: pytest.LogCaptureFixture, error: Any
    ) -> None:
        """
        One refused domain, or a wait that is over, puts no provider out.
        """
        send(world.chain(Scripted("a", error), Scripted("b")))

        assert outages(caplog) == []

    def test_an_outage_without_another_provider_says_so(
        self, world: World, caplog: pytest.LogCaptureFixture
    ) -> None:
        """
        Nobody is named who could not take over.
        """
        chain = world.chain(
            Scripted("a", world.after(2.0, DOWN)), Scripted("b", AuthenticationFailed("401"))
        )

        with pytest.raises(AllProvidersFailed):
            send(chain, timeout=5)

        texts = [text for _, text in outages(caplog)]
        assert texts[0].endswith("(open): HTTP 503; b takes over")
        assert texts[1].endswith("(account): 401; there is no other provider to take over")

    def test_an_outage_without_an_end_is_told(
        self, world: World, caplog: pytest.LogCaptureFixture
    ) -> None:
        """
        A vendor may name a time beyond all calendars.
        """
        end_of_time = datetime.max.replace(tzinfo=UTC)
        chain = world.chain(Scripted("a", QuotaExceeded("full", until=end_of_time)), Scripted("b"))

        send(chain)

        ((_, text),) = outages(caplog)
        assert text == "a is out until 9999-12-31 23:59:59 UTC (cooldown): full; b takes over"

    def test_observers_are_told_as_before(self, world: World) -> None:
        """
        The log comes beside the events.
        """
        chain = world.chain(Scripted("a", world.after(2.0, DOWN), "id"), Scripted("b"))

        send(chain)
        world.clock.advance(40)
        send(chain)

        assert world.events[-2:][1:] == [ProviderUp("a")]
