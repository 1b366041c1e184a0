"""
A merge whose recipients are reached differently: each group goes by its own order of links.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mailfailover import Message, RecipientStatus
from mailfailover._chain.policy import Policy, Upcoming
from mailfailover.errors import (
    AllProvidersFailed,
    AuthenticationFailed,
    MessageRejected,
    OutcomeUnknown,
    ProviderUnavailable,
    RecipientRejected,
)
from tests.chains import Scripted, World, caught, outcomes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mailfailover import Address, ProviderChain
    from mailfailover._chain.candidate import Candidate

PEOPLE = ("ann@gmail.com", "bob@yahoo.com", "cat@gmail.com")
MAIL = Message(
    PEOPLE,
    from_email="shop@example.com",
    subject="For {{name}}",
    text="Hello",
    merge_data={one: {"name": one[0]} for one in PEOPLE},
    id="m1",
)


class ByReceiver:
    """
    Advice by which gmail is reached through the last link rather than the first.
    """

    def order(self, message: Message, candidates: Iterable[Candidate]) -> Iterable[Candidate]:
        is_gmail = any(one.domain == "gmail.com" for one in message.to)
        return reversed(list(candidates)) if is_gmail else candidates

    def split(self, message: Message) -> Sequence[tuple[Address, ...]]:
        gmail = tuple(one for one in message.to if one.domain == "gmail.com")
        return [one for one in (tuple(set(message.to) - set(gmail)), gmail) if one]


def chain_of(world: World, *providers: Scripted) -> ProviderChain:
    """
    A chain that is advised.
    """
    return world.chain(*providers, advice=ByReceiver())


def who(provider: Scripted) -> list[str]:
    """
    Who got a mail from it.
    """
    return [one.to[0].email for one in provider.mails]


@pytest.fixture
def world() -> World:
    """
    Time that moves when it is told to.
    """
    return World()


def test_each_group_goes_by_its_own_order(world: World) -> None:
    """
    And the receipt is that of the whole mail.
    """
    a, b = Scripted("a"), Scripted("b")

    receipt = chain_of(world, a, b).send(MAIL)

    assert (["bob@yahoo.com"], ["ann@gmail.com", "cat@gmail.com"]) == (who(a), who(b))
    assert dict.fromkeys(PEOPLE, RecipientStatus.ACCEPTED) == dict(receipt.recipients)
    assert [("a", "accepted"), ("b", "accepted"), ("b", "accepted")] == outcomes(receipt.attempts)
    assert ((), False) == (receipt.unsent, receipt.possible_duplicate)


def test_a_merge_of_one_group_goes_as_ever(world: World) -> None:
    """
    Where all are reached alike, there is nothing to split.
    """
    a, b = Scripted("a"), Scripted("b")
    mail = MAIL.replace(to="bob@yahoo.com", merge_data={"bob@yahoo.com": {"name": "b"}})

    chain_of(world, a, b).send(mail)

    assert (["bob@yahoo.com"], []) == (who(a), who(b))


def test_a_group_fails_over_by_itself(world: World) -> None:
    """
    To the link that was not its first choice.
    """
    a, b = Scripted("a"), Scripted("b", AuthenticationFailed("key"))

    receipt = chain_of(world, a, b).send(MAIL)

    assert ["bob@yahoo.com", "ann@gmail.com", "cat@gmail.com"] == who(a)
    assert () == receipt.unsent


def test_a_group_that_nobody_takes_harms_no_other(world: World) -> None:
    """
    Its recipients are named as not sent.
    """

    def no_gmail(message: Message) -> str:
        if message.to[0].domain == "gmail.com":
            raise AuthenticationFailed("not for gmail")
        return "id"

    receipt = chain_of(world, Scripted("a", no_gmail), Scripted("b", no_gmail)).send(MAIL)

    assert ("ann@gmail.com", "cat@gmail.com") == receipt.unsent
    assert RecipientStatus.ACCEPTED is receipt.recipients["bob@yahoo.com"]


def test_where_nobody_takes_any_it_fails_with_the_whole_trail(world: World) -> None:
    """
    The calls of all groups are in it.
    """
    parts = Scripted("a", AuthenticationFailed("key")), Scripted("b", AuthenticationFailed("key"))

    error = caught(chain_of(world, *parts), MAIL)

    assert isinstance(error, AllProvidersFailed)
    assert {"a", "b"} == {one.provider for one in error.attempts}


def test_a_doubt_is_not_hidden_by_a_later_group(world: World) -> None:
    """
    What may have been sent is what the send ends in.
    """
    answers = OutcomeUnknown("?", stage="written"), OutcomeUnknown("?", stage="written")
    refusing = MessageRejected("no")
    chain = chain_of(world, Scripted("a", *answers, refusing), Scripted("b", refusing))

    error = caught(chain, MAIL)

    assert isinstance(error, OutcomeUnknown)
    assert "a" == error.attempts[0].provider


def test_a_refusal_of_one_group_is_told_beside_the_others(world: World) -> None:
    """
    The recipients of the others have their mails.
    """
    chain = chain_of(world, Scripted("a", RecipientRejected("no such user")), Scripted("b"))

    receipt = chain.send(MAIL)

    assert {"bob@yahoo.com": RecipientStatus.INVALID} == dict(receipt.rejected)


def test_a_group_waits_for_its_next_turn(world: World) -> None:
    """
    As any send does, within the deadline of the whole.
    """
    b = Scripted("b", ProviderUnavailable("HTTP 503"), "b-id")
    a = Scripted("a", "a-id", ProviderUnavailable("HTTP 503"), "a-id")

    receipt = chain_of(world, a, b).send(MAIL)

    assert () == receipt.unsent
    assert {"a", "b"} == {one.provider for one in receipt.attempts}


def test_raise_leaves_the_later_groups_alone(world: World) -> None:
    """
    With ``on_unknown="raise"`` nothing is sent after a doubt.
    """
    b = Scripted("b")
    chain = chain_of(world, Scripted("a", OutcomeUnknown("?", stage="written")), b)

    with pytest.raises(OutcomeUnknown):
        chain.send(MAIL, policy=Policy(on_unknown="raise"))

    assert [] == b.mails


def test_before_each_call_all_that_is_known_is_told(world: World) -> None:
    """
    Also of the groups before: who writes it down loses nobody if the process dies.
    """
    seen: list[tuple[int, dict[str, RecipientStatus]]] = []

    def note(upcoming: Upcoming) -> None:
        seen.append((len(upcoming.attempts), dict(upcoming.recipients)))

    chain_of(world, Scripted("a"), Scripted("b")).send(MAIL, policy=Policy(before_call=note))

    accepted = RecipientStatus.ACCEPTED
    assert [
        (0, {}),
        (1, {"bob@yahoo.com": accepted}),
        (2, {"bob@yahoo.com": accepted, "ann@gmail.com": accepted}),
    ] == seen
