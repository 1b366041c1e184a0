from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from mailfailover import (
    AllProvidersFailed,
    Link,
    MemoryHealth,
    ProviderChain,
    ProviderDown,
    UnsupportedFeature,
)
from mailfailover._chain.driver import Pause
from mailfailover._chain.policy import Policy
from mailfailover.errors import (
    AuthenticationFailed,
    ConfigurationError,
    ConnectionFailed,
    OutcomeUnknown,
    ProviderUnavailable,
    QuotaExceeded,
    RateLimited,
    RecipientRejected,
    SenderRefused,
)
from mailfailover.testing import FakeTransport
from mailfailover.transports import DefaultTransport
from tests.chains import MAIL, NOW, Scripted, World, caught, outcomes, send

DOWN = ProviderUnavailable("HTTP 503")
DOUBT = OutcomeUnknown("no answer")
REVOKED = AuthenticationFailed("HTTP 401")


@pytest.fixture
def world() -> World:
    """
    A clock, chance, and ears.
    """
    return World()


class OwnHealth:
    """
    A health that knows nothing of rates and quotas.
    """

    def __init__(self, inner: MemoryHealth) -> None:
        self.ask = inner.ask
        self.force = inner.force
        self.succeeded = inner.succeeded
        self.failed = inner.failed
        self.release = inner.release
        self.isolate = inner.isolate
        self.reset = inner.reset
        self.snapshot = inner.snapshot


def open_up(world: World, chain: ProviderChain, *keys: str) -> None:
    """
    Open the breakers of these, so far apart that their jitter does not matter.
    """
    for key in keys:
        ticket = chain.health.force(key, "example.com", 15.0)
        world.clock.advance(10)
        assert chain.health.failed(ticket, DOWN, count=True)  # type: ignore[arg-type]  # nobody else asks


def states(chain: ProviderChain) -> dict[str, str]:
    """
    How each provider stands.
    """
    return {key: one.state for key, one in chain.health.snapshot().items()}


class TestMaking:
    """
    What a chain is made of.
    """

    def test_its_parts_have_defaults(self) -> None:
        """
        Health in this process, the network, and real time.
        """
        chain = ProviderChain([Scripted("a"), Scripted("b")])

        assert chain.keys == ("a", "b")
        assert isinstance(chain.health, MemoryHealth)
        assert isinstance(chain.transport, DefaultTransport)
        assert chain.parts.allowances is chain.health
        assert (chain.observers, chain.is_alone) == ((), False)
        assert repr(chain) == "ProviderChain(a, b)"

    def test_a_shared_health_is_used_even_if_it_is_false(self) -> None:
        """
        An empty store is a store.
        """

        class Empty(MemoryHealth):
            def __bool__(self) -> bool:
                return False

        health = Empty()

        assert ProviderChain(Scripted("a"), health=health).health is health

    def test_an_empty_strategy_is_refused(self) -> None:
        """
        With what to do.
        """

        class Nobody:
            def links(self) -> tuple[Link, ...]:
                return ()

            def order(self, message: Any, rng: Random) -> list[Link]:
                return []

        with pytest.raises(ConfigurationError) as error:
            ProviderChain(Nobody())

        assert str(error.value) == (
            "the chain is empty: name at least one provider, for example console://"
        )

    def test_closing_it_closes_its_connections(self) -> None:
        """
        It is the transport that holds them.
        """
        transport = FakeTransport()

        ProviderChain(Scripted("a"), transport=transport).close()

        assert transport.closed

    def test_a_health_that_counts_no_recipients_leaves_that_to_the_chain(self) -> None:
        """
        Rates and quotas hold, within this chain, with a health of your own too.
        """
        health = OwnHealth(MemoryHealth())
        link = Link(Scripted("a"), quota="1/d")
        chain = ProviderChain([link, Scripted("b")], health=health)

        assert [chain.send(MAIL).provider for _ in range(2)] == ["a", "b"]


