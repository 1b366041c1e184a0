"""
The stage: what a call meets at a moment of an incident, and how long it takes.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from mailfailover.drill.answers import Answers, edge_answer
from mailfailover.drill.chance import chance, struck
from mailfailover.drill.foundations import vendor_of
from mailfailover.drill.incident import CALL_FAULTS, Fault
from mailfailover.errors import ConnectionFailed, OutcomeUnknown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mailfailover._provider.link import Link
    from mailfailover.drill.actors import Carried
    from mailfailover.drill.cast import Cast
    from mailfailover.drill.incident import Phase
    from mailfailover.drill.post import Post

LATENCY = 0.15
CONNECT_SECONDS = 3.0
_FAST = 0.02
_HOUR = 3600.0

Ending = tuple[float, Any]
"""The seconds that a call takes, and its answer or exception."""


class Stage:
    """
    Answers the calls of one play.

    Args:
        links: The user's own.

        cast: The part of each link in the incident.

        post: Takes the mails that a vendor accepts.

        clock: Seconds since the incident began.

        seed: Makes chance the same in each run.

        stands_for: How many mails each mail of the play stands for.

    Attributes:
        calls: How many calls each mail cost.
    """

    def __init__(
        self,
        links: Iterable[Link],
        cast: Cast,
        post: Post,
        clock: Callable[[], float],
        *,
        seed: int,
        stands_for: float,
    ) -> None:
        self.calls: Counter[str] = Counter()
        self._post = post
        self._clock = clock
        self._seed = seed
        self._stands_for = stands_for
        self._answers = {link.key: Answers(_voice(link)) for link in links}
        self._phases = {
            key: tuple(one for one in met if one.fault in CALL_FAULTS)
            for key, met in cast.phases.items()
        }
        self._tokens: dict[tuple[str, Phase], tuple[float, float]] = {}

    def call(self, carried: Carried, timeout: float) -> Ending:
        """
        Return how long a call takes, at most *timeout*, and how it ends.
        """
        mail = carried.message.id
        self.calls[mail] += 1
        now, key = self._clock(), carried.key
        luck = chance(self._seed, "call", key, mail, self.calls[mail])
        latency = min(LATENCY * (0.5 + 2 * luck), timeout)
        active = [one for one in self._phases[key] if one.begin <= now < one.end]
        for limit in active:
            if limit.fault is Fault.LIMIT and self._is_over(key, limit, now):
                return _FAST, self._no(carried, "rate_limited", limit.reply)
        phase = self._of_sender(active, carried) or struck(
            (one for one in active if one.fault is not Fault.LIMIT and one.by == "call"), luck
        )
        if phase is None:
            return latency, self._yes(carried, now + latency)
        return _PLAYED[phase.fault](self, phase, carried, timeout)

    def _of_sender(self, active: Iterable[Phase], carried: Carried) -> Phase | None:
        sender = carried.message.from_email
        luck = chance(self._seed, "sender", sender.domain if sender else "")
        return struck((one for one in active if one.by == "sender"), luck)

    def _yes(self, carried: Carried, when: float) -> Any:
        self._post.take(carried.key, carried.message, when)
        recipients = tuple(one.email for one in carried.message.recipients)
        return self._answers[carried.key].yes(carried.request, recipients)

    def _no(self, carried: Carried, name: str, reply: str) -> Any:
        return self._answers[carried.key].no(carried.request, name, reply)

    def _is_over(self, key: str, phase: Phase, now: float) -> bool:
        """
        Whether the vendor's own limit is used up: a minute's worth may come at once.
        """
        a_second = phase.rate / _HOUR / self._stands_for
        most = max(1.0, 60 * a_second)
        tokens, since = self._tokens.get((key, phase), (most, now))
        tokens = min(most, tokens + (now - since) * a_second)
        is_over = tokens < 1
        self._tokens[key, phase] = (tokens if is_over else tokens - 1, now)
        return is_over

    def _unconnected(self, phase: Phase, _: Carried, timeout: float) -> Ending:
        seconds, why = _CONNECTING[phase.fault]
        error = ConnectionFailed(f"nothing was sent: {why}", stage="connecting")
        return min(seconds, timeout), error

    def _unanswered(self, phase: Phase, carried: Carried, timeout: float) -> Ending:
        seconds = LATENCY if phase.fault is Fault.RESET else timeout
        luck = chance(self._seed, "accepted", carried.key, carried.message.id)
        if luck < phase.accepted:
            self._yes(carried, self._clock() + LATENCY)
        text = "no answer came after the mail was written"
        return seconds, OutcomeUnknown(text, stage="written")

    def _slow(self, phase: Phase, carried: Carried, timeout: float) -> Ending:
        answer = self._yes(carried, self._clock() + phase.seconds)
        if phase.seconds < timeout:
            return phase.seconds, answer
        return timeout, OutcomeUnknown("no answer in time", stage="written")

    def _refusing(self, phase: Phase, carried: Carried, _: float) -> Ending:
        return LATENCY, self._no(carried, phase.answer, phase.reply)

    def _edge(self, phase: Phase, carried: Carried, _: float) -> Ending:
        return LATENCY, edge_answer(carried.request, phase.status, phase.edge)


_CONNECTING = {
    Fault.DNS: (0.05, "the name of the host is not known"),
    Fault.REFUSED: (0.01, "connection refused"),
    Fault.TIMEOUT: (CONNECT_SECONDS, "no connection in time"),
    Fault.TLS: (0.1, "the certificate has expired"),
}
_PLAYED: dict[Fault, Callable[[Stage, Phase, Carried, float], Ending]] = {
    **dict.fromkeys(_CONNECTING, Stage._unconnected),  # noqa: SLF001 -- of this module
    Fault.RESET: Stage._unanswered,  # noqa: SLF001
    Fault.SILENT: Stage._unanswered,  # noqa: SLF001
    Fault.SLOW: Stage._slow,  # noqa: SLF001
    Fault.ANSWER: Stage._refusing,  # noqa: SLF001
    Fault.EDGE: Stage._edge,  # noqa: SLF001
}


def _voice(link: Link) -> str:
    """
    Return the dialect in which a link's stand-in speaks HTTP.
    """
    return link.provider.name if hasattr(link.provider, "build_request") else vendor_of(link)
