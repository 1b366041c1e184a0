from __future__ import annotations

import threading
from collections import Counter
from random import Random
from typing import TYPE_CHECKING

import pytest

from mailfailover import Link, Message, failover, random, roundrobin, route, weighted
from mailfailover._setup.dsn import build_chain_spec
from mailfailover._setup.ordering import Failover, Shares
from mailfailover.errors import ConfigurationError
from mailfailover.providers.null import Null
from tests.samples import each

if TYPE_CHECKING:
    from mailfailover._setup.ordering import Strategy

A, B, C, D = (Link(Null(), key) for key in "abcd")
MAIL = Message("to@example.com", subject="Hello", text="Hi")
BULK = MAIL.replace(stream="bulk")
TAGGED = MAIL.replace(tags=["receipt", "eu"])
FOREIGN = MAIL.replace(to="to@bücher.example", cc="cc@xn--bcher-kva.example")
MIXED = FOREIGN.replace(bcc="bcc@example.com")


def keys(strategy: Strategy, message: Message = MAIL, seed: int = 1) -> str:
    """
    The keys of the links in the order for one mail.
    """
    return "".join(link.key for link in strategy.order(message, Random(seed)))


def firsts(strategy: Strategy, mails: int = 4000) -> Counter[str]:
    """
    How often each link came first.
    """
    rng = Random(7)
    return Counter(strategy.order(MAIL, rng)[0].key for _ in range(mails))


def test_failover_keeps_the_order() -> None:
    """
    Every mail gets the order given.
    """
    strategy = failover(A, B, C)

    assert ["abc", "abc"] == [keys(strategy, seed=1), keys(strategy, seed=2)]


def test_order_belongs_to_its_caller() -> None:
    """
    Who changes the list he got changes nobody else's.
    """
    strategy = failover(A, B)

    strategy.order(MAIL, Random(1)).clear()

    assert "ab" == keys(strategy)


def test_random_is_fresh_and_even() -> None:
    """
    Each of the six orders of three comes about as often as any other.
    """
    strategy, rng = random(A, B, C), Random(3)

    orders = Counter(tuple(strategy.order(MAIL, rng)) for _ in range(6000))

    assert 6 == len(orders)
    assert all(800 < count < 1200 for count in orders.values())


def test_random_uses_the_generator_given() -> None:
    """
    The same seed gives the same order.
    """
    strategy = random(A, B, C, D)

    assert keys(strategy, seed=11) == keys(strategy, seed=11)
    assert 1 < len({keys(strategy, seed=seed) for seed in range(9)})


def test_roundrobin_goes_on_by_one() -> None:
    """
    Each mail begins one further on, and the others follow in turn.
    """
    strategy = roundrobin(A, B, C)

    assert ["abc", "bca", "cab", "abc"] == [keys(strategy) for _ in range(4)]


def test_roundrobin_counts_across_threads() -> None:
    """
    No turn is lost or given twice, however many threads ask.
    """
    strategy, found = roundrobin(A, B, C, D), Counter[str]()
    lock = threading.Lock()

    def ask() -> None:
        mine = Counter(keys(strategy)[0] for _ in range(200))
        with lock:
            found.update(mine)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert dict.fromkeys("abcd", 400) == found


def test_weighted_is_first_as_often_as_it_weighs() -> None:
    """
    Weights 3 and 1 share the first place 3 to 1.
    """
    found = firsts(weighted(Link(Null(), "a", weight=3), Link(Null(), "b")))

    assert 0.72 < found["a"] / found.total() < 0.78


def test_strategy_weighs_as_its_links() -> None:
    """
    Two links of weight 1 inside count as 2 against the one beside them.
    """
    found = firsts(weighted(failover(A, B), C))

    assert 0.63 < found["a"] / found.total() < 0.70


def test_weighted_has_everybody_once() -> None:
    """
    Also the light ones have their place, behind.
    """
    strategy = weighted(Link(Null(), "x", weight=1e6), A, B)

    assert "abx" == "".join(sorted(keys(strategy)))
    assert "x" == keys(strategy)[0]


def test_strategies_nest() -> None:
    """
    Each level keeps its own order.
    """
    strategy = failover(roundrobin(A, B), C)

    assert ["abc", "bac"] == [keys(strategy), keys(strategy)]
    assert (A, B, C) == strategy.links()


def test_same_link_is_tried_once() -> None:
    """
    One link may stand in two places; a mail meets it once.
    """
    strategy = failover(roundrobin(A, B), B, C)

    assert "abc" == keys(strategy)
    assert (A, B, C) == strategy.links()


@each(
    ("message", "expected"),
    [(BULK, "a"), (TAGGED, "b"), (FOREIGN, "c"), (MIXED, "d"), (MAIL, "d")],
    ids=["stream", "tag", "domain", "not-every-domain", "default"],
)
def test_route_chooses_by_the_mail(message: Message, expected: str) -> None:
    """
    The first rule that fits decides; without one, the default does.
    """
    rules = {"stream:bulk": A, "tag:eu": B, "domain:BÜCHER.example": C}

    assert expected == keys(route(rules, D), message)


