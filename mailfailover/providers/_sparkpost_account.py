"""
Checks of a SparkPost account: the sending domain, webhooks and templates.

https://developers.sparkpost.com/api/sending-domains/, .../webhooks/ and .../templates/ (2026-11)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import quote

from mailfailover import plugin

EVENTS = (
    "bounce",
    "click",
    "delay",
    "delivery",
    "generation_failure",
    "generation_rejection",
    "injection",
    "link_unsubscribe",
    "list_unsubscribe",
    "open",
    "out_of_band",
    "policy_rejection",
    "spam_complaint",
)


def checks(
    ask: Callable[[str], plugin.HTTPRequest], asked: plugin.AccountQuestion
) -> Iterator[plugin.AccountCheck]:
    """
    Yield the checks that *asked* has a question for.
    """

    def read_domain(response: plugin.Response) -> Iterator[plugin.AccountFact]:
        results = plugin.as_object(response.json_object().get("results"))
        status = plugin.as_object(results.get("status"))
        selector = plugin.as_text(plugin.dig(results, "dkim", "selector"))
        owned = status.get("ownership_verified") is True
        yield plugin.sender_fact(
            asked.domain,
            ok=owned and status.get("compliance_status", "valid") == "valid",
            status=_trouble(response, owned=owned, status=status),
            dkim=[f"{selector}._domainkey.{asked.domain}"] if selector else (),
        )

    def read_webhooks(response: plugin.Response) -> Iterator[plugin.AccountFact]:
        found = plugin.as_objects(response.json_object().get("results"))
        urls = [one.get("target") for one in found if one.get("active", True) is True]
        yield plugin.webhook_fact(asked.webhook_url, urls)

    if asked.domain:
        path = f"sending-domains/{quote(asked.domain, safe='')}"
        yield plugin.AccountCheck("sender", ask(path), read_domain, reads_absence=True)
    yield plugin.AccountCheck("webhook", ask("webhooks"), read_webhooks)
    yield from plugin.template_checks(asked, lambda name: ask(f"templates/{quote(name, safe='')}"))


def _trouble(response: plugin.Response, *, owned: bool, status: dict[str, object]) -> str:
    if not response.ok:
        return "unknown there"
    return plugin.as_text(status.get("compliance_status")) if owned else "ownership not verified"
