from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mailfailover import Capabilities, Feature, Link, Message
from mailfailover._chain.candidates import candidates
from mailfailover.errors import UnsupportedFeature
from mailfailover.plugin import EVERYTHING
from tests.chains import MAIL, Scripted, World
from tests.samples import each

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailfailover import ProviderChain
    from mailfailover._chain.candidate import Candidate


def keys(chain: ProviderChain, message: Message = MAIL) -> list[str]:
    """
    Which links can carry *message*.
    """
    return [one.link.key for one in candidates(chain.parts, message)]


def able(name: str, **limits: Any) -> Scripted:
    """
    A provider that can do everything within these limits.
    """
    return Scripted(name, capabilities=Capabilities(EVERYTHING.features, **limits))


def test_what_a_link_carries_is_remembered_for_mails_of_the_same_shape() -> None:
    """
    The second plain mail is not compared with it again, and gets the same candidates.
    """
    chain = World().chain(able("a"), able("b", max_recipients=1))

    assert keys(chain) == ["a", "b"]
    assert [set(one) for one in chain.parts.carriers.values()] == [{"a", "b"}]
    assert keys(chain, MAIL.replace(text="Another")) == ["a", "b"]
    assert keys(chain, MAIL.replace(to=["ann@example.org", "bob@example.org"])) == ["a"]


@each(
    "changes",
    [
        {"tags": "a"},
        {"metadata": {"a": "b"}},
        {"cc": "bob@example.org"},
        {"bcc": "bob@example.org"},
        {"reply_to": "bob@example.org"},
        {"template_id": "t"},
        {"text": "x" * 50_001},
        {"merge_data": {"ann@example.org": {"n": "1"}}},
    ],
)
def test_other_mails_are_compared_each_time(changes: dict[str, Any]) -> None:
    """
    What they have of something decides, so nothing is remembered of them.
    """
    chain = World().chain(able("a"))

    assert keys(chain, MAIL.replace(**changes)) == ["a"]
    assert chain.parts.carriers == {}


@pytest.mark.parametrize(
    "link",
    [Link(able("a"), from_email="own@example.com"), Link(able("a", max_bytes=200_000))],
    ids=["own sender", "small"],
)
def test_a_link_that_depends_on_each_mail_is_not_remembered(link: Link) -> None:
    """
    Its own sender may move the mail's to Reply-To, or a plain mail may be too large for it.
    """
    chain = World().chain(link)

    assert keys(chain) == ["a"]
    assert [set(one) for one in chain.parts.carriers.values()] == [set()]


def test_a_small_limit_holds_after_small_mails() -> None:
    """
    The second mail has the same shape, and is too large.
    """
    chain = World().chain(able("a", max_bytes=2000))
    keys(chain)

    with pytest.raises(UnsupportedFeature, match="max_bytes=2000"):
        keys(chain, MAIL.replace(text="x" * 3000))


def test_a_link_without_a_feature_is_not_remembered_as_able() -> None:
    """
    Only those that carry the mail whole are.
    """
    chain = World().chain(
        Scripted("a", capabilities=Capabilities(EVERYTHING.features & ~Feature.HTML)), able("b")
    )

    for _ in range(2):
        assert keys(chain, MAIL.replace(html="<p>Hi</p>")) == ["b"]


class Reversed:
    """
    Advice that turns the order around.
    """

    def order(self, message: Message, candidates: Iterable[Candidate]) -> Iterable[Candidate]:
        return reversed(list(candidates))


def test_advice_may_change_the_order() -> None:
    """
    By what is known beyond health, for each mail.
    """
    chain = World().chain(able("a"), able("b"), advice=Reversed())

    assert keys(chain) == ["b", "a"]
    assert chain.send(MAIL).provider == "b"
