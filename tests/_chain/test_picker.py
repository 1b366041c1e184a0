from __future__ import annotations

from string import ascii_lowercase
from typing import Any

import pytest

from mailfailover._chain.picker import Picker
from mailfailover._chain.policy import Policy
from mailfailover._chain.retry import Again
from mailfailover._health.limits import Portion
from mailfailover.errors import AuthenticationFailed, ConfigurationError, UnsupportedFeature
from tests.chains import MAIL, Scripted, World
from tests.samples import each


def picker(
    world: World, *names: str, timeout: float = 30.0, attempt_timeout: float = 10.0
) -> Picker:
    """
    What chooses among providers of these names for one mail.
    """
    chain = world.chain(*(Scripted(name, idempotency_ttl=60.0) for name in names))
    policy = Policy(timeout, attempt_timeout)
    return Picker(chain.parts, MAIL, policy, world.clock() + timeout, lambda _candidate: Portion())


def take(pick: Picker) -> str:
    """
    Whom it chooses.
    """
    chosen = pick.next()
    assert not isinstance(chosen, Again)
    return chosen.candidate.link.key


BUDGETS: list[tuple[float, int, list[float]]] = [
    # timeout, providers, the seconds for each attempt if the one before used all of its own
    (30, 1, [10]),
    (30, 3, [10, 10, 10]),
    (30, 20, [10, 10, 7, 1.5]),
    (15, 3, [10, 2.5, 2.5]),
    (7, 3, [4, 1.5, 1.5]),
    (9, 2, [6, 3]),
    (1, 2, [0.5, 0.5]),
]


@each(("timeout", "count", "seconds"), BUDGETS)
def test_an_attempt_leaves_time_for_the_next_provider_only(
    timeout: float, count: int, seconds: list[float]
) -> None:
    """
    Three seconds, or half of what is left: the more providers, the less would be left for each.
    """
    world = World()
    pick = picker(world, *ascii_lowercase[:count], timeout=timeout)
    found = []
    for _ in seconds:
        take(pick)
        found.append(pick.budget(pick.deadline - world.clock()))
        world.clock.advance(found[-1])

    assert found == pytest.approx(seconds)


def test_no_time_is_kept_for_those_who_are_passed_by() -> None:
    """
    An isolated provider is not going to be tried, nor one that said no for good.
    """
    pick = picker(World(), *"abc", timeout=9)
    pick.parts.health.isolate("b")
    pick.finish("c", UnsupportedFeature())

    assert take(pick) == "a"
    assert pick.budget(9.0) == 9.0


def test_nobody_is_chosen_twice_in_a_round() -> None:
    """
    Each once, then a wait of at most half a second.
    """
    pick = picker(World(), "a", "b")

    assert [take(pick), take(pick)] == ["a", "b"]
    again = pick.next()
    assert isinstance(again, Again)
    assert 0 <= again.wait <= 0.5
    assert take(pick) == "a"


def test_who_said_no_for_good_is_never_chosen_again() -> None:
    """
    Later rounds pass it by.
    """
    pick = picker(World(), "a", "b")
    take(pick)
    pick.finish("a", AuthenticationFailed())
    take(pick)

    assert isinstance(pick.next(), Again)
    assert [take(pick), isinstance(pick.next(), Again), take(pick)] == ["b", True, "b"]


def test_when_all_said_no_there_is_nothing_to_wait_for() -> None:
    """
    No wait can help.
    """
    pick = picker(World(), "a", "b")
    for key in ("a", "b"):
        take(pick)
        pick.finish(key, UnsupportedFeature())

    assert pick.next() == Again(float("inf"))


def test_a_vendor_that_knows_the_mail_is_asked_again_at_once() -> None:
    """
    The one whose answer is missing, before anybody else, and once only.
    """
    pick = picker(World(), "a", "b")
    take(pick)

    assert pick.resend("a", 0.0)
    assert take(pick) == "a"
    assert not pick.resend("a", 0.0)
    assert take(pick) == "b"


@each(("key", "age", "granted"), [("a", 59, True), ("a", 60, False), ("x", 0, False)])
def test_a_vendor_knows_a_mail_for_so_long(key: str, age: float, granted: bool) -> None:
    """
    Within the lifetime of its keys, and if it can carry the mail.
    """
    assert picker(World(), "a").resend(key, age) is granted


def test_who_cannot_be_asked_again_is_not_waited_for() -> None:
    """
    An isolated provider gets no second call; the next one has its turn.
    """
    pick = picker(World(), "a", "b")
    take(pick)
    pick.resend("a", 0.0)
    pick.parts.health.isolate("a")

    assert take(pick) == "b"


SETTINGS: dict[str, tuple[dict[str, Any], str]] = {
    "negative": ({"timeout": -1}, "timeout must be a number of seconds above 0, not -1"),
    "zero": ({"attempt_timeout": 0}, "attempt_timeout must be a number of seconds above 0, not 0"),
    "endless": ({"timeout": float("inf")}, "timeout must be a number of seconds above 0, not inf"),
    "no number": (
        {"timeout": float("nan")},
        "timeout must be a number of seconds above 0, not nan",
    ),
    "text": ({"timeout": "5"}, "timeout must be a number of seconds above 0, not '5'"),
    "bool": ({"timeout": True}, "timeout must be a number of seconds above 0, not True"),
    "none": ({"timeout": None}, "timeout must be a number of seconds above 0, not None"),
    "unknown": ({"on_unknown": "drop"}, "on_unknown must be 'resend' or 'raise', not 'drop'"),
    "suppressed": (
        {"on_suppressed": ["x"]},
        "on_suppressed must be 'raise' or 'switch', not ['x']",
    ),
}


@each("name", SETTINGS)
def test_a_policy_that_cannot_be_is_refused(name: str) -> None:
    """
    The error names the setting and what it may be.
    """
    settings, text = SETTINGS[name]

    with pytest.raises(ConfigurationError) as caught:
        Policy().but(**settings)

    assert str(caught.value) == text


def test_a_policy_keeps_what_is_not_changed() -> None:
    """
    One send may differ from its mailer in one thing.
    """
    assert Policy(5, 2, "raise", "switch").but(timeout=1) == Policy(1, 2, "raise", "switch")
