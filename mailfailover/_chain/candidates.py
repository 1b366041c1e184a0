"""
Who can carry a mail, and what must be left off it for that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mailfailover._chain.requirements import estimate_size, over_limits, required_bits, without
from mailfailover._message.merge import merge_features
from mailfailover._values.features import NO_FEATURES, Feature
from mailfailover._values.frozen import FrozenDict
from mailfailover.errors import InvalidMessage, UnsupportedFeature

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailfailover._chain.chain import ProviderChain
    from mailfailover._message.message import Message
    from mailfailover._provider.link import Link


class Candidate(NamedTuple):
    """
    A link that can carry this mail, and what must be left off for it.
    """

    link: Link
    domain: str
    dropped: Feature = NO_FEATURES
    batch: bool = False
    """Whether it takes a whole merge in one call."""

    def bind(self, message: Message) -> Message:
        """
        The mail as this link's account sends it.
        """
        link = self.link
        changes: dict[str, object] = {}
        if link.from_email is not None:
            changes["from_email"] = link.from_email
            if _moves_to_reply_to(link, message):
                changes["reply_to"] = (message.from_email,)
        if message.template_id:
            changes["template_id"] = template_at(link, message)
        if message.provider_options:
            options = message.options(link.provider.name, link.key)
            changes["provider_options"] = FrozenDict({link.provider.name: options})
        if link.idempotency_ttl is not None:
            changes["idempotency_key"] = idempotency_key(message, link.key)
        if changes:
            message = message.bound(**changes)
        return without(message, self.dropped, link.capabilities) if self.dropped else message


def _moves_to_reply_to(link: Link, message: Message) -> bool:
    """
    Whether the mail's own sender, which the link replaces, is where answers are to go.
    """
    own, sender = link.from_email, message.from_email
    replaced = own is not None and sender is not None and own.email != sender.email
    return replaced and not message.reply_to


def template_at(link: Link, message: Message) -> str:
    """
    The id of the message's template at this link, or "" where there is none.
    """
    template = message.template_id
    if not isinstance(template, str):
        template = template.get(link.key, "")
    return link.templates.get(template, template)


def idempotency_key(message: Message, key: str) -> str:
    """
    The key under which a vendor knows this mail again: the same for every attempt.
    """
    from uuid import NAMESPACE_URL, uuid5

    return str(uuid5(NAMESPACE_URL, f"mailfailover:{message.id}:{message.part}:{key}"))


def candidates(chain: ProviderChain, message: Message) -> Iterator[Candidate]:
    """
    Find who can carry *message*, one by one as they are asked for.

    They come in the strategy's order, those who need nothing dropped first.

    Raises:
        InvalidMessage: If there is no recipient or no sender, or *via* names nobody.
        UnsupportedFeature: If nobody can express it.
    """
    if not message.to and not message.cc and not message.bcc:
        raise InvalidMessage("to is empty: name at least one recipient", field="to")
    links = chain.strategy.order(message, chain.rng)
    if message.via:
        links = [link for link in links if not link.names.isdisjoint(message.via)]
        if not links:
            text = f"via names no provider of this chain; known: {', '.join(chain.keys)}"
            raise InvalidMessage(text, field="via")
    return _Fitting(chain, message).find(links)


def _each_bits(message: Message) -> int:
    """
    What the data of a merge asks for in the mails that are made of it, one for each recipient.
    """
    needed = NO_FEATURES
    if message.merge_metadata:
        needed |= Feature.METADATA
    for headers in message.merge_headers.values():
        needed |= Feature.HEADERS
        if any(isinstance(value, tuple) for value in headers.values()):
            needed |= Feature.REPEATED_HEADERS
    return needed.value


class _Fitting:
    """
    Holds what one mail asks for against what each link can do.
    """

    def __init__(self, chain: ProviderChain, message: Message) -> None:
        self.chain = chain
        self.message = message
        self.needed = required_bits(message)
        self.needed_each = self.needed
        if message.is_merge:
            self.needed_each |= _each_bits(message)
        self.lacking: dict[str, tuple[str, ...]] = {}
        self._size = 0

    def find(self, links: list[Link]) -> Iterator[Candidate]:
        message = self.message
        reduced: list[Candidate] = []
        found = False
        for link in links:
            sender = link.from_email or message.from_email
            if sender is None:
                continue
            batch = message.is_merge and self._takes_batch(link)
            missing, limits = self._missing(link, batch=batch), self._limits(link)
            if batch and message.merge_metadata and Feature.METADATA in missing:
                batch = False  # those of each are cut in a mail of their own
                missing = self._missing(link, batch=batch)
            if limits or (missing and missing & ~message.droppable):
                self.lacking[link.key] = (*(missing & ~message.droppable).names, *limits)
                continue
            found = True
            candidate = Candidate(link, sender.domain, missing, batch)
            if missing:
                reduced.append(candidate)
            else:
                yield candidate
        if not found:
            raise self._nobody()
        yield from reduced

    def _missing(self, link: Link, *, batch: bool) -> Feature:
        message, limits = self.message, link.capabilities
        needed = self.needed if batch else self.needed_each
        if link.from_email is not None and _moves_to_reply_to(link, message):
            needed |= Feature.REPLY_TO.value
        lacking = needed & ~limits.features.value if needed else 0
        missing = Feature(lacking) if lacking else NO_FEATURES
        if message.tags or message.metadata or message.merge_metadata:
            missing |= over_limits(message, limits)
        if message.template_id and not template_at(link, message):
            missing |= Feature.TEMPLATES
        return missing

    def _limits(self, link: Link) -> list[str]:
        message, limits = self.message, link.capabilities
        over = []
        if limits.max_recipients is not None and not message.is_merge:
            count = len(message.to) + len(message.cc) + len(message.bcc)
            if count > limits.max_recipients:
                over.append(f"max_recipients={limits.max_recipients}")
        if limits.max_bytes is not None and self._measured() > limits.max_bytes:
            over.append(f"max_bytes={limits.max_bytes}")
        if limits.max_delay is not None and message.send_at is not None:
            delay = message.send_at.timestamp() - self.chain.wall()
            if delay > limits.max_delay:
                over.append(f"max_delay={limits.max_delay:.0f}")
        return over

    def _measured(self) -> int:
        if not self._size:
            self._size = estimate_size(self.message)
        return self._size

    def _takes_batch(self, link: Link) -> bool:
        able = merge_features(self.message) in link.capabilities.features
        return able and hasattr(link.provider, "build_batch")

    def _nobody(self) -> Exception:
        if not self.lacking:
            text = "from_email is missing: give it to the message, the mailer or the link"
            return InvalidMessage(text, field="from_email")
        names = sorted({name for lacks in self.lacking.values() for name in lacks})
        table = "; ".join(f"{key} lacks {', '.join(lacks)}" for key, lacks in self.lacking.items())
        return UnsupportedFeature(
            f"no provider of this chain can express the mail: {table}. "
            "Add a provider that can, or leave it off",
            features=names,
        )