class TestRounds:
    """
    Each candidate once with no sleep between, then a wait.
    """

    def test_there_is_no_sleep_between_providers(self, world: World) -> None:
        """
        Nor after the last of a round that helps.
        """
        chain = world.chain(Scripted("a", DOWN), Scripted("b", DOWN), Scripted("c"))

        assert send(chain).provider == "c"
        assert world.clock.sleeps == []

    def test_a_round_in_vain_is_followed_by_a_wait_and_another_round(self, world: World) -> None:
        """
        In the same order, after half a second at most.
        """
        chain = world.chain(Scripted("a", DOWN, "a-id"), Scripted("b", DOWN))

        receipt = send(chain)

        assert outcomes(receipt.attempts) == [
            ("a", "ProviderUnavailable"),
            ("b", "ProviderUnavailable"),
            ("a", "accepted"),
        ]
        assert len(world.clock.sleeps) == 1
        assert 0 < world.clock.sleeps[0] <= 0.5

    def test_the_waits_grow(self, world: World) -> None:
        """
        Each is a random part of twice as much, ten seconds at most.
        """
        most = [0.0] * 20
        for seed in range(60):
            one = World()
            caught(
                one.chain(Scripted("a", DOWN), Scripted("b", DOWN), rng=Random(seed)), timeout=60
            )
            for number, seconds in enumerate(one.clock.sleeps):
                most[number] = max(most[number], seconds)

        bounds = [0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0]
        assert all(0.6 * bound < found <= bound for found, bound in zip(most, bounds, strict=False))

    @pytest.mark.parametrize("timeout", [0.05, 0.3, 1, 7.5, 30, 100])
    @pytest.mark.parametrize("seconds", [0.0, 0.4, 3.0])
    def test_no_sleep_goes_beyond_the_deadline(
        self, world: World, timeout: float, seconds: float
    ) -> None:
        """
        Whatever the attempts cost, the last sleep ends in time for another attempt.
        """
        slow = world.after(seconds, DOWN)
        chain = world.chain(Scripted("a", slow), Scripted("b", slow))
        ends: list[float] = []

        def sleep(pause: float) -> None:
            world.clock.sleep(pause)
            ends.append(world.clock())

        chain.sleep = sleep
        caught(chain, timeout=timeout)

        assert all(end < 1000 + timeout for end in ends)

    def test_when_all_said_no_for_good_it_raises_at_once(self, world: World) -> None:
        """
        No wait can help.
        """
        chain = world.chain(
            Scripted("a", UnsupportedFeature("no")), Scripted("b", SenderRefused("no"))
        )

        error = caught(chain)

        assert outcomes(error.attempts) == [("a", "UnsupportedFeature"), ("b", "SenderRefused")]
        assert world.clock.sleeps == []

    def test_a_parked_provider_is_passed_by(self, world: World) -> None:
        """
        The next mail does not ask it.
        """
        a = Scripted("a", REVOKED)
        chain = world.chain(a, Scripted("b"))
        send(chain)

        receipt = send(chain)

        assert outcomes(receipt.attempts) == [("b", "accepted")]
        assert len(a.mails) == 1

    def test_a_refused_sender_is_passed_by_for_that_domain_only(self, world: World) -> None:
        """
        Other senders may be verified.
        """
        chain = world.chain(Scripted("a", SenderRefused("no"), "a-id"), Scripted("b"))
        send(chain)

        same = send(chain)
        other = send(chain, MAIL.replace(from_email="x@other.example"))

        assert (same.provider, other.provider) == ("b", "a")


