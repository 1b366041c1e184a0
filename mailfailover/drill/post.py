"""
The post: what becomes of mails that a vendor accepted, in its queue, at the receiver, in webhooks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mailfailover._values.events import DeliveryEvent, EventType, RejectReason
from mailfailover.drill.chance import chance, struck
from mailfailover.drill.incident import Fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailfailover._message.message import Message
    from mailfailover.drill.cast import Cast
    from mailfailover.drill.incident import Phase
    from mailfailover.drill.loop import Loop

_USUAL = 4.0
_WEBHOOK = 2.0
_AGAIN = (300.0, 900.0, 1800.0, 3600.0)
"""Seconds after which a vendor tries a deferred mail again; the last one from then on."""

_GIVEN_UP = 72 * 3600.0


@dataclass(slots=True)
class Fate:
    """
    The fate of a mail.

    Attributes:
        accepted: When a vendor said yes, and which link it was.

        delivered: When it arrived.
    """

    accepted: list[tuple[float, str]] = field(default_factory=list)
    delivered: list[float] = field(default_factory=list)


class Post:
    """
    Delivers mails, and tells of them.

    Args:
        loop: Virtual time; it is 0 when the incident begins.

        cast: The part of each link in the incident.

        epoch: When the incident began, in seconds since 1970.

        seed: Makes chance the same in each run.

        receiver_of: Names the receiver of a mail.

    Attributes:
        fates: What became of each mail, by its id.

        hear: What webhooks are told to, nothing where None.
    """

    def __init__(
        self,
        loop: Loop,
        cast: Cast,
        epoch: float,
        *,
        seed: int,
        receiver_of: Callable[[Message], str],
    ) -> None:
        self.fates: dict[str, Fate] = {}
        self.hear: Callable[[DeliveryEvent], object] | None = None
        self._loop = loop
        self._phases = cast.phases
        self._epoch = epoch
        self._seed = seed
        self._receiver_of = receiver_of

    def fate(self, mail: str) -> Fate:
        """
        Return what is known of a mail.
        """
        return self.fates.setdefault(mail, Fate())

    def take(self, key: str, message: Message, when: float) -> None:
        """
        Take a mail that the link *key* accepted at the time *when*.
        """
        self.fate(message.id).accepted.append((when, key))
        queue = struck(self._active(key, when, Fault.QUEUE, Fault.LOST), self._luck(key, message))
        if queue is not None and queue.fault is Fault.LOST:
            return
        usual = _USUAL * (0.5 + chance(self._seed, "usual", key, message.id))
        due = when + usual + (_delay(queue, when) if queue else 0.0)
        self._loop.at(due, lambda: self._deliver(key, message, 0))
        copies = self._active(key, when, Fault.TWICE)
        if struck(copies, chance(self._seed, "twice", key, message.id)):
            self._loop.at(due + 60.0, lambda: self._arrive(message))

    def _luck(self, key: str, message: Message) -> float:
        return chance(self._seed, "queue", key, message.id)

    def _active(self, key: str, when: float, *faults: Fault) -> list[Phase]:
        return [
            one for one in self._phases[key] if one.fault in faults and one.begin <= when < one.end
        ]

    def _deliver(self, key: str, message: Message, tries: int) -> None:
        now, receiver = self._loop.now, self._receiver_of(message)
        met = [one for one in self._active(key, now, Fault.RECEIVER) if one.receiver == receiver]
        phase = struck(met, chance(self._seed, "receiver", key, message.id, tries))
        if phase is None:
            self._arrive(message)
            self._tell(key, message, EventType.DELIVERED, "250 2.0.0 OK")
            return
        if phase.reply.startswith("5"):
            self._tell(key, message, EventType.BOUNCED, phase.reply)
            return
        self._tell(key, message, EventType.DEFERRED, phase.reply)
        pause = _AGAIN[min(tries, len(_AGAIN) - 1)]
        if now - self.fate(message.id).accepted[0][0] + pause < _GIVEN_UP:
            self._loop.at(now + pause, lambda: self._deliver(key, message, tries + 1))

    def _arrive(self, message: Message) -> None:
        self.fate(message.id).delivered.append(self._loop.now)

    def _tell(self, key: str, message: Message, kind: EventType, reply: str) -> None:
        if self.hear is None:
            return
        now, hear = self._loop.now, self.hear
        phase = struck(
            self._active(key, now, Fault.WEBHOOKS),
            chance(self._seed, "webhook", key, message.id),
        )
        if phase is not None and not phase.resumes:
            return
        event = DeliveryEvent(
            event_id=f"{message.id}-{key}-{kind}-{now:.0f}",
            type=kind,
            provider=key,
            mail_id=message.id,
            recipient=message.to[0].email,
            timestamp=datetime.fromtimestamp(self._epoch + now, UTC),
            reject_reason=_reason(reply) if kind is EventType.BOUNCED else None,
            mta_response=reply,
        )
        told = max(now + _WEBHOOK, phase.end if phase is not None else 0.0)
        self._loop.at(told, lambda: hear(event))


def _reason(reply: str) -> RejectReason:
    return RejectReason.INVALID if "5.1.1" in reply else RejectReason.BLOCKED


def _delay(phase: Phase, when: float) -> float:
    """
    Return how long a mail waits that was queued at the time *when*.
    """
    first, last = phase.delay
    return first + (last - first) * (when - phase.begin) / (phase.end - phase.begin)
