from __future__ import annotations

from mailfailover import MemoryHealth
from mailfailover._health.breaker import Ticket
from mailfailover.errors import SenderRefused
from mailfailover.testing import FakeClock


def refuse(health: MemoryHealth, domain: str) -> None:
    """
    Let the provider refuse a sender of *domain*.
    """
    ticket = health.ask("a", domain, 15.0)
    assert isinstance(ticket, Ticket)
    health.failed(ticket, SenderRefused("403"), count=True)


def test_other_senders_pay_nothing_for_refused_ones() -> None:
    """
    With any number of refused domains, another domain is answered without a look at them.
    """
    health = MemoryHealth()
    for number in range(1000):
        refuse(health, f"{number}.example")

    with health._lock:  # whoever needed to look at them would wait here for ever
        answer = health.ask("a", "other.example", 15.0)

    assert isinstance(answer, Ticket)
    assert len(health.snapshot()["a"].senders or {}) == 1000


def test_refused_senders_are_forgotten_when_their_time_is_over() -> None:
    """
    A new one makes room for old ones, so memory does not grow with the years.
    """
    clock = FakeClock(0.0)
    health = MemoryHealth(clock=clock)
    for number in range(100):
        refuse(health, f"{number}.example")
    clock.advance(901)
    for number in range(100, 150):
        refuse(health, f"{number}.example")

    assert len(health._breakers["a"].senders) == 50
