"""
Checks of a Mailtrap account: sending domains and webhooks.

Fields as in github.com/mailtrap/mailtrap-openapi (2026-11)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mailfailover import plugin

EVENTS = (
    "delivery",
    "soft_bounce",
    "bounce",
    "suspension",
    "unsubscribe",
    "open",
    "spam_complaint",
    "click",
    "reject",
)


def checks(
    ask: Callable[[str], plugin.HTTPRequest], asked: plugin.AccountQuestion
) -> Iterator[plugin.AccountCheck]:
    """
    Yield the checks that *asked* has a question for.
    """

    def read_domains(response: plugin.Response) -> Iterator[plugin.AccountFact]:
        found = asked.of_domain(response.json_object().get("data"), "domain_name")
        ok = any(one.get("dns_verified") is True for one in found)
        records = [record for one in found for record in plugin.as_objects(one.get("dns_records"))]
        names = [plugin.as_text(record.get("domain")) for record in records]
        yield plugin.sender_fact(
            asked.domain,
            ok=ok,
            status="" if found else "unknown there",
            dkim=[name for name in names if "._domainkey." in name],
        )

    def read_webhooks(response: plugin.Response) -> Iterator[plugin.AccountFact]:
        found = plugin.as_objects(response.json_object().get("data"))
        urls = [one.get("url") for one in found if one.get("active", True) is True]
        yield plugin.webhook_fact(asked.webhook_url, urls)

    if asked.domain:
        yield plugin.AccountCheck("sender", ask("domains"), read_domains)
    yield plugin.AccountCheck("webhook", ask("webhooks"), read_webhooks)


def read_secret(response: plugin.Response) -> dict[str, str]:
    """
    Read the secret of a webhook that was just made.
    """
    secret = plugin.dig(response.json_object(), "data", "signing_secret")
    return {"webhook_secret": plugin.as_text(secret)}
