"""
The weather: what happens to some links at some receivers for a while.
"""

from __future__ import annotations

from dataclasses import dataclass

EVERY = "*"
"""In the place of a link or a receiver: each of them."""


@dataclass(frozen=True, slots=True)
class Weather:
    """
    What becomes of the mails of some cells, and of the webhooks that tell of them.

    Attributes:
        begin, end: Seconds since the world began.

        link, receiver: Where it is so; ``"*"`` for all.

        stuck: The part of the mails that is delivered only *stuck_for* seconds later.

        lost: The part that is never delivered, and nothing tells of it.

        deferred: The part that the receiver defers with *words*, and takes *stuck_for* seconds
            later.

        bounced: The part that the receiver refuses with *words*.

        mute: The part of the events that never comes.

        refused: Whether the webhooks are signed with another secret.

        webhook_lag: Seconds by which the webhooks are late.
    """

    begin: float
    end: float
    link: str = EVERY
    receiver: str = EVERY
    stuck: float = 0.0
    stuck_for: float = 0.0
    lost: float = 0.0
    deferred: float = 0.0
    bounced: float = 0.0
    words: str = ""
    mute: float = 0.0
    refused: bool = False
    webhook_lag: float = 0.0

    def covers(self, now: float, link: str, receiver: str) -> bool:
        """
        Whether a mail of now through *link* to *receiver* meets it.
        """
        return (
            self.begin <= now < self.end
            and self.link in (EVERY, link)
            and self.receiver in (EVERY, receiver)
        )
