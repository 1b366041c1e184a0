"""
Checks of a Brevo account: the sender's domain, credits, webhooks and templates.

https://developers.brevo.com/reference/get-domain-configuration, .../get-account and
.../get-webhooks (2026-11)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import quote

from mailfailover import plugin

EVENTS = (
    "sent",
    "delivered",
    "hardBounce",
    "softBounce",
    "blocked",
    "spam",
    "invalid",
    "deferred",
    "click",
    "opened",
    "uniqueOpened",
    "unsubscribed",
)


def checks(
    ask: Callable[[str], plugin.HTTPRequest], asked: plugin.AccountQuestion
) -> Iterator[plugin.AccountCheck]:
    """
    Yield the checks that *asked* has a question for.
    """

    def read_domain(response: plugin.Response) -> Iterator[plugin.AccountFact]:
        body = response.json_object()
        ok = body.get("authenticated") is True
        status = "unknown there" if not response.ok else "" if ok else "not authenticated"
        host = plugin.as_text(plugin.dig(body, "dns_records", "dkim_record", "host_name"))
        selector = host.rstrip(".").removesuffix(f".{asked.domain}")
        dkim = [f"{selector}.{asked.domain}"] if host else []
        yield plugin.sender_fact(asked.domain, ok=ok, status=status, dkim=dkim)

    def read_account(response: plugin.Response) -> Iterator[plugin.AccountFact]:
        plans = plugin.as_objects(response.json_object().get("plan"))
        limited = [one for one in plans if one.get("creditsType") == "sendLimit"]
        left = [one.get("credits") for one in limited]
        numbers = [one for one in left if isinstance(one, int | float)]
        yield plugin.quota_fact(max(numbers) if numbers else None, "credits")

    def read_webhooks(response: plugin.Response) -> Iterator[plugin.AccountFact]:
        found = plugin.as_objects(response.json_object().get("webhooks"))
        yield plugin.webhook_fact(asked.webhook_url, [one.get("url") for one in found])

    if asked.domain:
        path = f"senders/domains/{quote(asked.domain, safe='')}"
        yield plugin.AccountCheck("sender", ask(path), read_domain, reads_absence=True)
    yield plugin.AccountCheck("quota", ask("account"), read_account)
    # Without any webhook the vendor answers 404.
    yield plugin.AccountCheck(
        "webhook", ask("webhooks?type=transactional"), read_webhooks, reads_absence=True
    )
    yield from plugin.template_checks(
        asked, lambda name: ask(f"smtp/templates/{quote(name, safe='')}")
    )
