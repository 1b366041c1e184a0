"""
Checks of a MailerSend account: domains, daily quota, webhooks and templates.

https://developers.mailersend.com/api/v1/domains.html, .../webhooks.html and
.../api-quota.html (2026-11)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import quote

from mailfailover import plugin


def checks(
    ask: Callable[[str], plugin.HTTPRequest], asked: plugin.AccountQuestion
) -> Iterator[plugin.AccountCheck]:
    """
    Yield the checks that *asked* has a question for.
    """

    def read_domains(
        response: plugin.Response,
    ) -> Iterator[plugin.AccountFact | plugin.AccountCheck]:
        found = asked.of_domain(response.json_object().get("data"), "name")
        ok = any(one.get("is_verified") is True for one in found)
        yield plugin.sender_fact(asked.domain, ok=ok, status="" if found else "unknown there")
        for one in found:
            path = f"webhooks?domain_id={quote(plugin.as_text(one.get('id')))}"
            yield plugin.AccountCheck("webhook", ask(path), read_webhooks)

    def read_quota(response: plugin.Response) -> Iterator[plugin.AccountFact]:
        left = response.json_object().get("remaining")
        yield plugin.quota_fact(left if isinstance(left, int | float) else None, "calls today")

    def read_webhooks(response: plugin.Response) -> Iterator[plugin.AccountFact]:
        found = plugin.as_objects(response.json_object().get("data"))
        urls = [one.get("url") for one in found if one.get("enabled", True) is True]
        yield plugin.webhook_fact(asked.webhook_url, urls)

    if asked.domain:
        yield plugin.AccountCheck("sender", ask("domains?limit=100"), read_domains)
    yield plugin.AccountCheck("quota", ask("api-quota"), read_quota)
    yield from plugin.template_checks(asked, lambda name: ask(f"templates/{quote(name, safe='')}"))
