"""
Who runs a recipient's mailbox.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailfailover.receivers import Receivers, receiver_of
from mailfailover.testing import FakeClock
from tests.samples import each

if TYPE_CHECKING:
    from collections.abc import Callable


@each(
    ("domain", "receiver"),
    [
        ("gmail.com", "gmail"),
        ("GoogleMail.com", "gmail"),
        ("hotmail.co.uk", "microsoft"),
        ("aol.com", "yahoo"),
        ("me.com", "apple"),
        ("acme.example", "acme.example"),
    ],
)
def test_a_domain_has_a_receiver(domain: str, receiver: str) -> None:
    """
    A name where many share one, else the domain itself.
    """
    assert receiver == receiver_of(domain)


class Later:
    """
    Runs look-ups when it is told to.
    """

    def __init__(self) -> None:
        self.waiting: list[Callable[[], None]] = []

    def __call__(self, look_up: Callable[[], None]) -> None:
        self.waiting.append(look_up)

    def run(self) -> None:
        while self.waiting:
            self.waiting.pop()()


def test_mail_exchangers_are_looked_up_in_the_background() -> None:
    """
    Until the answer is there, a domain is its own receiver; then the answer holds for a day.
    """
    later, clock, asked = Later(), FakeClock(), list[str]()

    def resolve(domain: str) -> list[str]:
        asked.append(domain)
        return ["aspmx.l.google.com."]

    receivers = Receivers(resolve=resolve, submit=later, clock=clock)
    before = [receivers("acme.example"), receivers("Acme.example"), receivers("gmail.com")]
    later.run()
    after = receivers("acme.example")
    clock.advance(86401)
    again = receivers("acme.example")
    later.run()

    assert ["acme.example", "acme.example", "gmail"] == before
    assert ("gmail", "gmail") == (after, again)
    assert ["acme.example"] * 2 == asked


def test_a_domain_that_cannot_be_resolved_is_its_own_receiver() -> None:
    """
    It is asked again an hour later.
    """
    later, clock, asked = Later(), FakeClock(), list[str]()

    def resolve(domain: str) -> list[str]:
        asked.append(domain)
        raise OSError

    receivers = Receivers(resolve=resolve, submit=later, clock=clock)
    for _ in range(3):
        assert "acme.example" == receivers("acme.example")
        later.run()
        clock.advance(1801)

    assert ["acme.example"] * 2 == asked


def test_an_unknown_exchanger_leaves_the_domain() -> None:
    """
    A company that runs its own server is its own receiver.
    """
    later = Later()
    receivers = Receivers(resolve=lambda _: ["mx.acme.example"], submit=later)

    receivers("acme.example")
    later.run()

    assert "acme.example" == receivers("acme.example")


def test_the_dns_is_asked_where_nothing_else_is_given() -> None:
    """
    By dnspython, whose name look-up is left to itself here.
    """
    assert "gmail" == Receivers()("gmail.com")
