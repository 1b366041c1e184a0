from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mailfailover import Link
from mailfailover.errors import OutcomeUnknown, ProviderUnavailable, UnsupportedFeature
from tests._chain.test_merge_send import ACCEPTED, UNKNOWN, Batching, email, merge, status
from tests.chains import MAIL, Scripted, World, caught, send

if TYPE_CHECKING:
    from mailfailover.plugin import HTTPRequest, Response

NO_ANSWER = OutcomeUnknown("no answer", stage="written")


@pytest.fixture
def world() -> World:
    """
    A clock and chance.
    """
    return World()


def limited(provider: Any, **limits: str) -> Link:
    """
    The link of *provider* with these limits.
    """
    return Link(provider, **limits)  # type: ignore[arg-type]  # each is a text


def test_a_merge_takes_no_more_of_a_quota_than_is_left(world: World) -> None:
    """
    Its call is cut to that, and the others go through the next provider.
    """
    first, second = Batching("a"), Batching("b")

    receipt = send(world.chain(limited(first, quota="5/d"), second), merge(7))

    assert (first.calls, second.calls) == (["ann bob cat dan eve"], ["fay guy"])
    assert set(receipt.recipients.values()) == {ACCEPTED}


def test_a_merge_in_mails_of_their_own_keeps_to_a_quota_too(world: World) -> None:
    """
    Each recipient's mail counts for one.
    """
    first, second = Scripted("a"), Scripted("b")

    send(world.chain(limited(first, quota="5/d"), second), merge(7))

    assert (len(first.mails), len(second.mails)) == (5, 2)


def test_those_beyond_a_quota_are_told_where_no_other_provider_is(world: World) -> None:
    """
    Sending to them again tomorrow is safe.
    """
    receipt = send(world.chain(limited(Batching("a"), quota="5/d")), merge(7))

    assert receipt.unsent == (email("fay"), email("guy"))


def test_a_merge_waits_for_its_rate(world: World) -> None:
    """
    No faster than that, in as few calls as that allows.
    """
    provider = Batching("a")
    began = world.clock()

    send(world.chain(limited(provider, rate="3/s")), merge(7))

    assert provider.calls == ["ann bob cat", "dan eve fay", "guy"]
    assert world.clock() - began == pytest.approx(4 / 3, abs=0.1)


def test_a_part_in_doubt_is_sent_again_whole(world: World) -> None:
    """
    A vendor recognises only the same mail to the same recipients, so it is not cut.
    """
    provider = Batching("a", NO_ANSWER, None, size=4, idempotency_ttl=60.0)

    send(world.chain(limited(provider, quota="12/d")), merge(7))

    assert provider.calls == ["ann bob cat dan", "ann bob cat dan", "eve fay guy"]


@pytest.mark.parametrize("limits", [{"quota": "3/d"}, {"rate": "3/d"}], ids=str)
def test_a_mail_to_several_counts_for_each(world: World, limits: dict[str, str]) -> None:
    """
    To, cc and bcc: two mails of two recipients do not fit into three.
    """
    mail = MAIL.replace(cc="bob@example.org")
    chain = world.chain(limited(Scripted("a"), **limits), Scripted("b"))

    assert [send(chain, mail).provider for _ in range(2)] == ["a", "b"]


def test_a_mail_larger_than_every_quota_is_refused_at_once(world: World) -> None:
    """
    No wait could help it.
    """
    mail = MAIL.replace(bcc=["bob@example.org", "cat@example.org"])

    error = caught(world.chain(limited(Scripted("a"), quota="2/d")), mail)

    assert type(error) is UnsupportedFeature
    assert error.features == ("quota=2",)


def test_what_a_failed_call_took_of_a_quota_is_gone(world: World) -> None:
    """
    A quota is never exceeded, whatever the vendor counted.
    """
    provider = Scripted("a", ProviderUnavailable("503"), "id")
    chain = world.chain(limited(provider, quota="1/d"))

    caught(chain, timeout=5)

    assert len(provider.mails) == 1


def test_each_recipient_is_copied_by_timeouts_to_two_providers_at_most(world: World) -> None:
    """
    Those whose mail two slow providers may have get no third; the others go on.
    """

    class Slow(Batching):
        def send(self, request: HTTPRequest, timeout: float) -> Response:
            world.clock.advance(timeout)
            raise OutcomeUnknown("no answer", stage="written")

    last = Batching("c")
    chain = world.chain(Slow("a", size=2), Slow("b", size=2), last)

    receipt = send(chain, merge(3), timeout=300)

    assert last.calls == ["cat"]
    assert receipt.recipients == status(ann=UNKNOWN, bob=UNKNOWN, cat=ACCEPTED)
    assert receipt.possible_duplicate