def test_first_fitting_rule_decides() -> None:
    """
    Rules are asked in the order given.
    """
    strategy = route({"tag:receipt": A, "stream:transactional": B})

    assert ["a", "b"] == [keys(strategy, TAGGED), keys(strategy, MAIL)]


def test_mail_without_a_route_is_an_error() -> None:
    """
    A mail that no rule fits is not sent just anywhere.
    """
    with pytest.raises(ConfigurationError) as caught:
        keys(route({"stream:bulk": A}))

    assert (
        "no rule of route() fits the mail, and there is no default: "
        "add a last provider without a rule"
    ) == str(caught.value)


@each(
    ("name", "expected"),
    [("vip", "b"), ("c", "c"), ("cheap", "cd"), ("stream:bulk", "a"), (None, "d")],
    ids=["rule", "key", "label", "other-rule", "nothing"],
)
def test_function_chooses_by_name(name: str | None, expected: str) -> None:
    """
    It names a rule, a key or a label, or leaves it to the rules.
    """
    cheap = [Link(Null(), key, labels=["cheap"]) for key in "cd"]
    strategy = route({"stream:bulk": A, "vip": B, "other": cheap[0]}, cheap[1], by=lambda _: name)

    assert expected == keys(strategy)


def test_function_that_names_nothing_known_is_an_error() -> None:
    """
    A name that leads nowhere is a mistake, not a mail for the default.
    """
    strategy = route({"vip": A}, B, by=lambda _: "vpi")

    with pytest.raises(ConfigurationError, match=r"chose 'vpi', which is no rule, key or label"):
        keys(strategy)


@each(
    ("rules", "text"),
    [
        ({}, "route() has no rule: give it one, such as stream:bulk, or use failover()"),
        (
            {"vip": A},
            (
                "a rule of route() is not of the form stream:NAME, tag:NAME or domain:NAME; "
                "other names need a function that chooses them (by=)"
            ),
        ),
        (
            {"domain:no dot": A},
            "a rule domain:NAME of route() has no valid domain: write domain:example.com",
        ),
    ],
    ids=["empty", "name", "domain"],
)
def test_route_refuses_rules_that_cannot_fit(rules: dict[str, Link], text: str) -> None:
    """
    A rule that would never fit is a mistake.
    """
    with pytest.raises(ConfigurationError) as caught:
        route(rules)

    assert text == str(caught.value)


def test_two_links_with_one_key_are_refused() -> None:
    """
    Health, quotas and receipts go by key, so each provider has its own; at any depth.
    """
    with pytest.raises(ConfigurationError) as caught:
        failover(random(A, B), Link(Null(), "a"))

    assert (
        "two providers are called 'a': give each a key of its own, write eu=null://... us=null://..."
    ) == str(caught.value)


def test_empty_strategy_is_refused() -> None:
    """
    A strategy without providers is a mistake.
    """
    with pytest.raises(ConfigurationError, match=r"^roundrobin\(\) is empty: give it"):
        roundrobin()


def test_keywords_are_keys() -> None:
    """
    ``failover(eu=..., us=...)`` names its providers; a link keeps all else.
    """
    strategy = failover(A, eu=Link(Null(), weight=2, labels="fast"), us="null://")

    assert (A, Link(Null(), "eu", weight=2, labels="fast"), Link(Null(), "us")) == strategy.links()


def test_share_goes_first_as_often_as_it_says() -> None:
    """
    A standby with a share of a tenth is first for a tenth of the mails.
    """
    strategy = build_chain_spec([A, Link(Null(), "x", share=0.1), Link(Null(), "y", share=0.2)])

    found = firsts(strategy)

    assert 0.08 < found["x"] / found.total() < 0.12
    assert 0.17 < found["y"] / found.total() < 0.23


def test_share_leaves_the_others_in_order() -> None:
    """
    Only the link with the share moves.
    """
    strategy = build_chain_spec([A, B, Link(Null(), "x", share=1), C])

    assert "xabc" == keys(strategy)


def test_share_of_the_first_changes_nothing() -> None:
    """
    Who is first already has all the mails.
    """
    assert "xa" == keys(build_chain_spec([Link(Null(), "x", share=1), A]))


def test_shares_apply_once_at_the_root() -> None:
    """
    A chain inside a chain brings its links, and its shares are counted anew.
    """
    x = Link(Null(), "x", share=0.5)

    inner = build_chain_spec([A, x])

    assert Shares(Failover(Failover(A, x), B)) == build_chain_spec([inner, B])
    assert inner == build_chain_spec(inner)
    assert (A, x) == inner.links()


def test_shares_beyond_the_whole_are_refused() -> None:
    """
    Shares are parts of one whole.
    """
    with pytest.raises(ConfigurationError, match="add up to more than 1"):
        build_chain_spec([Link(Null(), "x", share=0.6), Link(Null(), "y", share=0.6)])


def test_strategy_reads_as_its_dsn() -> None:
    """
    Its repr has keys in place of URLs, so no secret.
    """
    strategy = failover(route({"tag:a": A}, weighted(B)), route({"tag:b": C}))

    assert "failover(route(tag:a=a weighted(b)) route(tag:b=c))" == repr(strategy)