class TestOneProvider:
    """
    A chain of one has nobody to pass by to.
    """

    @pytest.mark.parametrize("error", [DOWN, DOUBT, ConnectionFailed("refused")], ids=str)
    def test_it_never_opens(self, world: World, error: Exception) -> None:
        """
        Not by slow failures, nor by many.
        """
        a = Scripted("a", world.after(1.5, error))
        chain = world.chain(a)

        for _ in range(20):
            caught(chain, timeout=1.6)

        assert states(chain) == {"a": "closed"}
        assert len(a.mails) >= 20

    def test_a_parked_account_is_called_all_the_same(self, world: World) -> None:
        """
        By every mail, also while another is at it, and the first success unparks it.
        """
        a = Scripted("a", REVOKED)
        chain = world.chain(a)
        caught(chain)

        def second(_: object) -> str:
            a.then(REVOKED)
            caught(chain)
            a.then("a-id")
            return "a-id"

        a.then(second)
        assert send(chain).provider == "a"
        assert len(a.mails) == 3
        assert states(chain) == {"a": "closed"}

    def test_a_cooldown_is_waited_for(self, world: World) -> None:
        """
        It is what the vendor asked for.
        """
        chain = world.chain(Scripted("a", RateLimited("429", retry_after=3.0), "a-id"))

        assert send(chain).provider == "a"
        assert world.clock.sleeps == [3.0]


