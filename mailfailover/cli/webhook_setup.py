"""
The work of ``mailfailover webhooks setup``: registers our webhooks at the vendors.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mailfailover.cli.doctor_accounts import account_facts, webhook_url_of
from mailfailover.cli.finding import Finding
from mailfailover.errors import ConfigurationError, MailFailoverError, SendError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mailfailover._mailer.mailer import Mailer
    from mailfailover._provider.link import Link

SET, THERE, BY_HAND, FAILED = "set", "already set", "set it by hand", "failed"


@dataclass(frozen=True, slots=True)
class Registered:
    """
    The result for one link.

    Attributes:
        link: Its chain key.

        url: The URL of its webhooks.

        state: ``"set"``, ``"already set"``, ``"set it by hand"`` or ``"failed"``.

        detail: Why it failed.

        options: Options that the provider needs from now on, such as the webhook's secret.
    """

    link: str
    url: str
    state: str
    detail: str = ""
    options: Mapping[str, str] = field(default_factory=dict, repr=False)


def set_up_webhooks(
    mailer: Mailer, url: str, keys: tuple[str, ...], timeout: float
) -> Iterator[Registered]:
    """
    Register the webhooks of each link, unless they point at *url* already.

    Args:
        mailer: The mailer with the links.

        url: The https URL above the webhooks of all providers.

        keys: The links' keys, () for all.

        timeout: Seconds for each call.

    Raises:
        ConfigurationError: If *url* is no URL that a vendor takes, or a key is unknown.
    """
    if urlsplit(url).scheme != "https" or not urlsplit(url).hostname:
        message = f"{url!r} is no https URL: vendors call nothing else"
        raise ConfigurationError(message)
    if unknown := sorted(set(keys) - set(mailer.chain.keys)):
        known = ", ".join(mailer.chain.keys)
        message = f"{unknown[0]!r} is no key of the chain: use one of {known}"
        raise ConfigurationError(message)
    for link in mailer.chain.links:
        if not keys or link.key in keys:
            yield _set_up(mailer, link, url, timeout)


def _set_up(mailer: Mailer, link: Link, url: str, timeout: float) -> Registered:
    provider: Any = link.provider
    own = webhook_url_of(url, link.key)
    if not hasattr(provider, "webhook_setups"):
        return Registered(link.key, own, BY_HAND)
    if any(
        not isinstance(fact, Finding) and fact.about == "webhook" and fact.ok
        for fact in account_facts(mailer, link, timeout, url)
    ):
        return Registered(link.key, own, THERE)
    transport: Any = link.transport or mailer.chain.transport
    options: dict[str, str] = {}
    try:
        for setup in provider.webhook_setups(own):
            response = transport.send(setup.request, timeout)
            if not response.ok:
                return Registered(link.key, own, FAILED, f"HTTP {response.status_code}")
            options |= {name: value for name, value in setup.secrets(response).items() if value}
    except SendError as exc:
        return Registered(link.key, own, FAILED, type(exc).__name__)
    except MailFailoverError as exc:
        return Registered(link.key, own, FAILED, str(exc))
    return Registered(link.key, own, SET, options=options)
