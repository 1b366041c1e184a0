"""
The rules that a worker goes by: how long, and how often.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

MOST_SECONDS = 4 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """
    The settings of an :class:`OutboxWorker`.

    Attributes:
        lease: Seconds for which a mail belongs to a worker; a living one renews it.

        max_tries:
            After so many tries a mail that no provider took is dead; None leaves that to the
            time at which it expires.

        max_lost:
            After so many tries during which the worker died, with nothing else to do, a mail is
            dead: it is what kills them.

        pause: Seconds of the pause after the first try, which is then doubled each time.

        unknown_after:
            Seconds after which a mail that may have been sent is sent again; None leaves it to
            the operator.

        keep: How long a finished mail is remembered.

        keep_content: How long what a sent mail said is kept.
    """

    lease: float = 60.0
    max_tries: int | None = None
    max_lost: int = 3
    pause: float = 60.0
    unknown_after: float | None = 600.0
    keep: timedelta = timedelta(days=30)
    keep_content: timedelta = timedelta(0)

    def retry_seconds(self, tries: int, rng: Random) -> float:
        """
        The pause after this many tries, four hours at most.

        Up to half of it is left to chance, so that mails which failed together come back apart.
        """
        seconds = min(self.pause * 2.0 ** min(tries - 1, 20), MOST_SECONDS)
        return seconds * rng.uniform(0.5, 1.0)

    def retry_pause(self, tries: int, rng: Random) -> timedelta:
        """
        The same as a difference of times.
        """
        return timedelta(seconds=self.retry_seconds(tries, rng))

    def is_last(self, tries: int) -> bool:
        """
        Whether a mail with this many tries gets no other.
        """
        return self.max_tries is not None and tries >= self.max_tries
