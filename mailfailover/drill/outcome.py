"""
The outcome: what became of the mails of one play.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any

from mailfailover._values.face import published_in
from mailfailover.drill.traffic import RECEIVERS, receiver_of_mail

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mailfailover._message.message import Message
    from mailfailover.drill.post import Fate
    from mailfailover.drill.traffic import Traffic

LATE = 60.0
"""The seconds to the mailbox after which a mail is late."""

BINS = 60
_HOUR = 3600.0


@published_in("mailfailover.drill")
@dataclass(frozen=True, slots=True)
class Notice:
    """
    A notice that the program got while an incident was played.

    Attributes:
        seconds: When, after the incident's begin.

        by: What told it: ``"breaker"``, ``"deliveries"``, ``"webhooks"`` or ``"exception"``.

        text: What it said.

    .. versionadded:: 0.1.0
    """

    seconds: float
    by: str
    text: str


@published_in("mailfailover.drill")
@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """
    The outcome of an incident for the mails, by one way of sending.

    Attributes:
        name: ``"first provider only"``, ``"three retries, then next"`` or ``"this chain"``.

        mails: How many were sent while the incident lasted.

        lost: How many never arrived.

        refused: How many of these the program was told of, by an exception.

        late: How many took more than a minute to their mailbox.

        median, worst: Seconds to the mailbox, of those that arrived.

        twice: How many arrived more than once.

        wasted: How many calls beyond one for each mail.

        load:
            The most recipients an hour that each link carried for each receiver, at the user's
            own rate: ``{key: {receiver: number}}``.

        notices: What was told, the first of each kind.

        curve: In each sixtieth of the play: mails in time, late and lost.

    .. versionadded:: 0.1.0
    """

    name: str
    mails: int
    lost: int
    refused: int
    late: int
    median: float
    worst: float
    twice: int
    wasted: int
    load: Mapping[str, Mapping[str, int]]
    notices: tuple[Notice, ...] = ()
    curve: tuple[tuple[int, int, int], ...] = field(default=(), repr=False)

    @property
    def told(self) -> Notice | None:
        """
        The first notice of the incident.
        """
        return self.notices[0] if self.notices else None

    def to_dict(self) -> dict[str, Any]:
        """
        Return it as JSON-safe data.
        """
        return asdict(self)


@dataclass(slots=True)
class Record:
    """
    The record of a running play.

    Attributes:
        sent: Each mail with the time at which the program sent it.

        fates: What became of it.

        calls: How many calls it cost.

        refused: The mails that ended in an exception.

        notices: What was told.
    """

    sent: dict[str, tuple[float, Message]] = field(default_factory=dict)
    fates: Mapping[str, Fate] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    refused: set[str] = field(default_factory=set)
    notices: list[Notice] = field(default_factory=list)

    def note(self, seconds: float, by: str, text: str) -> None:
        """
        Keep the first notice of each kind.
        """
        if seconds >= 0 and not any((one.by, one.text) == (by, text) for one in self.notices):
            self.notices.append(Notice(seconds, by, text))


def conclude(name: str, record: Record, traffic: Traffic) -> Outcome:
    """
    Count what became of the mails that were sent while the incident lasted.
    """
    struck = {mail: sent for mail, (sent, _) in record.sent.items() if 0 <= sent < traffic.lasts}
    seconds = {mail: _seconds(record.fates.get(mail), sent) for mail, sent in struck.items()}
    arrived = [took for took in seconds.values() if took is not None]
    lost = [mail for mail, took in seconds.items() if took is None]
    return Outcome(
        name=name,
        mails=len(struck),
        lost=len(lost),
        refused=len(record.refused.intersection(lost)),
        late=sum(took > LATE for took in arrived),
        median=round(median(arrived), 1) if arrived else 0.0,
        worst=round(max(arrived), 1) if arrived else 0.0,
        twice=sum(len(record.fates[mail].delivered) > 1 for mail in struck if mail not in lost),
        wasted=sum(max(0, record.calls[mail] - 1) for mail in struck),
        load=_load(record, traffic),
        notices=tuple(record.notices[:_MOST_NOTICES]),
        curve=_curve(record, traffic),
    )


_MOST_NOTICES = 20


def _seconds(fate: Fate | None, sent: float) -> float | None:
    return min(fate.delivered) - sent if fate is not None and fate.delivered else None


def _load(record: Record, traffic: Traffic) -> dict[str, dict[str, int]]:
    hours: Counter[tuple[str, str, int]] = Counter()
    for mail, fate in record.fates.items():
        receiver = receiver_of_mail(record.sent[mail][1])
        receiver = receiver if receiver in RECEIVERS else "other"
        for when, key in fate.accepted:
            hours[key, receiver, int((when - traffic.begin) // _HOUR)] += 1
    found: dict[str, dict[str, int]] = {}
    for (key, receiver, _), number in hours.items():
        most = found.setdefault(key, {})
        most[receiver] = max(most.get(receiver, 0), round(number * traffic.stands_for))
    return found


def _curve(record: Record, traffic: Traffic) -> tuple[tuple[int, int, int], ...]:
    counts = [[0, 0, 0] for _ in range(BINS)]
    step = (traffic.end - traffic.begin) / BINS
    for mail, (sent, _) in record.sent.items():
        took = _seconds(record.fates.get(mail), sent)
        place = 2 if took is None else int(took > LATE)
        counts[min(int((sent - traffic.begin) / step), BINS - 1)][place] += 1
    return tuple((one[0], one[1], one[2]) for one in counts)


def share_of(number: int, outcome: Outcome) -> float:
    """
    Return *number* as a part of the mails of an outcome.
    """
    return number / outcome.mails if outcome.mails else 0.0


def rows(outcomes: Sequence[Outcome]) -> list[list[str]]:
    """
    Return a table of outcomes as text, its head first.
    """
    head = ["", "lost", "late", "median", "worst", "twice", "wasted calls", "told"]
    return [head, *(_row(one) for one in outcomes)]


def _row(one: Outcome) -> list[str]:
    told = one.told
    return [
        one.name,
        f"{share_of(one.lost, one):.1%}",
        f"{share_of(one.late, one):.1%}",
        in_words(one.median),
        in_words(one.worst),
        f"{share_of(one.twice, one):.1%}",
        f"{one.wasted / max(one.mails, 1):.2f} a mail",
        f"{in_words(told.seconds)}, {told.by}" if told else "never",
    ]


def in_words(seconds: float) -> str:
    """
    Return a duration as people say it: ``"1 h 30 min"``.
    """
    if seconds < 60:  # noqa: PLR2004 -- a minute
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    hours, rest = divmod(minutes, 60)
    if not hours:
        return f"{rest} min"
    return f"{hours} h {rest} min" if rest else f"{hours} h"
