"""
Checks of a Resend account: domains, webhooks and templates.

https://resend.com/docs/api-reference; fields as in github.com/resend/resend-openapi (2026-11). A
key with sending access only may read none of these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import quote

from mailfailover import plugin

EVENTS = (
    "email.sent",
    "email.delivered",
    "email.delivery_delayed",
    "email.complained",
    "email.bounced",
    "email.opened",
    "email.clicked",
    "email.failed",
    "email.suppressed",
)


def checks(
    ask: Callable[[str], plugin.HTTPRequest], asked: plugin.AccountQuestion
) -> Iterator[plugin.AccountCheck]:
    """
    Yield the checks that *asked* has a question for.
    """

    def read_domains(response: plugin.Response) -> Iterator[plugin.AccountFact]:
        states = [
            plugin.as_text(one.get("status"))
            for one in asked.of_domain(response.json_object().get("data"), "name")
        ]
        status = "" if "verified" in states else next(iter(states), "unknown there")
        yield plugin.sender_fact(asked.domain, ok="verified" in states, status=status)

    def read_webhooks(response: plugin.Response) -> Iterator[plugin.AccountFact]:
        found = plugin.as_objects(response.json_object().get("data"))
        urls = [one.get("endpoint") for one in found if one.get("status") != "disabled"]
        yield plugin.webhook_fact(asked.webhook_url, urls)

    if asked.domain:
        yield plugin.AccountCheck("sender", ask("domains?limit=100"), read_domains)
    yield plugin.AccountCheck("webhook", ask("webhooks?limit=100"), read_webhooks)
    yield from plugin.template_checks(asked, lambda name: ask(f"templates/{quote(name, safe='')}"))


def read_secret(response: plugin.Response) -> dict[str, str]:
    """
    Read the secret of a webhook that was just made.
    """
    return {"webhook_secret": plugin.as_text(response.json_object().get("signing_secret"))}