class TestAllPassedBy:
    """
    Nobody is in use: forced calls, one at a time.
    """

    def test_the_one_due_soonest_is_called(self, world: World) -> None:
        """
        Before the others, whatever their place; its success puts it back.
        """
        a, b = Scripted("a"), Scripted("b")
        chain = world.chain(a, b)
        open_up(world, chain, "b", "a")

        receipt = send(chain)

        assert outcomes(receipt.attempts) == [("b", "accepted")]
        assert states(chain) == {"a": "open", "b": "closed"}

    def test_then_the_other(self, world: World) -> None:
        """
        A forced call that fails is followed by one to the next, after a wait.
        """
        chain = world.chain(Scripted("a", DOWN), Scripted("b"))
        open_up(world, chain, "a", "b")

        receipt = send(chain)

        assert outcomes(receipt.attempts) == [("a", "ProviderUnavailable"), ("b", "accepted")]
        assert len(world.clock.sleeps) == 1

    def test_a_cooldown_due_sooner_is_waited_for(self, world: World) -> None:
        """
        Without forcing anybody before.
        """
        a, b = Scripted("a", RateLimited("429", retry_after=4.0), "a-id"), Scripted("b")
        chain = world.chain(a, b)
        open_up(world, chain, "b")
        chain.health.failed(
            chain.health.ask("a", "example.com", 1.0),  # type: ignore[arg-type]  # it is in use
            RateLimited("429", retry_after=4.0),
            count=True,
        )
        a.then("a-id")

        assert send(chain).provider == "a"
        assert world.clock.sleeps == [4.0]

    def test_parked_accounts_come_last(self, world: World) -> None:
        """
        After what is open for longer than they are parked.
        """
        a, b = Scripted("a", REVOKED), Scripted("b", DOWN, "b-id")
        chain = world.chain(a, b)
        send(world.chain(a, Scripted("c"), health=chain.health))
        world.clock.advance(880)
        open_up(world, chain, "b")

        receipt = send(chain)

        assert outcomes(receipt.attempts)[0] == ("b", "ProviderUnavailable")
        assert chain.health.snapshot()["b"].state == "closed"

    def test_a_parked_account_is_called_where_there_is_nobody_else(self, world: World) -> None:
        """
        It may have been repaired meanwhile.
        """
        a, b = Scripted("a", REVOKED), Scripted("b", REVOKED)
        chain = world.chain(a, b)
        caught(chain)
        b.then("b-id")

        receipt = send(chain)

        assert outcomes(receipt.attempts) == [("a", "AuthenticationFailed"), ("b", "accepted")]

    def test_a_cooldown_beyond_the_deadline_does_not_spare_the_call(self, world: World) -> None:
        """
        A mail never fails without a call having been made.
        """
        a = Scripted("a", QuotaExceeded("full", until=NOW + timedelta(days=1)))
        chain = world.chain(a, Scripted("b", QuotaExceeded("full", until=NOW + timedelta(hours=2))))
        caught(chain)

        error = caught(chain)

        assert outcomes(error.attempts) == [("b", "QuotaExceeded")]
        assert error.retry_at == NOW + timedelta(hours=2)
        assert world.clock.sleeps == []

    def test_a_long_cooldown_does_not_end_a_send_that_another_may_help(self, world: World) -> None:
        """
        The other one is open, and may be forced again until the deadline.
        """
        a, b = Scripted("a", QuotaExceeded("full")), Scripted("b", DOWN, DOWN, "b-id")
        chain = world.chain(a, b)
        open_up(world, chain, "b")

        receipt = send(chain)

        assert outcomes(receipt.attempts) == [
            ("a", "QuotaExceeded"),
            ("b", "ProviderUnavailable"),
            ("b", "ProviderUnavailable"),
            ("b", "accepted"),
        ]

    def test_the_isolated_are_left_alone(self, world: World) -> None:
        """
        Whatever happens: the error says who took them out.
        """
        a = Scripted("a")
        chain = world.chain(a, Scripted("b"))
        chain.health.isolate("a")
        chain.health.isolate("b")

        error = caught(chain)

        assert (error.attempts, error.retry_at, a.mails) == ((), None, [])
        assert str(error) == (
            "no provider took mail m1:\n"
            "  a: not called: isolated (taken out of use by hand; health.reset() with this key "
            "puts it back)\n"
            "  b: not called: isolated (taken out of use by hand; health.reset() with this key "
            "puts it back)\n"
            "It was not sent."
        )

    def test_others_wait_for_the_verdict_of_a_forced_call(self, world: World) -> None:
        """
        They do not call meanwhile, and look again each at a time of its own.
        """
        a, b = Scripted("a"), Scripted("b")
        chain = world.chain(a, b)
        open_up(world, chain, "a", "b")
        ticket = chain.health.force("a", "example.com", 15.0)
        slept: list[float] = []

        def sleep(seconds: float) -> None:
            slept.append(seconds)
            world.clock.sleep(seconds)
            if len(slept) == 8:
                assert a.mails == b.mails == []
                assert chain.health.succeeded(ticket)  # type: ignore[arg-type]  # nobody else asked

        chain.sleep = sleep

        assert send(chain).provider == "a"
        longest = [0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.0]
        assert [most / 2 <= wait <= most for wait, most in zip(slept, longest, strict=True)] == (
            [True] * 8
        )

    def test_who_waits_in_vain_raises_at_his_deadline(self, world: World) -> None:
        """
        With the time from which on it makes sense to try again.
        """
        chain = world.chain(Scripted("a"), Scripted("b"))
        open_up(world, chain, "a", "b")
        due = chain.health.snapshot()["a"].seconds_left
        assert due is not None
        chain.health.force("a", "example.com", 15.0)

        error = caught(chain, timeout=3)

        assert type(error) is AllProvidersFailed
        assert error.retry_at is not None
        assert error.retry_at is not None
        assert abs(error.retry_at - NOW - timedelta(seconds=20 + due)) < timedelta(milliseconds=1)
        assert 2.5 < sum(world.clock.sleeps) < 3.0

    def test_one_forced_call_at_a_time(self) -> None:
        """
        Of 16 mails at once, one is on its way at any moment while everything is down.
        """
        busy: Counter[str] = Counter()
        overlaps: list[str] = []
        lock = threading.Lock()

        def dead(name: str) -> Any:
            def answer(_: object) -> None:
                with lock:
                    busy[name] += 1
                    if busy[name] > 1:
                        overlaps.append(name)
                threading.Event().wait(0.002)
                with lock:
                    busy[name] -= 1
                raise DOWN

            return answer

        providers = [Scripted(name, dead(name)) for name in "ab"]
        chain = ProviderChain(providers)
        for key in "ab":
            for _ in range(3):
                ticket = chain.health.ask(key, "example.com", 15.0)
                chain.health.failed(ticket, DOWN, count=True)  # type: ignore[arg-type]  # in use

        with ThreadPoolExecutor(16) as pool:
            errors = list(pool.map(lambda _: caught(chain, timeout=0.3), range(16)))

        assert {type(error) for error in errors} == {AllProvidersFailed}
        assert overlaps == []


