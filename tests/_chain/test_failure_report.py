from __future__ import annotations

from datetime import timedelta

import pytest

from mailfailover import Attempt, Link
from mailfailover.errors import (
    AllProvidersFailed,
    AuthenticationFailed,
    ConnectionFailed,
    OutcomeUnknown,
    ProviderUnavailable,
    QuotaExceeded,
    RateLimited,
    RecipientRejected,
    SenderRefused,
    SendError,
    UnsupportedFeature,
)
from tests.chains import MAIL, NOW, Scripted, World, caught

DOWN = ProviderUnavailable("HTTP 503: sorry")


@pytest.fixture
def world() -> World:
    """
    A clock, chance, and ears.
    """
    return World()


def test_each_provider_s_last_word_and_what_to_do(world: World) -> None:
    """
    One line for each, the latest of what it said.
    """
    chain = world.chain(
        Scripted("mg", AuthenticationFailed("HTTP 401")),
        Scripted("sg", DOWN, ConnectionFailed("connection refused")),
        Scripted("smtp", SenderRefused("SMTP 550")),
    )

    error = caught(chain, timeout=1)

    assert type(error) is AllProvidersFailed
    assert str(error) == (
        "no provider took mail m1:\n"
        "  mg: AuthenticationFailed: HTTP 401 (check the key and its permissions)\n"
        "  sg: ConnectionFailed: connection refused (check the network, and base_url or host)\n"
        "  smtp: SenderRefused: SMTP 550 "
        "(verify the sender's domain with this provider, or give its link a from_email)\n"
        "It was not sent."
    )
    assert error.retry_at is None


def test_who_was_not_called_is_there_too(world: World) -> None:
    """
    With the reason, what it said last, and the way out.
    """
    chain = world.chain(
        Scripted("acct", AuthenticationFailed("HTTP 401")),
        Scripted("cool", RateLimited("HTTP 429", retry_after=500.0)),
        Scripted("hand"),
        Link(Scripted("lim"), quota="1/d"),
        Scripted("open", world.after(1, DOWN)),
        Scripted("send", SenderRefused("unverified")),
        Scripted("last", UnsupportedFeature("no")),
    )
    caught(chain, MAIL.replace(via=["acct", "cool", "open", "send"]), timeout=1.5)
    chain.send(MAIL.replace(via="lim"))
    chain.health.isolate("hand")
    chain.health.force("open", "example.com", 900.0)  # another mail is at it

    error = caught(chain, timeout=0.5)

    assert str(error) == (
        "no provider took mail m1:\n"
        "  last: UnsupportedFeature: no (add a provider that can, or leave the feature off)\n"
        "  acct: not called: HTTP 401 "
        "(repair the account, then call health.reset() with this key)\n"
        "  cool: not called: HTTP 429 (it asked us to wait)\n"
        "  hand: not called: isolated "
        "(taken out of use by hand; health.reset() with this key puts it back)\n"
        "  lim: not called: its own rate or quota is used up "
        "(wait, or raise the limit of the link)\n"
        "  open: not called: HTTP 503: sorry "
        "(it failed too often; wait, it is tried again by itself)\n"
        "  send: not called: the sender was refused "
        "(verify the sender's domain with this provider, or give its link a from_email)\n"
        "It was not sent. Try again from 2026-11-24 12:00:29 UTC on."
    )


def test_who_is_being_probed_is_there_too(world: World) -> None:
    """
    Another mail is at it, and may be until the end of its lease.
    """
    chain = world.chain(Scripted("a", world.after(1, DOWN)), Scripted("b"))
    chain.send(MAIL)
    chain.health.isolate("b")
    world.clock.advance(40)
    chain.health.ask("a", "example.com", 100.0)

    error = caught(chain, timeout=0.5)

    assert str(error).splitlines()[1] == (
        "  a: not called: HTTP 503: sorry (another mail is finding out whether it is back; wait)"
    )
    assert error.retry_at == NOW + timedelta(seconds=141)


RETRY_AT: dict[str, tuple[list[SendError], timedelta | None]] = {
    "quota": ([QuotaExceeded("full", until=NOW + timedelta(hours=3))], timedelta(hours=3)),
    "the soonest": (
        [QuotaExceeded("full", until=NOW + timedelta(hours=3)), AuthenticationFailed("401")],
        timedelta(minutes=15),
    ),
    "one that says no to this mail": (
        [UnsupportedFeature("no"), RateLimited("429", retry_after=100.0)],
        timedelta(seconds=100),
    ),
    "one that may be up any moment": ([AuthenticationFailed("401"), DOWN], None),
    "nobody knows": ([UnsupportedFeature("no")], None),
}


@pytest.mark.parametrize("name", RETRY_AT)
def test_when_trying_again_makes_sense(world: World, name: str) -> None:
    """
    As soon as one who may take it is in use; None where one is now, or nobody knows.
    """
    answers, after = RETRY_AT[name]
    chain = world.chain(
        *(Scripted(f"p{number}", answer) for number, answer in enumerate(answers)), Scripted("x")
    )
    chain.health.isolate("x")

    error = caught(chain, timeout=0.5)

    assert error.retry_at == (None if after is None else NOW + after)


def test_a_time_that_is_over_is_now(world: World) -> None:
    """
    Nobody is told to try again in the past.
    """
    chain = world.chain(Scripted("a", DOWN), Scripted("b", DOWN))
    for key in ("a", "b"):
        ticket = chain.health.force(key, "example.com", 15.0)
        world.clock.advance(1)
        chain.health.failed(ticket, DOWN, count=True)  # type: ignore[arg-type]  # nobody else asks
        world.clock.advance(60)
        chain.health.ask(key, "example.com", 900.0)

    error = caught(chain, timeout=0.2)

    assert error.retry_at >= NOW + timedelta(seconds=122)


def test_the_trail_of_an_unknown_outcome(world: World) -> None:
    """
    Each one's last word, also where it was good.
    """
    earlier = (
        Attempt("old", NOW, 1.0, "response", "accepted"),
        Attempt("mg", NOW, 1.0, "written", "OutcomeUnknown", OutcomeUnknown("no answer"), 502),
    )
    chain = world.chain(Scripted("sg", RecipientRejected("no such user")))

    with pytest.raises(OutcomeUnknown) as error:
        chain.send(MAIL, earlier)

    assert str(error.value) == (
        "mail m1 may have been sent by mg:\n"
        "  old: accepted it\n"
        "  mg: OutcomeUnknown: no answer "
        "(look the mail up at the provider before sending it again)\n"
        "  sg: RecipientRejected: no such user (correct the recipient's address)\n"
        "Look the mail up at the provider before sending it again."
    )
    assert (error.value.provider, error.value.stage, error.value.status_code) == (
        "mg",
        "written",
        502,
    )


def test_an_error_without_advice_has_none(world: World) -> None:
    """
    A plugin's own class need not have any.
    """

    class Odd(UnsupportedFeature):
        advice = ""

    error = caught(world.chain(Scripted("a", Odd("odd"))))

    assert str(error) == "no provider took mail m1:\n  a: Odd: odd\nIt was not sent."
