"""
A play: one incident, one way of sending, on a virtual clock.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

from mailfailover._chain.chain import ProviderChain
from mailfailover._chain.observe import MailFailed, ProviderDown
from mailfailover._health.memory import MemoryHealth
from mailfailover._mailer.mailer import Mailer
from mailfailover.drill.actors import Recast, recast
from mailfailover.drill.cast import Cast, cast
from mailfailover.drill.contenders import WAYS
from mailfailover.drill.loop import Fiber, Loop
from mailfailover.drill.outcome import Record, conclude
from mailfailover.drill.post import Post
from mailfailover.drill.stage import Stage
from mailfailover.drill.traffic import CUSTOMERS, receiver_of_mail
from mailfailover.drill.warmth import usual_shares

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from mailfailover._message.message import Message
    from mailfailover.drill.actors import Carried
    from mailfailover.drill.hearing import Crowd
    from mailfailover.drill.incident import Incident
    from mailfailover.drill.outcome import Outcome
    from mailfailover.drill.stage import Ending
    from mailfailover.drill.traffic import Traffic

YOURS = "this chain"
CHECKS = 100
"""How often the judge of deliveries looks in a play: a program's looks far more often."""

_ORIGIN = 1e6  # the chain's clock shows this much more than the seconds since the begin
_FOLLOW_UP = 2 * 86400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """
    The setting of a play.

    Attributes:
        mailer: The user's own, as it was configured.

        incident: What happens.

        traffic: The mails.

        samples: What the mails look like.

        seed: Makes chance the same in each run.

        deliveries: Whether delivery events feed the chain's health.

        outbox: Whether mails go through an outbox.

        strike: The key of the link that plays the vendor; "" for the vendor's own, or the first.
    """

    mailer: Mailer
    incident: Incident
    traffic: Traffic
    samples: Sequence[Message]
    seed: int = 0
    deliveries: bool = False
    outbox: bool = False
    strike: str = ""


