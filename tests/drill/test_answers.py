from __future__ import annotations

import pytest

from mailfailover import Message
from mailfailover._setup.dsn import build_chain_spec
from mailfailover._values.receipt import Accepted
from mailfailover.drill.actors import Actor
from mailfailover.drill.answers import Answers, edge_answer
from mailfailover.drill.incident_reader import ANSWERS
from mailfailover.drill.stage import LATENCY
from mailfailover.errors import Penalty, RequestRefused, SendError
from tests.providers.registrations import vendors
from tests.samples import each

MAIL = Message(to="ann@gmail.com", from_email="shop@example.com", subject="s", text="t", id="m1")
VENDORS = sorted(vendors())


class NoDoor:
    def send(self, request: object, timeout: float) -> object:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError


def actor(name: str) -> Actor:
    """
    The provider of a vendor's own tests, in a play.
    """
    link = build_chain_spec([vendors()[name].provider]).links()[0]
    return Actor(link, NoDoor())


@each("name", VENDORS)
def test_each_vendor_says_yes_in_its_own_dialect(name: str) -> None:
    """
    Its provider reads it as accepted, and the answer is the same the next time.
    """
    one, answers = actor(name), Answers(name)
    request = one.build_request(MAIL).request

    answer = answers.yes(request, ("ann@gmail.com",))

    assert isinstance(one.parse_response(answer, MAIL), Accepted)
    assert answer == answers.yes(request, ("ann@gmail.com",))


@each("word", [word for word in ANSWERS if word != "bad_recipient"])
@each("name", VENDORS)
def test_each_vendor_says_no_so_that_the_mail_goes_elsewhere(name: str, word: str) -> None:
    """
    An answer that is about the vendor harms no mail.
    """
    one, answers = actor(name), Answers(name)
    answer = answers.no(one.build_request(MAIL).request, word)

    try:
        assert not answer.ok or one.parse_response(answer, MAIL) is None
        error = one.classify_error(answer, MAIL)
    except SendError as exc:
        error = exc

    assert not isinstance(error, RequestRefused)
    assert error.penalty is not Penalty.NONE


@each("status", [500, 502, 521])
@each("name", VENDORS)
def test_an_edge_in_front_of_a_vendor_is_a_failure(name: str, status: int) -> None:
    """
    And never a wrong key.
    """
    one = actor(name)
    answer = edge_answer(one.build_request(MAIL).request, status, "cloudflare")

    assert Penalty.FAILURE is one.classify_error(answer, MAIL).penalty


def test_a_reply_of_smtp_may_be_the_incidents_own() -> None:
    """
    A 421 comes at the greeting.
    """
    one = actor("smtp")
    answer = Answers("smtp").no(one.build_request(MAIL).request, "unavailable", "421 Go away")

    assert (421, "Go away", "connect") == (
        answer.reply.code,  # type: ignore[union-attr]  # it is SMTP
        answer.reply.text,  # type: ignore[union-attr]
        answer.reply.command,  # type: ignore[union-attr]
    )


def test_an_answer_that_no_dialect_has_is_an_error() -> None:
    """
    The reader of incidents knows the names.
    """
    with pytest.raises(KeyError):
        Answers("mailgun").no(actor("mailgun").build_request(MAIL).request, "nothing")


def test_an_actor_is_not_asked_for_a_ping() -> None:
    """
    No play pings.
    """
    with pytest.raises(NotImplementedError):
        actor("mailgun").build_ping()

    assert LATENCY > 0
