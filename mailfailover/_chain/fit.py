"""
The fit of a mail and a link: whether its provider can carry the mail, and what it lacks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailfailover._chain.candidate import Candidate, moves_to_reply_to, template_at
from mailfailover._chain.reduction import over_limits
from mailfailover._chain.requirements import (
    PLAIN_BYTES,
    each_bits,
    estimate_size,
    required_bits,
    shape_of,
)
from mailfailover._message.merge import merge_features
from mailfailover._values.features import NO_FEATURES, PREFERENCES, Feature
from mailfailover.errors import InvalidMessage, UnsupportedFeature

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from mailfailover._chain.requirements import Shape
    from mailfailover._message.message import Message
    from mailfailover._provider.link import Link


class Fit:
    """
    Compares what one mail requires with what each link can do.

    Args:
        message: The mail.

        wall: Seconds since 1970, for mails that are to be sent later.

        carriers: For each shape of a plain mail, the links that are known to carry such mails.
    """

    __slots__ = (
        "_carriers",
        "_lacking",
        "_message",
        "_needed",
        "_needed_each",
        "_size",
        "_wall",
    )

    def __init__(
        self, message: Message, wall: Callable[[], float], carriers: dict[Shape, set[str]]
    ) -> None:
        self._message = message
        self._wall = wall
        self._needed = required_bits(message)
        shape = shape_of(message, self._needed)
        self._carriers = None if shape is None else carriers.setdefault(shape, set())
        self._needed_each = self._needed
        if message.is_merge:
            self._needed_each |= each_bits(message)
        self._lacking: dict[str, tuple[str, ...]] = {}
        self._size = 0

    def find(self, links: Iterable[Link]) -> Iterator[Candidate]:
        """
        Yield the candidates among *links*; first those that need no feature left off.

        Raises:
            InvalidMessage: If neither the mail nor any link has a sender.
            UnsupportedFeature: If no link can carry the mail.
        """
        reduced: list[Candidate] = []
        found = False
        carriers, sender = self._carriers, self._message.from_email
        for link in links:
            if carriers is not None and sender is not None and link.key in carriers:
                found = True
                yield Candidate(link, sender.domain)
                continue
            candidate = self._candidate(link)
            if candidate is None:
                continue
            found = True
            if candidate.dropped:
                reduced.append(candidate)
                continue
            if carriers is not None and _is_steady(link):
                carriers.add(link.key)
            yield candidate
        if not found:
            raise self._nobody()
        yield from reduced

    def _candidate(self, link: Link) -> Candidate | None:
        message = self._message
        sender = link.from_email or message.from_email
        if sender is None:
            return None
        batch = message.is_merge and self._takes_batch(link)
        missing, limits = self._missing(link, batch=batch), self._limits(link)
        if batch and message.merge_metadata and Feature.METADATA in missing:
            batch = False  # each recipient's metadata is cut in a separate mail
            missing = self._missing(link, batch=batch)
        if limits or (missing and missing & ~(message.droppable | PREFERENCES)):
            self._lacking[link.key] = (
                *(missing & ~(message.droppable | PREFERENCES)).names,
                *limits,
            )
            return None
        return Candidate(link, sender.domain, missing, batch)

    def _missing(self, link: Link, *, batch: bool) -> Feature:
        message, limits = self._message, link.capabilities
        needed = self._needed if batch else self._needed_each
        if link.from_email is not None and moves_to_reply_to(link, message):
            needed |= Feature.REPLY_TO.value
        lacking = needed & ~limits.features.value if needed else 0
        missing = Feature(lacking) if lacking else NO_FEATURES
        if message.mime and moves_to_reply_to(link, message):
            missing |= Feature.MIME  # Another From would change the bytes.
        if message.tags or message.metadata or message.merge_metadata:
            missing |= over_limits(message, limits)
        if message.template_id and not template_at(link, message):
            missing |= Feature.TEMPLATES
        return missing

    def _limits(self, link: Link) -> list[str]:
        message, limits = self._message, link.capabilities
        over = []
        if not message.is_merge:
            count = len(message.to) + len(message.cc) + len(message.bcc)
            if limits.max_recipients is not None and count > limits.max_recipients:
                over.append(f"max_recipients={limits.max_recipients}")
            if link.quota is not None and count > link.quota.count:
                over.append(f"quota={link.quota.count}")
        if limits.max_copies is not None and len(message.cc) + len(message.bcc) > limits.max_copies:
            over.append(f"max_copies={limits.max_copies}")
        if limits.max_bytes is not None and self._measured() > limits.max_bytes:
            over.append(f"max_bytes={limits.max_bytes}")
        if limits.max_delay is not None and message.send_at is not None:
            delay = message.send_at.timestamp() - self._wall()
            if delay > limits.max_delay:
                over.append(f"max_delay={limits.max_delay:.0f}")
        return over

    def _measured(self) -> int:
        if not self._size:
            self._size = estimate_size(self._message)
        return self._size

    def _takes_batch(self, link: Link) -> bool:
        if self._message.alternatives:
            return False  # Vendors fill in the text and the HTML of a merge, no other form.
        able = merge_features(self._message) in link.capabilities.features
        return able and hasattr(link.provider, "build_batch")

    def _nobody(self) -> Exception:
        if not self._lacking:
            text = "from_email is missing: give it to the message, the mailer or the link"
            return InvalidMessage(text, field="from_email")
        names = sorted({name for lacks in self._lacking.values() for name in lacks})
        table = "; ".join(f"{key} lacks {', '.join(lacks)}" for key, lacks in self._lacking.items())
        return UnsupportedFeature(
            f"no provider of this chain can express the mail: {table}. "
            "Add a provider that can, or leave it off",
            features=names,
        )


def _is_steady(link: Link) -> bool:
    """
    Whether *link* carries either all plain mails of a shape, or none.
    """
    most = link.capabilities.max_bytes
    return link.from_email is None and (most is None or most >= PLAIN_BYTES)
