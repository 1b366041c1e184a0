"""
Chains of providers that do as they are told, on a clock that a test moves.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any

from mailfailover import Accepted, Capabilities, Link, Message, Outcome, ProviderChain, Receipt
from mailfailover._chain.policy import Policy
from mailfailover._setup.ordering import Failover
from mailfailover.plugin import EVERYTHING
from mailfailover.testing import FakeClock

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
"""What the wall clock of a world says at its beginning."""

MAIL = Message(
    to="ann@example.org", from_email="shop@example.com", subject="Hi", text="Hello", id="m1"
)

Answer = Accepted | str | BaseException | Callable[[Message], Any] | None


class Scripted:
    """
    A provider that gives one answer after the other, the last one for ever.

    Attributes:
        mails: What it was asked to send.
    """

    def __init__(self, name: str, *answers: Answer, **attributes: Any) -> None:
        self.name = name
        self.capabilities = Capabilities(EVERYTHING.features)
        self.mails: list[Message] = []
        self._answers = deque[Answer](answers or (f"{name}-id",))
        vars(self).update(attributes)

    def then(self, *answers: Answer) -> None:
        """
        Answer so from now on.
        """
        self._answers = deque(answers)

    def send(self, message: Message) -> Accepted | str | None:
        self.mails.append(message)
        answer = self._answers[0] if len(self._answers) == 1 else self._answers.popleft()
        if isinstance(answer, BaseException):
            raise answer
        found: Accepted | str | None = answer(message) if callable(answer) else answer
        return found


@dataclass
class World:
    """
    Time, chance and providers of one test.
    """

    clock: FakeClock = field(default_factory=FakeClock)
    events: list[object] = field(default_factory=list)
    """What the observers of its chains were told."""

    def wall(self) -> float:
        """
        Seconds since 1970.
        """
        return NOW.timestamp() + self.clock() - 1000

    def after(self, seconds: float, answer: Answer) -> Callable[[Message], Any]:
        """
        An answer that takes so many seconds.
        """

        def late(message: Message) -> Any:
            self.clock.advance(seconds)
            if isinstance(answer, BaseException):
                raise answer
            return answer(message) if callable(answer) else answer

        return late

    def chain(self, *parts: Any, **options: Any) -> ProviderChain:
        """
        A failover over providers and links, in this order.
        """
        links = (part if isinstance(part, Link) else Link(part) for part in parts)
        defaults: dict[str, Any] = {
            "clock": self.clock,
            "wall": self.wall,
            "sleep": self.clock.sleep,
            "rng": Random(7),
            "observers": [self.events.append],
        }
        return ProviderChain(Failover(*links), **(defaults | options))


def outcomes(attempts: Iterable[Any]) -> list[tuple[str, str]]:
    """
    Who was called, and how it ended.
    """
    return [(attempt.provider, attempt.outcome) for attempt in attempts]


def send(chain: ProviderChain, message: Message = MAIL, **settings: Any) -> Receipt:
    """
    Send through *chain* with a policy of these settings.
    """
    return chain.send(message, policy=Policy(**settings))


def caught(chain: ProviderChain, message: Message = MAIL, **settings: Any) -> Any:
    """
    The error that the send ends in.
    """
    try:
        receipt = send(chain, message, **settings)
    except Exception as exc:  # noqa: BLE001 -- it is the result
        return exc
    raise AssertionError(f"it was sent: {receipt}")


def ok(outcome: Outcome) -> Receipt:
    """
    The receipt of an outcome that must have one.
    """
    assert outcome.receipt is not None, outcome.error
    return outcome.receipt