class TestLimits:
    """
    What its owner allows a link.
    """

    def test_who_is_used_up_is_passed_by(self, world: World) -> None:
        """
        The third mail of the day goes to the next one.
        """
        chain = world.chain(Link(Scripted("a"), quota="2/d"), Scripted("b"))

        assert [send(chain).provider for _ in range(3)] == ["a", "a", "b"]

    def test_a_rate_is_waited_for_where_there_is_nobody_else(self, world: World) -> None:
        """
        For as long as it takes.
        """
        chain = world.chain(Link(Scripted("a"), rate="1/s"), Link(Scripted("b"), rate="4/m"))

        found = [send(chain).provider for _ in range(8)]

        assert found == ["a", "b", "b", "b", "b", "a", "a", "a"]
        assert world.clock.sleeps == pytest.approx([1.0, 1.0, 1.0])

    @pytest.mark.parametrize("others", [(), ("b",)], ids=["alone", "two"])
    def test_a_quota_is_never_exceeded(self, world: World, others: tuple[str, ...]) -> None:
        """
        Its owner said how many: no call is forced beyond it.
        """
        links = [Link(Scripted(name), quota="1/h") for name in ("a", *others)]
        chain = world.chain(*links)
        for _ in links:
            send(chain)

        error = caught(chain)

        assert (error.attempts, world.clock.sleeps) == ((), [])
        assert error.retry_at == NOW + timedelta(hours=1)
        assert str(error).splitlines()[1] == (
            "  a: not called: its own rate or quota is used up "
            "(wait, or raise the limit of the link)"
        )

    def test_a_call_that_could_not_be_made_takes_nothing(self, world: World) -> None:
        """
        What is passed by for another reason keeps its quota.
        """
        chain = world.chain(Link(Scripted("a"), quota="1/h"), Scripted("b"))
        open_up(world, chain, "a")
        send(chain)
        chain.health.reset("a")

        assert [send(chain).provider for _ in range(2)] == ["a", "b"]

    def test_a_probe_without_quota_gives_its_lease_back(self, world: World) -> None:
        """
        Another process may have some left.
        """
        chain = world.chain(Link(Scripted("a"), quota="1/h"), Scripted("b"))
        send(chain)
        open_up(world, chain, "a")
        world.clock.advance(60)

        assert send(chain).provider == "b"
        assert chain.health.ask("a", "example.com", 15.0)[2] == world.clock()


class SoftTimeLimitExceeded(Exception):
    pass


