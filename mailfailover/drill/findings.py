"""
Findings: single points of failure that a chain's configuration shows, without any play.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Any

from mailfailover._chain.fit import Fit
from mailfailover._chain.requirements import required_bits
from mailfailover._values.face import published_in
from mailfailover._values.features import PREFERENCES, Feature
from mailfailover.drill.actors import is_scripted
from mailfailover.drill.foundations import shared
from mailfailover.drill.traffic import TYPICAL
from mailfailover.drill.warmth import idle_links
from mailfailover.errors import MailFailoverError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from mailfailover._mailer.mailer import Mailer
    from mailfailover._message.message import Message
    from mailfailover._provider.link import Link


@published_in("mailfailover.drill")
@dataclass(frozen=True, slots=True)
class Finding:
    """
    A single point of failure: a dependency of all mails, or a lack of the standby.

    Attributes:
        kind: ``"shared"``, ``"alone"``, ``"features"``, ``"sender"``, ``"webhooks"``, ``"cold"`` or
            ``"unknown"``.

        keys: The links that it is about.

        text: What it is.

        remedy: What to do about it.

        source: Where a fact about a vendor was read, and when; "" for what the configuration says.

    .. versionadded:: 0.1.0
    """

    kind: str
    keys: tuple[str, ...]
    text: str
    remedy: str
    source: str = ""

    def to_dict(self) -> dict[str, Any]:
        """
        Return it as JSON-safe data.
        """
        return asdict(self)


def find(mailer: Mailer, messages: Iterable[Message] = ()) -> tuple[Finding, ...]:
    """
    Find the single points of failure of a mailer's chain.

    Args:
        mailer: As it is configured.

        messages: Mails like those that the program sends; a typical one where none is given.
    """
    samples = tuple(messages) or (TYPICAL,)
    links = mailer.chain.links
    return (
        *_alone(links),
        *_shared(links),
        *_unfit(mailer, samples),
        *_senders(mailer, samples),
        *_webhooks(links),
        *_cold(mailer, samples),
        *_unknown(links),
    )


def _alone(links: Sequence[Link]) -> Iterator[Finding]:
    if len(links) == 1:
        yield Finding(
            "alone",
            (links[0].key,),
            "there is one provider, and nothing to fail over to",
            "add a second vendor to the chain",
        )


def _shared(links: Sequence[Link]) -> Iterator[Finding]:
    for foundation, keys in shared(links).items():
        doubt = "" if foundation.sure else " (not confirmed by the vendor)"
        yield Finding(
            "shared",
            keys,
            f"{', '.join(keys)} stand on {foundation.name}{doubt}: they can go down together",
            "let one link be of a vendor that stands on something else",
            f"{foundation.source} ({foundation.seen})",
        )


def _unfit(mailer: Mailer, samples: Sequence[Message]) -> Iterator[Finding]:
    for link in mailer.chain.links:
        lacks = dict.fromkeys(name for one in samples for name in _lacking(link, one, mailer))
        if lacks:
            yield Finding(
                "features",
                (link.key,),
                f"{link.key} cannot carry some of the mails: {', '.join(lacks)}",
                "leave these off, or add a standby that has them: `mailfailover providers`",
            )


def _lacking(link: Link, message: Message, mailer: Mailer) -> Iterator[str]:
    sender = message.from_email or mailer.from_email
    bound = message.bound(from_email=sender) if sender else message
    try:
        found = next(iter(Fit(bound, mailer.chain.parts.wall, {}).find([link])), None)
    except MailFailoverError:
        found = None
    if found is not None and not found.dropped:
        return
    missing = Feature(required_bits(bound)) & ~link.capabilities.features
    hard = missing & ~PREFERENCES
    yield from (name.lower() for name in (hard or missing).names)
    if not missing:
        yield "its size or number of recipients"


def _senders(mailer: Mailer, samples: Sequence[Message]) -> Iterator[Finding]:
    for link in mailer.chain.links:
        domain = getattr(link.provider, "domain", "")
        if link.from_email is not None or not isinstance(domain, str) or not domain:
            continue
        others = {
            sender.domain
            for one in samples
            if (sender := one.from_email or mailer.from_email)
            and not _within(sender.domain, domain)
        }
        if others and samples != (TYPICAL,):
            yield Finding(
                "sender",
                (link.key,),
                f"{link.key} sends for {domain}, and mails come from {', '.join(sorted(others))}",
                f"verify these domains there, or give {link.key} a from_email of its own",
            )


def _within(domain: str, other: str) -> bool:
    return domain == other or other.endswith(f".{domain}") or domain.endswith(f".{other}")


def _webhooks(links: Sequence[Link]) -> Iterator[Finding]:
    deaf = tuple(link.key for link in links if not _hears(link))
    if deaf:
        yield Finding(
            "webhooks",
            deaf,
            f"no webhooks are set up for {', '.join(deaf)}: an outage behind a yes stays unseen",
            "set the vendor's webhook secret and route its events to mailer.receive",
        )


def _hears(link: Link) -> bool:
    """
    Whether a link's provider can verify webhooks.
    """
    provider: Any = link.provider
    if not hasattr(provider, "verify_webhook") or not is_dataclass(provider):
        return hasattr(provider, "verify_webhook")
    names = [one.name for one in fields(provider) if "webhook" in one.name]
    return not names or any(getattr(provider, name) for name in names)


def _cold(mailer: Mailer, samples: Sequence[Message]) -> Iterator[Finding]:
    idle = idle_links(mailer.chain.strategy, samples)
    if idle:
        yield Finding(
            "cold",
            idle,
            f"no mail goes to {', '.join(idle)} while all is well: nothing proves that it works, "
            "and receivers do not know its senders",
            "give it a share of the traffic, such as share=0.02",
        )


def _unknown(links: Sequence[Link]) -> Iterator[Finding]:
    keys = tuple(link.key for link in links if not is_scripted(link))
    if keys:
        yield Finding(
            "unknown",
            keys,
            f"{', '.join(keys)} call by code of their own: a generic vendor plays them",
            "nothing; their answers in a drill are not those of their vendors",
        )
