"""
Checks of a SendGrid account: authenticated domains, credits, event webhooks and templates.

https://www.twilio.com/docs/sendgrid/api-reference/domain-authentication and .../webhooks; paths as
in github.com/sendgrid/sendgrid-oai (2026-11)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import quote

from mailfailover import plugin

EVENTS = (
    "bounce",
    "click",
    "deferred",
    "delivered",
    "dropped",
    "group_resubscribe",
    "group_unsubscribe",
    "open",
    "processed",
    "spam_report",
    "unsubscribe",
)


def checks(
    ask: Callable[[str], plugin.HTTPRequest], asked: plugin.AccountQuestion
) -> Iterator[plugin.AccountCheck]:
    """
    Yield the checks that *asked* has a question for.
    """

    def read_domains(response: plugin.Response) -> Iterator[plugin.AccountFact]:
        found = asked.of_domain(response.json(), "domain")
        yield plugin.sender_fact(
            asked.domain,
            ok=any(one.get("valid") is True for one in found),
            status="" if found else "unknown there",
            dkim=[
                plugin.as_text(plugin.dig(one, "dns", key, "host"))
                for one in found
                for key in ("dkim1", "dkim2", "dkim")
                if plugin.dig(one, "dns", key, "host")
            ],
        )

    def read_credits(response: plugin.Response) -> Iterator[plugin.AccountFact]:
        left = response.json_object().get("remain")
        yield plugin.quota_fact(left if isinstance(left, int | float) else None, "credits")

    def read_webhooks(response: plugin.Response) -> Iterator[plugin.AccountFact]:
        found = plugin.as_objects(response.json_object().get("webhooks"))
        urls = [one.get("url") for one in found if one.get("enabled") is True]
        yield plugin.webhook_fact(asked.webhook_url, urls)

    if asked.domain:
        path = f"whitelabel/domains?domain={quote(asked.domain)}&limit=50"
        yield plugin.AccountCheck("sender", ask(path), read_domains)
    yield plugin.AccountCheck("quota", ask("user/credits"), read_credits)
    yield plugin.AccountCheck("webhook", ask("user/webhooks/event/settings/all"), read_webhooks)
    yield from plugin.template_checks(asked, lambda name: ask(f"templates/{quote(name, safe='')}"))