class Play:
    """
    A running play.

    Attributes:
        loop: Its time; 0 is the begin of the incident.

        record: What is written down.
    """

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.loop: Loop = Loop(setting.traffic.begin)
        links, incident = setting.mailer.chain.links, setting.incident
        self.epoch: float = incident.begin.timestamp()
        self.cast: Cast = cast(links, incident, setting.strike)
        post = Post(
            self.loop,
            self.cast,
            self.epoch,
            seed=setting.seed,
            receiver_of=receiver_of_mail,
        )
        self.post: Post = post
        self.stage: Stage = Stage(
            links,
            self.cast,
            post,
            self.now,
            seed=setting.seed,
            stands_for=setting.traffic.stands_for,
        )
        self.record: Record = Record(fates=post.fates, calls=self.stage.calls)
        self.strategy: Recast = recast(
            setting.mailer.chain.strategy, self, setting.traffic.stands_for
        )

    # Time

    def now(self) -> float:
        """
        Seconds since the incident began.
        """
        return self.loop.now

    def wall(self) -> float:
        """
        Seconds since 1970.
        """
        return self.epoch + self.loop.now

    def clock(self) -> float:
        """
        Seconds on a clock that never goes back.
        """
        return _ORIGIN + self.loop.now

    def sleep(self, seconds: float) -> None:
        """
        Wait in virtual time, within a fiber.
        """
        if Fiber.current is not None:
            Fiber.current.wait(seconds)

    # A door, for sends that run in a fiber

    def send(self, request: Carried, timeout: float) -> Any:
        """
        Do one call.
        """
        seconds, answer = self.stage.call(request, timeout)
        self.sleep(seconds)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def close(self) -> None:
        """
        Let go of nothing.
        """

    # Playing

    def run(self, name: str) -> Outcome:
        """
        Play one way of sending to its end.
        """
        if name != YOURS:
            self._others(name)
        elif self.setting.outbox:
            self._outbox()
        else:
            self._chain()
        return conclude(name, self.record, self.setting.traffic)

    def mails(self, begin: Callable[[Message], object]) -> None:
        """
        Let the program send each mail in its time.
        """

        def send(message: Message) -> None:
            self.record.sent[message.id] = (self.loop.now, message)
            begin(message)

        setting = self.setting
        many = any(phase.by == "sender" for phase in setting.incident.phases)
        senders = CUSTOMERS if many else ()
        for when, message in setting.traffic.mails(setting.samples, setting.seed, senders):
            sender = message.from_email or setting.mailer.from_email
            self._at(when, send, message.bound(from_email=sender))

    def _at(self, when: float, do: Callable[[Message], object], message: Message) -> None:
        self.loop.at(when, lambda: do(message))

    def _others(self, name: str) -> None:
        way, timeout = WAYS[name], self.setting.mailer.policy.attempt_timeout
        links = self.strategy.links()

        def begin(message: Message) -> None:
            def done(ending: object) -> None:
                if isinstance(ending, Exception):
                    self.refused(message.id, ending)

            self.loop.drive(way(links, message, timeout), self.call, done)

        self.mails(begin)
        self.loop.run(self.setting.traffic.end + _FOLLOW_UP)

    def _chain(self) -> None:
        with self.mailer() as mailer, _quiet():

            def begin(message: Message) -> None:
                steps = mailer.delivery.steps(message, (), mailer.policy)
                self.loop.drive(steps, self.call, lambda _: None)

            self.mails(begin)
            self.loop.run(self.setting.traffic.end + _FOLLOW_UP)

    def _outbox(self) -> None:
        from mailfailover.drill.outbox_play import play_outbox

        with self.mailer() as mailer, _quiet():
            play_outbox(
                self.loop,
                mailer,
                self.mails,
                wall=self.wall,
                end=self.setting.traffic.end,
                seed=self.setting.seed,
            )

    def call(self, step: Any) -> Ending:
        """
        Say how long one call of a send takes, and how it ends.
        """
        return self.stage.call(*step.arguments)

    @contextmanager
    def mailer(self) -> Iterator[Mailer]:
        """
        The user's mailer, with actors in the places of its links, on this play's clock.
        """
        crowd = self._crowd() if self.setting.deliveries else None
        rng = Random(self.setting.seed)
        chain = ProviderChain(
            self.strategy,
            health=MemoryHealth(clock=self.clock, wall=self.wall, rng=rng),
            transport=self,
            clock=self.clock,
            wall=self.wall,
            sleep=self.sleep,
            rng=rng,
        )
        policy = self.setting.mailer.policy
        yield Mailer(
            chain,
            from_email=self.setting.mailer.from_email,
            timeout=policy.timeout,
            attempt_timeout=policy.attempt_timeout,
            on_unknown=policy.on_unknown,
            on_suppressed=policy.on_suppressed,
            observers=[self.hear],
            deliveries=crowd,
        )
        if crowd is not None:
            crowd.engine.dispose()

    def _crowd(self) -> Crowd:
        from mailfailover.drill.hearing import Crowd

        setting, traffic = self.setting, self.setting.traffic
        crowd = Crowd(self.wall, max(1, round(traffic.stands_for)), [self.hear])
        shares = usual_shares(setting.mailer.chain.strategy, setting.samples, setting.seed)
        crowd.remember(shares, self.wall(), 3600 * traffic.rate)
        self.loop.every((traffic.end - traffic.begin) / CHECKS, crowd.check, traffic.end)
        self.post.hear = crowd
        return crowd

    # Listening

    def hear(self, event: object) -> None:
        """
        Record the notice in an observer's event.
        """
        if isinstance(event, ProviderDown):
            self.record.note(self.loop.now, "breaker", f"{event.provider} is out ({event.reason})")
        elif isinstance(event, MailFailed):
            if self.setting.outbox:  # the mail stays there, and the program has long gone on
                self.record.note(self.loop.now, "log", type(event.error).__name__)
            else:
                self.refused(event.message.id, event.error)
        elif (by := _BY.get(type(event).__name__)) is not None:
            key = getattr(event, "key", "*")
            receiver = getattr(event, "receiver", "*")
            self.record.note(self.loop.now, by, f"{key} at {receiver}: {event.detail}")  # type: ignore[attr-defined]  # they have it

    def refused(self, mail: str, error: Exception) -> None:
        """
        Write down that the program got an exception.
        """
        self.record.refused.add(mail)
        self.record.note(self.loop.now, "exception", type(error).__name__)


_BY = {
    "DeliveriesDown": "deliveries",
    "ReceiverDown": "deliveries",
    "WebhooksSilent": "webhooks",
}
"""What tells of an event of deliveries, by its class, which needs an extra."""


@contextmanager
def _quiet() -> Iterator[None]:
    """
    Keep the log of a play from the log of the program.
    """
    logger = logging.getLogger("mailfailover")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)
