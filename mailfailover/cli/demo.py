"""
The demo: three vendors on this machine fail and recover, while one mailer sends through them.

Vendors, sockets, providers and mailer are real; only the network and the companies are
missing, and the mailer's clock can be moved on, so that nobody waits for a breaker. What
became of the mails is counted at the vendors.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

from mailfailover._health.breaker import ACCOUNT_SECONDS, OPEN_SECONDS
from mailfailover._health.memory import JITTER
from mailfailover.errors import MailFailoverError
from mailfailover.testing import faults

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from mailfailover._chain.observe import ProviderDown, ProviderUp
    from mailfailover._values.receipt import Receipt
    from mailfailover.cli.demo_stage import Stage
    from mailfailover.errors import Attempt

BREAKER_PASSES = OPEN_SECONDS * (1 + JITTER) + 1
ACCOUNT_PASSES = ACCOUNT_SECONDS + 1


@dataclass(frozen=True, slots=True)
class Scene:
    """
    A scene: what happens to the vendors, and the mails that are sent then.
    """

    title: str
    story: str
    prepare: Callable[[Stage], object] = lambda _: None
    mails: int = 8


def _key_is_revoked(stage: Stage) -> None:
    stage.vendors["mandrill"].heal()
    stage.vendors["mailgun"].heal()
    stage.vendors["mailgun"].fail("auth")
    stage.clock.move(BREAKER_PASSES)


def _all_is_well_again(stage: Stage) -> None:
    stage.vendors["mailgun"].heal()
    stage.clock.move(ACCOUNT_PASSES)


SCENES = (
    Scene("All is well", "Three healthy vendors, in the order given."),
    Scene(
        "Mailgun answers 503",
        "It says itself that it cannot take mail, so nothing was sent.",
        lambda stage: stage.vendors["mailgun"].fail("unavailable"),
    ),
    Scene(
        "Mandrill hangs as well",
        "It takes the mail and never answers: nobody but Mandrill can know that it was sent.",
        lambda stage: stage.vendors["mandrill"].fail(faults.accept_then(faults.hang_after_read())),
    ),
    Scene(
        "Both are back, but Mailgun's key was revoked",
        f"The clock is moved on by {BREAKER_PASSES:.0f} s, past the end of the breakers' pause.",
        _key_is_revoked,
    ),
    Scene(
        "The key is valid again",
        f"The clock is moved on by {ACCOUNT_PASSES / 60:.0f} min, past the end of the parking.",
        _all_is_well_again,
    ),
)


class Sending(NamedTuple):
    """
    A mail is handed to the mailer.
    """

    number: int


@dataclass(frozen=True, slots=True)
class Sent:
    """
    The mailer is done with a mail.

    Attributes:
        scene, number: The numbers of its scene and of the mail, from 1.

        receipt, error: As in an :class:`~mailfailover.Outcome`, one of the two.

        changes: Which providers are passed by from now on, or are back.
    """

    scene: int
    number: int
    mail_id: str
    receipt: Receipt | None
    error: MailFailoverError | None
    changes: tuple[ProviderDown | ProviderUp, ...]

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """
        Every call that was made for it.
        """
        return self.receipt.attempts if self.receipt else self.error.attempts if self.error else ()

    @property
    def provider(self) -> str:
        """
        The vendor that accepted it, "" if none did.
        """
        return self.receipt.provider if self.receipt else ""

    def to_dict(self) -> dict[str, Any]:
        """
        Return it as JSON-safe data.
        """
        return {
            "scene": self.scene,
            "number": self.number,
            "mail_id": self.mail_id,
            "provider": self.provider,
            "possible_duplicate": self.receipt is not None and self.receipt.possible_duplicate,
            "error": self.error and type(self.error).__name__,
            "attempts": [attempt.to_dict() for attempt in self.attempts],
        }


Event = Sending | Sent


class Playing(NamedTuple):
    """
    A scene, and what happens in it; nothing does before *events* are asked for.
    """

    number: int
    scene: Scene
    events: Iterator[Event]


def play(stage: Stage, scenes: Iterable[Scene] = SCENES, pace: float = 0.0) -> Iterator[Playing]:
    """
    Play *scenes*, telling what happens as it happens.

    Args:
        stage: The vendors and the mailer.

        scenes: The scenes to play.

        pace: Seconds between two mails, for who watches.
    """
    numbers = count(1)
    for place, scene in enumerate(scenes, start=1):
        yield Playing(place, scene, _events(stage, place, scene, numbers, pace))


def _events(
    stage: Stage, place: int, scene: Scene, numbers: Iterator[int], pace: float
) -> Iterator[Event]:
    scene.prepare(stage)
    for _ in range(scene.mails):
        number = next(numbers)
        yield Sending(number)
        yield _send(stage, place, number)
        time.sleep(pace)


def _send(stage: Stage, scene: int, number: int) -> Sent:
    message = stage.mailer.prepare(
        to=f"customer{number}@demo.example", subject=f"Order {number}", text="Thank you."
    )
    stage.changes.clear()
    receipt = error = None
    try:
        receipt = stage.mailer.send(message)
    except MailFailoverError as exc:
        error = exc
    return Sent(scene, number, message.id, receipt, error, tuple(stage.changes))
