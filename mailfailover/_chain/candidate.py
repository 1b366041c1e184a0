"""
A candidate: a link that can carry a mail, and the mail as its account sends it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from mailfailover._chain.reduction import without
from mailfailover._values.features import NO_FEATURES, Feature
from mailfailover._values.frozen import FrozenDict

if TYPE_CHECKING:
    from mailfailover._message.message import Message
    from mailfailover._provider.link import Link


class Candidate(NamedTuple):
    """
    A link that can carry this mail, and what must be left off for it.
    """

    link: Link
    domain: str
    """The domain of the sender's address at this link."""

    dropped: Feature = NO_FEATURES
    batch: bool = False
    """Whether the provider takes a whole merge in one call."""

    refused: Feature = NO_FEATURES
    """What the provider declares, and refused of this mail."""

    most: int | None = None
    """How many recipients of a merge it gets before the next candidate, None for all."""

    def bind(self, message: Message) -> Message:
        """
        Return *message* as this link's account sends it.
        """
        link = self.link
        changes: dict[str, object] = {}
        if link.from_email is not None:
            changes["from_email"] = link.from_email
            if moves_to_reply_to(link, message):
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
        if self.dropped is NO_FEATURES:  # asking a Flag for its truth costs a microsecond
            return message
        limits = link.capabilities
        if self.refused:
            limits = replace(limits, features=limits.features & ~self.refused)
        return without(message, self.dropped, limits)

    def refusing(self, refused: Feature) -> Candidate:
        """
        Return this candidate with *refused* left off too, each recipient of a merge by itself.
        """
        whole = self.refused | refused
        return self._replace(dropped=self.dropped | refused, batch=False, refused=whole)


def moves_to_reply_to(link: Link, message: Message) -> bool:
    """
    Whether the mail's own sender becomes its Reply-To, because *link* replaces it.
    """
    own, sender = link.from_email, message.from_email
    replaced = own is not None and sender is not None and own.email != sender.email
    return replaced and not message.reply_to


def template_at(link: Link, message: Message) -> str:
    """
    The id of the message's template at this link, "" if it has none there.
    """
    template = message.template_id
    if not isinstance(template, str):
        template = template.get(link.key, "")
    return link.templates.get(template, template)


def idempotency_key(message: Message, key: str) -> str:
    """
    The key by which a vendor recognises this mail: the same for every attempt.
    """
    from uuid import NAMESPACE_URL, uuid5

    return str(uuid5(NAMESPACE_URL, f"mailfailover:{message.id}:{message.part}:{key}"))