class TestInterrupted:
    """
    What is meant for the process or the task passes, and nothing stays held.
    """

    class SoftTimeLimitExceeded(Exception):
        """
        Named as Celery's own is.
        """

    @pytest.mark.parametrize("kind", [KeyboardInterrupt, SoftTimeLimitExceeded])
    def test_a_probe_that_is_interrupted_is_free_again(
        self, world: World, kind: type[BaseException]
    ) -> None:
        """
        The next mail probes.
        """
        a = Scripted("a", kind())
        chain = world.chain(a, Scripted("b"))
        open_up(world, chain, "a")
        world.clock.advance(60)

        with pytest.raises(kind):
            send(chain)

        a.then("a-id")
        assert send(chain).provider == "a"

    def test_probes_of_the_same_mail_are_free_again_too(self, world: World) -> None:
        """
        The probe of one had no connection, and the interrupt came at the next provider.
        """
        a = Scripted("a", ConnectionFailed("refused"))
        chain = world.chain(a, Scripted("b", KeyboardInterrupt()))
        open_up(world, chain, "a")
        world.clock.advance(60)

        with pytest.raises(KeyboardInterrupt):
            send(chain)

        a.then("a-id")
        assert send(chain).provider == "a"

    def test_an_interrupted_sleep_ends_the_send(self, world: World) -> None:
        """
        With everything given back at that moment, not when the garbage is collected.
        """
        chain = world.chain(Scripted("a", DOWN), Scripted("b", DOWN))
        closed: list[str] = []

        def sleep(_: float) -> None:
            raise KeyboardInterrupt

        chain.sleep = sleep
        original = chain.steps

        def steps(*args: Any) -> Any:
            try:
                return (yield from original(*args))
            finally:
                closed.append("closed")

        setattr(chain, "steps", steps)  # noqa: B010 -- to see it close
        try:
            send(chain)
        except KeyboardInterrupt:
            assert closed == ["closed"]  # while the traceback still holds every frame
        else:
            raise AssertionError

    def test_the_steps_can_be_driven_and_closed_by_anybody(self, world: World) -> None:
        """
        Closing in the middle of a probe frees it.
        """
        a = Scripted("a")
        chain = world.chain(a, Scripted("b"))
        open_up(world, chain, "a")
        world.clock.advance(60)

        steps = chain.steps(MAIL, (), Policy())
        step = next(steps)
        assert step == (a.send, (MAIL,))
        steps.close()

        assert send(chain).provider == "a"

    def test_the_steps_of_a_send(self, world: World) -> None:
        """
        Calls and pauses, in this order: what any driver has to do.
        """
        chain = world.chain(Scripted("a", DOWN, "a-id"))
        steps = chain.steps(MAIL, (), Policy())
        kinds = []
        step = next(steps)
        with pytest.raises(StopIteration) as done:
            while True:
                kinds.append(type(step).__name__)
                if isinstance(step, Pause):
                    step = steps.send(None)
                    continue
                try:
                    answer = step.run()
                except ProviderUnavailable as exc:
                    step = steps.throw(exc)
                else:
                    step = steps.send(answer)

        assert kinds == ["Call", "Pause", "Call"]
        assert done.value.value.provider == "a"


def test_an_error_of_a_send_hangs_on_nothing_else(world: World) -> None:
    """
    Its traceback shows one error, not all that were dealt with on the way.
    """
    chain = world.chain(Scripted("a", DOWN), Scripted("b", RecipientRejected("no")))

    error = caught(chain)

    assert (error.__cause__, error.__context__) == (None, None)


def test_no_lease_outlives_its_attempt_by_much(world: World) -> None:
    """
    A crashed prober is replaced five seconds after its attempt must have ended.
    """
    chain = world.chain(Scripted("a", KeyboardInterrupt()), Scripted("b"))
    open_up(world, chain, "a")
    world.clock.advance(60)
    steps = chain.steps(MAIL, (), Policy(attempt_timeout=4.0))
    next(steps)

    left = chain.health.ask("a", "example.com", 1.0)

    assert left == ("probing", world.clock() + 9.0, "HTTP 503")
    steps.close()


def test_a_recovered_provider_is_first_again_by_itself(world: World) -> None:
    """
    Through one probe, after the time for which it was open.
    """
    a = Scripted("a", DOWN, DOWN, DOWN, "a-id")
    chain = world.chain(a, Scripted("b"))

    found = []
    for _ in range(12):
        found.append(send(chain).provider)
        world.clock.advance(5)

    assert found == ["b"] * found.count("b") + ["a"] * found.count("a")
    assert 27 <= 5 * found.count("b") - 10 <= 38
    downs = [event for event in world.events if isinstance(event, ProviderDown)]
    assert len(downs) == 1
    assert len(a.mails) == 3 + found.count("a")
