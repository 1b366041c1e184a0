"""
A game day: a link is taken out of a running fleet for a while, and put back in time.

The link is isolated in the health that all processes share, for a lease of half a minute that is
renewed. So it is in use again by itself when the process that took it out is killed.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from mailfailover._health.memory import MemoryHealth
from mailfailover._values.face import published_in
from mailfailover.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailfailover import Mailer
    from mailfailover.drill.fleet_watch import FleetWatch, Look

LEASE = 30.0
"""Seconds that the link stays out when nobody renews it."""

PAUSE = 5.0
"""Seconds between two looks at the fleet."""

_FEW = 3
_SHARE = 0.1
_PATIENCE = 60.0


@published_in("mailfailover.drill")
class End(StrEnum):
    """
    Why a game day ended.

    .. versionadded:: 0.1.0
    """

    TIME = "time"
    """The time is over."""

    BUDGET = "budget"
    """As many mails as were allowed went another way."""

    FAILURES = "failures"
    """Calls to the other links fail, or one of them is out of use too."""

    DEAD = "dead"
    """A mail of the outbox ended dead."""

    WAITING = "waiting"
    """Mails of the outbox wait too long."""

    RESET = "reset"
    """Somebody else put the link back."""

    AWAY = "away"
    """The shared health cannot be asked; there the lease ends by itself."""

    INTERRUPTED = "interrupted"
    """The program was told to end."""


@published_in("mailfailover.drill")
@dataclass(frozen=True, slots=True, kw_only=True)
class GameDay:
    """
    What a game day showed.

    Attributes:
        key: The chain key of the link that was taken out.

        end: Why it ended.

        lasted: Seconds that the link was out.

        affected: The mails that were sent or failed meanwhile.

        counted: Whether *affected* is a count of the outbox; otherwise it is estimated, from the
            calls that all processes made in each minute.

        looks: What was seen, look by look.

    .. versionadded:: 0.1.0
    """

    key: str
    end: End
    lasted: float
    affected: int
    counted: bool
    looks: tuple[Look, ...] = field(repr=False)

    @property
    def is_passed(self) -> bool:
        """
        Whether the others carried the mails until the time, or the budget, was used up.
        """
        return self.end in (End.TIME, End.BUDGET)

    def to_dict(self) -> dict[str, Any]:
        """
        Return it as JSON-safe data.
        """
        return {
            "key": self.key,
            "end": str(self.end),
            "passed": self.is_passed,
            "lasted": round(self.lasted, 3),
            "affected": self.affected,
            "counted": self.counted,
            "looks": [one.to_dict() for one in self.looks],
        }


def hold_game_day(
    mailer: Mailer,
    key: str,
    watch: FleetWatch,
    *,
    seconds: float,
    budget: int,
    on_look: Callable[[Look], None] = lambda _: None,
    lease: float = LEASE,
    pause: float = PAUSE,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> GameDay:
    """
    Take the link *key* out of use for *seconds*, watch the fleet, and put it back.

    It is put back early when *budget* mails went another way, when the others fail, when mails of
    the outbox wait or end dead, and whatever ends this call.

    Raises:
        ConfigurationError: If health is not shared, there is no such link, or it or all the
            others are out of use already.

    .. versionadded:: 0.1.0
    """
    _check(mailer, key, watch)
    health, began = mailer.health, clock()
    looks = [watch.look(0.0)]
    end = End.INTERRUPTED
    try:
        health.isolate(key, lease)
        looks.append(watch.look(clock() - began))  # it may be another link's account too
        while (found := _verdict(looks, seconds, budget)) is None:
            sleep(min(pause, max(0.0, began + seconds - clock())))
            if (found := _hold_on(mailer, key, lease)) is not None:
                break
            looks.append(watch.look(clock() - began))
            on_look(looks[-1])
        end = found
    except KeyboardInterrupt:
        end = End.INTERRUPTED
    finally:
        if end is not End.RESET:
            health.reset(key)
    return GameDay(
        key=key,
        end=end,
        lasted=clock() - began,
        affected=looks[-1].affected,
        counted=watch.counts,
        looks=tuple(looks),
    )


def _check(mailer: Mailer, key: str, watch: FleetWatch) -> None:
    keys = [link.key for link in mailer.chain.links]
    if isinstance(mailer.health, MemoryHealth):
        raise ConfigurationError(
            "a game day takes a link out of all processes, which needs health that they share: "
            "name the Redis of your workers, by MAILFAILOVER_REDIS beside MAILFAILOVER_DSN, or by "
            "health under [mailer] in the configuration file"
        )
    if key not in keys:
        raise ConfigurationError(f"link {key!r} is unknown; known: {', '.join(keys)}")
    states = watch.states()
    if getattr(mailer.health, "is_away", False):
        raise ConfigurationError("Redis cannot be asked now: a game day needs it")
    if states[key] != "closed":
        raise ConfigurationError(f"link {key!r} is out of use already ({states[key]})")
    if not any(state == "closed" for other, state in states.items() if other != key):
        raise ConfigurationError(f"no other link than {key!r} is in use: nothing would be sent")


def _hold_on(mailer: Mailer, key: str, lease: float) -> End | None:
    """
    Renew the lease, unless somebody else put the link back, or nobody can be asked.
    """
    state = mailer.health.snapshot().get(key)
    if getattr(mailer.health, "is_away", False):
        return End.AWAY
    if state is None or state.state != "isolated":
        return End.RESET
    mailer.health.isolate(key, lease)
    return None


def _verdict(looks: list[Look], seconds: float, budget: int) -> End | None:
    """
    Whether the link has to be put back after the last look, and why.
    """
    first, last = looks[0], looks[-1]
    if last.dead > first.dead:
        return End.DEAD
    if last.closed < first.closed or _fails_more(first, last):
        return End.FAILURES
    if last.waits > first.waits + _PATIENCE:
        return End.WAITING
    if last.affected >= budget:
        return End.BUDGET
    return End.TIME if last.at >= seconds else None


def _fails_more(first: Look, last: Look) -> bool:
    return last.failures >= _FEW and last.failure_share >= first.failure_share + _SHARE
